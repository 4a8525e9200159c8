"""A chart with a frozen baseline is watched: its signals are told once, and rules obey them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from signal_scene import START, SignalScene, open_scene

OK, NG = Verdict.OK, Verdict.NG
HOUR = timedelta(hours=1)


def freeze(scene: SignalScene, name: str, **wanted: Any) -> None:
    """Freeze a baseline from the calm morning."""
    body = {
        "kind": "p",
        "counted": "detector",
        "scope": {"station": "aoi-1"},
        "start": START.isoformat(),
        "end": (START + 8 * HOUR).isoformat(),
        "reason": "a calm morning",
        **wanted,
    }
    answer = scene.plant.http.put(f"/v1/chart-baselines/{name}", json=body, headers=scene.plant.headers(Role.QUALITY))
    if answer.status_code >= 300:
        raise RuntimeError(f"the baseline was refused: {answer.text}")


def play_hour(scene: SignalScene, *, bad: int, good: int = 20) -> None:
    """An hour of parts, to its end."""
    end = scene.clock.now() + HOUR
    scene.judge(NG, bad, every_s=30, classes=("short",))
    scene.judge(OK, good, every_s=30)
    scene.clock.advance((end - scene.clock.now()).total_seconds())


@pytest.fixture
def charted(tmp_path: Path) -> Iterator[SignalScene]:
    """Eight calm hours, frozen."""
    with open_scene(tmp_path, holds="[{when: chart_signal, do: order, of: lot}]") as scene:
        for number in range(8):
            play_hour(scene, bad=1 + number % 2, good=20 - number % 2)
        scene.settle()
        freeze(scene, "calm")
        yield scene


def test_a_bad_hour_is_told_once_and_has_the_lot_held(charted: SignalScene) -> None:
    play_hour(charted, bad=1)
    charted.clock.advance(3600)
    assert charted.told("chart_signal.v1") == []  # a calm hour, and the baseline's own time
    charted.plant.http.put(
        "/v1/stations/aoi-1/order",
        json={"order_id": "O-1", "product": "BRD", "lot": "L9"},
        headers=charted.plant.headers(Role.ADMIN),
    ).raise_for_status()
    began = charted.clock.now()
    play_hour(charted, bad=20)
    assert charted.told("chart_signal.v1") == []  # parts may still be handed in
    charted.clock.advance(16 * 60)
    (signal,) = charted.told("chart_signal.v1")
    assert (signal["baseline"], signal["kind"], signal["by"]) == ({"id": "calm", "version": 1}, "p", "hour")
    assert signal["stations"] == ["aoi-1"]
    point = signal["point"]
    assert point["start"] == began.isoformat().replace("+00:00", "Z")
    assert point["value"] > point["upper"]
    assert point["new_rules"] == point["rules"]
    assert len(signal["previous"]) == 1
    for _ in range(3):
        charted.clock.advance(600)
        assert len(charted.told("chart_signal.v1")) == 1
    (held,) = charted.get("/v1/holds")["items"]
    assert held["lot"] == "L9"
    assert held["evidence"][1]["point"]["label"] == point["label"]


def test_every_frozen_baseline_is_watched_and_one_that_cannot_be_drawn_hinders_none(charted: SignalScene) -> None:
    freeze(charted, "ewma", kind="ewma")
    freeze(charted, "product", scope={"station": "aoi-1", "product": "BRD"})
    freeze(charted, "counts", kind="c")  # of windows of one size, which these are not for long
    play_hour(charted, bad=1)
    play_hour(charted, bad=20, good=40)
    charted.clock.advance(3600)
    told = charted.told("chart_signal.v1")
    assert {each["baseline"]["id"] for each in told} == {"calm", "ewma", "product"}
