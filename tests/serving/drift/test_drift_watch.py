"""The watch from the ledger's events to alarms and back, against a real app on both databases."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import jsonschema  # type: ignore[import-untyped]  # jsonschema ships no types
import pytest
from sqlalchemy import Connection, func, insert, select

from drifting_line import START, DriftingPlant, Line, line_bodies, watched_plant, write_parts
from lineside.serving.clock import ManualClock
from lineside.serving.drift.service import DriftService
from lineside.serving.events.schemas import event_json_schemas
from lineside.serving.ledger import Ledger, LedgerUnavailable, Transaction
from lineside.serving.ledger.drift_tables import drift_batches, drift_references
from lineside.serving.ledger.rate_tables import known_parts
from lineside.serving.security import Role

T = TypeVar("T")

DARKER = Line(light=114.0)


def test_a_station_goes_from_too_few_parts_to_looking_to_ok(drifting: DriftingPlant) -> None:
    assert drifting.drift()["items"] == []
    drifting.run(399)
    first = drifting.state()
    assert (first["state"], first["reference_parts"], first["reference_parts_wanted"]) == ("too_few_parts", 399, 400)
    drifting.run(1)
    assert drifting.state()["state"] == "looking"
    drifting.run(99)
    assert (drifting.state()["state"], drifting.state()["parts_since"]) == ("looking", 99)
    drifting.run(1)
    looked = drifting.state()
    assert (looked["state"], looked["look"]["parts"], looked["alarm"]) == ("ok", 100, None)
    assert {finding["signal"] for finding in looked["look"]["findings"]} == {
        "all_scores",
        "score_quantile",
        "flag_rate",
        "near_threshold",
        "picture",
        "novelty",
    }
    assert any("scores of flagged parts" in why for why in looked["look"]["untested"])
    assert "a class that the model does not know" in drifting.drift()["cannot_see"][0]


def test_a_darker_lamp_alarms_with_what_changed_how_much_and_since_when(drifting: DriftingPlant) -> None:
    drifting.run(600)
    drifting.run(200, DARKER)
    state = drifting.state()
    alarm = state["alarm"]
    assert state["state"] == "alarm"
    light = next(finding for finding in alarm["findings"] if finding["detail"] == "default/mean")
    assert light["before"] == pytest.approx(120.0, abs=0.5)
    assert light["after"] < 119.0
    assert light["since"] == (START + timedelta(seconds=601)).isoformat().replace("+00:00", "Z")
    assert "default/mean fell from 120" in alarm["message"]
    assert [event["state"] for event in drifting.plant.events("drift_alarm.v1")] == ["raised"]
    metrics = drifting.plant.http.get("/metrics", headers=drifting.plant.headers()).text
    assert 'lineside_drift_alarms{line="line-1",release="blobs",station="aoi-1"} 1.0' in metrics


def test_fainter_defects_alarm_through_the_scores_of_flagged_parts(quick_drifting: DriftingPlant) -> None:
    often = Line(share=0.3, defective=3.0)
    quick_drifting.run(500, often)
    quick_drifting.run(400, Line(share=0.3, defective=0.3))
    alarm = quick_drifting.state()["alarm"]
    assert "flagged_scores" in {finding["signal"] for finding in alarm["findings"]}


def test_good_parts_that_look_worse_to_the_model_alarm_before_they_are_flagged(quick_drifting: DriftingPlant) -> None:
    quick_drifting.run(500)
    quick_drifting.run(300, Line(good=-3.2))
    assert "score_quantile" in {finding["signal"] for finding in quick_drifting.state()["alarm"]["findings"]}
    last = {finding["signal"] for finding in quick_drifting.state()["look"]["findings"] if finding["has_changed"]}
    assert {"all_scores", "near_threshold"} <= last
    assert "flag_rate" not in last


def test_one_alarm_is_raised_however_long_it_stays_open(quick_drifting: DriftingPlant) -> None:
    quick_drifting.run(500)
    quick_drifting.run(800, DARKER)
    assert len(quick_drifting.plant.events("drift_alarm.v1")) == 1


def test_a_mended_line_is_held_against_its_old_reference(drifting: DriftingPlant) -> None:
    drifting.run(500)
    drifting.run(200, DARKER)
    answer = _acknowledge(drifting, reason="lamp changed", reference="keep")
    assert answer["acknowledgement"]["reason"] == "lamp changed"
    assert answer["acknowledgement"]["by"] == "test quality"
    assert drifting.state()["state"] == "looking"
    drifting.run(300)
    assert drifting.state()["state"] == "ok"
    drifting.run(200, DARKER)
    assert drifting.state()["state"] == "alarm"
    alarms = drifting.plant.events("drift_alarm.v1")
    assert [alarm["state"] for alarm in alarms] == ["raised", "acknowledged", "raised"]
    schema = event_json_schemas()["drift_alarm.v1"]
    data = {**schema["properties"]["data"], "$defs": schema["$defs"]}
    for alarm in alarms:
        jsonschema.validate(alarm, data, jsonschema.Draft202012Validator)


def test_a_new_normal_begins_a_reference_period_of_its_own(drifting: DriftingPlant) -> None:
    drifting.run(500)
    drifting.run(200, DARKER)
    _acknowledge(drifting, reason="another lamp type", reference="renew")
    drifting.run(100, DARKER)
    assert (drifting.state()["state"], drifting.state()["reference_parts"]) == ("too_few_parts", 100)
    drifting.run(500, DARKER)
    assert drifting.state()["state"] == "ok"
    metrics = drifting.plant.http.get("/metrics", headers=drifting.plant.headers()).text
    assert "lineside_drift_alarms{" not in metrics


def test_an_alarm_is_acknowledged_once_and_with_a_reason(drifting: DriftingPlant) -> None:
    drifting.run(500)
    drifting.run(200, DARKER)
    path = f"/v1/drift/alarms/{drifting.state()['alarm']['id']}/acknowledgement"
    post = drifting.plant.http.post
    quality = drifting.plant.headers(Role.QUALITY)
    assert post(path, json={}, headers=quality).status_code == 422
    assert post(path, json={"reason": "x"}, headers=drifting.plant.headers(Role.MLOPS)).status_code == 403
    assert post(path, json={"reason": "x"}, headers=quality).status_code == 200
    assert post(path, json={"reason": "x"}, headers=quality).status_code == 200  # its answer may have been lost
    assert len(drifting.plant.events("drift_alarm.v1")) == 2
    again = post(path, json={"reason": "y"}, headers=quality)
    assert (again.status_code, "by test quality: x" in again.json()["detail"]) == (409, True)
    unknown = post("/v1/drift/alarms/nothing/acknowledgement", json={"reason": "x"}, headers=quality)
    assert unknown.status_code == 404


def test_another_release_begins_its_own_reference_and_the_current_one_is_shown(quick_drifting: DriftingPlant) -> None:
    quick_drifting.run(500)
    quick_drifting.run(100, Line(release="c" * 64))
    state = quick_drifting.state()
    assert (state["state"], state["watched"]["release_digest"]) == ("too_few_parts", "c" * 64)
    assert quick_drifting.drift(station="aoi-2")["items"] == []


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(Line(judged_by="station", light=10.0), id="judged by the station"),
        pytest.param(Line(attempt=2, light=10.0), id="a retest, chosen for its verdict"),
    ],
)
def test_parts_that_stand_for_no_others_are_not_in_the_tests(quick_drifting: DriftingPlant, line: Line) -> None:
    quick_drifting.run(500)
    quick_drifting.run(200, line)
    quick_drifting.run(50)
    assert (quick_drifting.state()["state"], quick_drifting.state()["parts_since"]) == ("ok", 150)


def test_seeded_parts_are_not_in_the_tests(drifting: DriftingPlant) -> None:
    def know(transaction: Transaction) -> None:
        for number in range(401, 501):
            transaction.connection.execute(
                insert(known_parts).values(
                    plant=transaction.plant,
                    part_id=f"p-{number}",
                    truth="defective",
                    classes=[],
                    recorded_at=START,
                    recorded_by="a test",
                )
            )

    drifting.plant.services.ledger.write_blocking(know)
    drifting.run(400)
    drifting.run(100, Line(share=1.0))
    assert (drifting.state()["state"], drifting.state()["parts_since"]) == ("looking", 0)


def test_parts_that_were_not_inspected_have_pictures_and_no_score(quick_drifting: DriftingPlant) -> None:
    quick_drifting.run(500)
    quick_drifting.run(200, Line(not_inspected=True, sharpness=0.1))
    state = quick_drifting.state()
    changed = {(finding["signal"], finding["detail"]) for finding in state["alarm"]["findings"]}
    assert ("picture", "default/sharpness") in changed
    assert not any(signal in {"all_scores", "flag_rate", "near_threshold"} for signal, _ in changed)


def test_a_restart_goes_on_where_the_watch_was(tmp_path: Path, either_database: None) -> None:
    clock = ManualClock(START)
    with watched_plant(tmp_path, clock) as plant:
        before = DriftingPlant(plant, clock)
        before.run(430)
    with watched_plant(tmp_path, clock) as plant:
        after = DriftingPlant(plant, clock, parts=before.parts)
        after.catch_up()
        assert (after.state()["state"], after.state()["parts_since"]) == ("looking", 30)
        after.run(70)
        assert (after.state()["state"], after.state()["parts_since"]) == ("ok", 100)
    with watched_plant(tmp_path, clock) as plant:
        again = DriftingPlant(plant, clock, parts=after.parts)
        again.run(200, DARKER)
        assert again.state()["state"] == "alarm"
        again.catch_up()
        assert len(plant.events("drift_alarm.v1")) == 1
        batches = plant.services.ledger.read_blocking(
            lambda connection: connection.execute(select(func.count()).select_from(drift_batches)).scalar_one()
        )
        assert batches == 700 // 50


def test_restarts_at_any_moment_count_every_part_once(tmp_path: Path, either_database: None) -> None:
    """Two releases take turns, so that both have a batch that is half full whenever the server stops."""
    clock = ManualClock(START)
    instants: dict[str, list[datetime]] = {"c" * 64: [], "d" * 64: []}
    written = 0
    for size in (37, 260, 5, 198, 61):
        with watched_plant(tmp_path, clock) as plant:
            drifting = DriftingPlant(plant, clock, parts=written)
            drifting.catch_up()
            for release, count in (("c" * 64, size // 2), ("d" * 64, size - size // 2)):
                drifting.run(count, Line(release=release))
                instants[release] += [START + timedelta(seconds=written + index + 1) for index in range(count)]
                written += count
            kept = plant.services.ledger.read_blocking(_batches)
    expected = [
        (release, ordinal, at[50 * ordinal], at[50 * ordinal + 49])
        for release, at in instants.items()
        for ordinal in range(len(at) // 50)
    ]
    assert kept == expected


def test_a_reference_is_the_same_after_a_restart_and_has_no_part_of_a_dark_camera(
    tmp_path: Path, either_database: None
) -> None:
    """While hardly a part is inspected, the reference period moves on; what it left behind is kept no more."""
    clock = ManualClock(START)
    with watched_plant(tmp_path, clock) as plant:
        before = DriftingPlant(plant, clock)
        before.run(600, Line(not_inspected=True, sharpness=0.1))
        assert before.state()["state"] == "too_few_parts"
        before.run(400)
        assert before.state()["state"] == "looking"
        assert plant.services.ledger.read_blocking(_batches_with_parts) == list(range(12, 20))
    with watched_plant(tmp_path, clock) as plant:
        after = DriftingPlant(plant, clock, parts=before.parts)
        after.run(100)
        looked = {finding["detail"]: finding for finding in after.state()["look"]["findings"]}
        assert looked["default/sharpness"]["before"] == pytest.approx(0.3, abs=0.01)
        assert after.state()["state"] == "ok"


def test_only_the_reference_and_the_newest_batches_keep_their_parts(
    quick_drifting: DriftingPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.serving.drift.service.MOST_BATCHES", 4)
    quick_drifting.run(800)
    kept = quick_drifting.plant.services.ledger.read_blocking(_batches_with_parts)
    assert kept == [*range(8), *range(12, 16)]


def test_more_stations_than_are_kept_in_memory_are_all_watched(quick_drifting: DriftingPlant) -> None:
    releases = [f"{number:064x}" for number in range(70)]
    for turn in range(5):
        bodies = [
            body
            for index, release in enumerate(releases)
            for body in line_bodies(10, Line(release=release), first=1 + 10 * (turn * len(releases) + index))
        ]
        write_parts(quick_drifting.plant.services.ledger, bodies)
        quick_drifting.catch_up()
    assert len(quick_drifting.plant.services.ledger.read_blocking(_batches)) == len(releases)


def test_what_could_not_be_written_is_read_again(drifting: DriftingPlant) -> None:
    """The ledger refuses a batch; the next try writes it, once, and goes on."""
    plant = drifting.plant
    plant.services.drift.stop()
    ledger = RefusingLedger(plant.services.ledger)
    watch = DriftService(
        settings=plant.services.settings,
        clock=drifting.clock,
        ledger=cast("Ledger", ledger),
        certificates=plant.services.certificates,
        metrics=plant.services.metrics,
    )
    write_parts(plant.services.ledger, line_bodies(520, Line(), first=1))
    portal = plant.http.portal  # type: ignore[attr-defined]  # TestClient's loop
    for refused_after in (1, 3, 2):
        ledger.writes_left = refused_after
        with pytest.raises(LedgerUnavailable, match="no space"):
            portal.call(watch.catch_up)
    ledger.writes_left = 10**9
    portal.call(watch.catch_up)
    (item,) = portal.call(watch.states).items
    assert (item.state, item.reference_parts, item.parts_since) == ("ok", 400, 120)
    assert len(plant.services.ledger.read_blocking(_batches)) == 10


def test_a_watch_that_stands_still_says_so_and_why_until_it_goes_on(
    quick_drifting: DriftingPlant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineside.serving.drift.service._READ_EVERY_S", 0.01)
    plant = quick_drifting.plant
    plant.services.drift.stop()
    ledger = RefusingLedger(plant.services.ledger)
    watch = DriftService(
        settings=plant.services.settings,
        clock=quick_drifting.clock,
        ledger=cast("Ledger", ledger),
        certificates=plant.services.certificates,
        metrics=plant.services.metrics,
    )
    write_parts(plant.services.ledger, line_bodies(60, Line(), first=1))

    async def failures() -> list[str | None]:
        """What the answer says while the disk is full, and once it no longer is."""
        said: list[str | None] = []
        running = asyncio.create_task(watch.run_forever())
        for writes_left in (0, 10**9):
            ledger.writes_left = writes_left
            for _ in range(1000):
                why = (await watch.states()).failure
                if (why is None) == (writes_left > 0):
                    break
                await asyncio.sleep(0.01)
            said.append(why)
        watch.stop()
        await running
        return said

    portal = plant.http.portal  # type: ignore[attr-defined]  # TestClient's loop
    assert portal.call(failures) == ["no space left on the device", None]


class RefusingLedger:
    """The plant's ledger on a disk that is full after some writes."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.writes_left = 10**9

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Write, or refuse as a full disk does."""
        if self.writes_left == 0:
            raise LedgerUnavailable("no space left on the device")
        self.writes_left -= 1
        return await self._ledger.write(operation)


def _batches_with_parts(connection: Connection) -> list[int]:
    """Ordinals of the batches whose single parts are still there."""
    rows = connection.execute(
        select(drift_batches.c.ordinal).where(drift_batches.c.parts.is_not(None)).order_by(drift_batches.c.ordinal)
    )
    return list(rows.scalars())


def _batches(connection: Connection) -> list[tuple[str, int, datetime, datetime]]:
    """Release, ordinal, first and last instant of every batch that has its 50 parts."""
    rows = connection.execute(
        select(drift_references.c.release_digest, drift_batches)
        .join(drift_references, drift_batches.c.reference_id == drift_references.c.id)
        .order_by(drift_references.c.release_digest, drift_batches.c.ordinal)
    )
    return [
        (row.release_digest, row.ordinal, row.first_at, row.last_at)
        for row in rows
        if row.parts is None or len(row.parts) == 50
    ]


def test_the_light_of_a_station_over_time_is_there_for_a_forecast(drifting: DriftingPlant) -> None:
    drifting.run(100)
    drifting.run(50, DARKER)
    service, portal = drifting.plant.services.drift, drifting.plant.http.portal  # type: ignore[attr-defined]  # TestClient
    end = START + timedelta(hours=1)
    series = portal.call(service.health_series, "aoi-1", "default", "mean", START, end)
    assert [at for at, _ in series] == [START + timedelta(seconds=seconds) for seconds in (50, 100, 150)]
    assert [round(value) for _, value in series] == [120, 120, 114]
    assert portal.call(service.health_series, "aoi-1", "default", "shift_x_px", START, end) == ()


def _acknowledge(drifting: DriftingPlant, **given: str) -> dict[str, dict[str, str]]:
    answer = drifting.plant.http.post(
        f"/v1/drift/alarms/{drifting.state()['alarm']['id']}/acknowledgement",
        json=given,
        headers=drifting.plant.headers(Role.QUALITY),
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, dict[str, str]] = answer.json()
    return found
