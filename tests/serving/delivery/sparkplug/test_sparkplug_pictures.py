"""What a birth says is what following the whole log would have said, on both databases."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.inspection.verdict import Verdict
from lineside.serving.delivery.filters import DELIVERED_TYPES
from lineside.serving.delivery.sparkplug import ledger_pictures
from lineside.serving.delivery.sparkplug.ledger_pictures import (
    advanced,
    enrolled_stations,
    head_of,
    picture_at,
    tally_of_all,
    tally_on,
)
from lineside.serving.delivery.sparkplug.meanings import said_by
from lineside.serving.delivery.sparkplug.picture import Picture
from lineside.serving.delivery.sparkplug.vocabulary import DEVICE_METRICS, NODE_METRICS
from sink_scene import SinkScene, sink_scene

NOT_LOOKED_UP = ("Disposition/", "Review/", "Job/", "Event/")


@pytest.fixture
def scene(tmp_path: Path, ledger_url: str) -> Iterator[SinkScene]:
    with sink_scene(tmp_path, url=ledger_url) as scene:
        yield scene


def live(scene: SinkScene, *, seed: int, events: int) -> None:
    """Let anything happen at two stations."""
    rng = random.Random(seed)  # noqa: S311 - a test
    for _ in range(events):
        station = rng.choice(("aoi-1", "aoi-2"))
        match rng.randrange(8):
            case 0:
                scene.happen("hold.v1", {"state": rng.choice(("held", "released")), "reason": "r"}, station=station)
            case 1:
                scene.happen("order.v1", {"context": {"order_id": f"O-{rng.randrange(99)}"}}, station=station)
            case 2:
                start = scene.clock.now().isoformat()
                scene.happen("rate.v1", {"start": start, "figures": {"rate": {"point": rng.random()}}}, station=station)
            case 3:
                end = scene.clock.now().isoformat()
                signal = {"stations": ["aoi-1", "aoi-2"], "message": "m", "point": {"end": end}}
                scene.happen("chart_signal.v1", signal, station=rng.choice((None, station)))
            case 4:
                scene.happen("disposition.v1", {"kind": "passed"}, station=station)
            case _:
                scene.judge(rng.choice(tuple(Verdict)), station=station)


def comparable(picture: Picture) -> object:
    """What a birth would say of it."""
    return {
        station: {
            name: (reading.value, reading.at)
            for name, reading in readings.items()
            if not name.startswith(NOT_LOOKED_UP) and reading.value is not None
        }
        for station, readings in picture.readings.items()
        if station is not None
    }


def test_the_ledger_asked_anywhere_says_what_following_the_log_says(scene: SinkScene) -> None:
    live(scene, seed=1, events=60)
    followed = Picture(0)
    for event in scene.after(0):
        followed.apply(event)
        if event.sequence % 7 == 0:
            tally = asyncio.run(tally_of_all(scene.context.ledger, event.sequence))
            asked = asyncio.run(picture_at(scene.context.ledger, tally))
            assert asked.counts == followed.counts
            assert comparable(asked) == comparable(followed)
            assert asked.sequence == followed.sequence


def test_counting_in_small_pieces_and_going_on_by_events_give_the_same(
    scene: SinkScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_pictures, "_COUNTED_AT_ONCE", 3)
    monkeypatch.setattr(ledger_pictures, "_BATCH", 4)
    live(scene, seed=3, events=40)

    async def run() -> None:
        ledger = scene.context.ledger
        head = await head_of(ledger)
        for middle in (0, 17, head):
            begun = await tally_of_all(ledger, middle)
            assert await tally_on(ledger, begun, to=head) == await tally_of_all(ledger, head)

    asyncio.run(run())


def test_a_picture_goes_on_from_where_it_stood(scene: SinkScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """By walking through the events, or anew where that is quicker; the one it came from stays as it was."""
    live(scene, seed=2, events=40)

    async def run() -> None:
        ledger = scene.context.ledger
        head = await head_of(ledger)
        begun = await picture_at(ledger, await tally_of_all(ledger, 10))
        counts = {station: dict(of) for station, of in begun.counts.items()}
        walked = await advanced(ledger, begun, to=head)
        assert begun.counts == counts
        monkeypatch.setattr(ledger_pictures, "_LONGEST_WALK", 0)
        counted = await advanced(ledger, begun, to=head)
        assert walked.counts == counted.counts
        assert comparable(walked) == comparable(counted)
        assert walked.sequence == counted.sequence == head

    asyncio.run(run())


def test_an_empty_ledger_has_stations_and_nothing_else(scene: SinkScene) -> None:
    async def run() -> None:
        picture = await picture_at(scene.context.ledger, await tally_of_all(scene.context.ledger, 0))
        assert (picture.sequence, picture.readings, picture.counts) == (0, {}, {})
        found = await enrolled_stations(scene.context.ledger)
        assert {station: about["Station/Line"].value for station, about in found.items()} == {
            "aoi-1": "line-1",
            "aoi-2": "line-1",
        }

    asyncio.run(run())


def test_an_event_of_the_past_tells_its_own_words_and_no_counts(tmp_path: Path) -> None:
    with sink_scene(tmp_path) as scene:
        first, second = scene.judge(), scene.judge()
    picture = Picture(0)
    assert picture.apply(first)["aoi-1"]["Counts/OK"].value == 1
    assert picture.apply(second)["aoi-1"]["Counts/OK"].value == 2
    again = picture.apply(first)["aoi-1"]
    assert again["Part/Id"].value == "P00001"
    assert "Counts/OK" not in again
    assert picture.readings["aoi-1"]["Part/Id"].value == "P00002"


def test_a_chart_is_in_control_again_once_a_later_window_closed_without_a_signal(tmp_path: Path) -> None:
    with sink_scene(tmp_path) as scene:
        picture = Picture(0)
        signal = {"stations": ["aoi-1"], "message": "m", "point": {"end": "2026-03-02T06:00:00+00:00"}}
        picture.apply(scene.happen("chart_signal.v1", signal, station=None))
        assert picture.readings["aoi-1"]["Chart/In Control"].value is False
        picture.apply(scene.happen("rate.v1", {"start": "2026-03-02T05:00:00+00:00"}))
        assert picture.readings["aoi-1"]["Chart/In Control"].value is False
        picture.apply(scene.happen("rate.v1", {"start": "2026-03-02T06:00:00+00:00"}))
        assert picture.readings["aoi-1"]["Chart/In Control"].value is True


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"reasons": "x", "defects": 3, "recipe": None, "attempt": 2**40, "part_id": 7, "judged_at": "soon"},
        {"stations": "aoi-1", "point": [], "figures": {"rate": {"point": "high"}}, "context": 1, "deployment": "d"},
        {"judged_at": "2026-03-02T06:00:00", "start": 5, "proposal": [], "job": [], "quantity": True},
    ],
)
def test_odd_data_become_null_in_the_vocabulary_and_never_an_error(tmp_path: Path, data: dict[str, object]) -> None:
    types = (*DELIVERED_TYPES, "calendar")
    with sink_scene(tmp_path) as scene:
        for type_ in types:
            for station in ("aoi-1", None):
                for at, said in said_by(scene.happen(f"{type_}.v1", data, station=station)).items():
                    assert set(said).issubset(NODE_METRICS if at is None else DEVICE_METRICS), type_
