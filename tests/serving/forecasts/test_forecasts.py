"""When a limit will be reached: the defect rate of a line that gets worse, a lamp that fades, a lens that loosens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from charted_line import BEGIN, HOUR, Hour, open_charted_line
from drifting_line import START, DriftingPlant, Line, watched_plant
from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from plant import RECIPE, Plant

FADING = Line(light=120.0, sharpness=0.3)


@contextmanager
def fading_line(folder: Path) -> Iterator[DriftingPlant]:
    """A line whose lamp loses one gray level every 50 parts, from 120 on; its focus stays."""
    clock = ManualClock(START)
    with watched_plant(folder, clock) as plant:
        line = DriftingPlant(plant, clock)
        fade(line, batches=20, light=120.0)
        yield line


@pytest.fixture(scope="module")
def fading(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DriftingPlant]:
    """One for all tests that only ask."""
    with fading_line(tmp_path_factory.mktemp("plant")) as line:
        yield line


@pytest.fixture
def changed(either_database: None, tmp_path: Path) -> Iterator[DriftingPlant]:
    """One that a test changes."""
    with fading_line(tmp_path) as line:
        yield line


def fade(line: DriftingPlant, *, batches: int, light: float) -> None:
    for batch in range(batches):
        line.run(50, replace(FADING, light=light - batch))
    line.clock.advance(1)


def ask(plant: Plant, subject: str, **asked: Any) -> httpx.Response:
    asked = {"station": "aoi-1", **asked}
    return plant.http.get(f"/v1/forecasts/{subject}", params=asked, headers=plant.headers(Role.VIEWER))


def told(plant: Plant, subject: str, **asked: Any) -> dict[str, Any]:
    answer = ask(plant, subject, **asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_fading_lamp_has_a_remaining_life_with_an_interval(fading: DriftingPlant) -> None:
    found = told(fading.plant, "lamp", limit=90)
    assert (found["outlook"], found["measure"], found["limit_from"]) == ("expected", "mean", "the question")
    # 101 after 20 batches, one level lost every 50 s: 90 comes some 11 batches later
    assert found["remaining_hours"] == pytest.approx(11 * 50 / 3600, rel=0.1)
    reached = datetime.fromisoformat(found["reached_at"])
    assert datetime.fromisoformat(found["earliest"]) < reached < datetime.fromisoformat(found["latest"])
    assert found["slope_per_day"] == pytest.approx(-86_400 / 50, rel=0.05)
    assert found["observations"] == 20
    assert any("no note says" in note for note in found["notes"])


def test_a_focus_that_stays_has_no_end_in_sight(fading: DriftingPlant) -> None:
    found = told(fading.plant, "focus", limit=0.08)
    assert found["outlook"] in {"no-trend", "beyond-horizon", "receding"}
    assert found["reached_at"] is None


def test_a_lamp_that_is_past_its_limit_has_no_life_left(fading: DriftingPlant) -> None:
    found = told(fading.plant, "lamp", limit=110)
    assert (found["outlook"], found["remaining_hours"]) == ("reached", 0.0)


def test_a_new_lamp_begins_a_new_trend(changed: DriftingPlant) -> None:
    note = {"kind": "lamp", "text": "lamp 2 changed", "station": "aoi-1", "at": changed.clock.now().isoformat()}
    changed.plant.http.post("/v1/notes", json=note, headers=changed.plant.headers())
    changed.clock.advance(1)
    early = ask(changed.plant, "lamp", limit=90)
    assert (early.status_code, early.json()["type"]) == (422, "/problems/chart-refused")
    assert "a trend needs 8" in early.json()["detail"]
    fade(changed, batches=12, light=140.0)
    found = told(changed.plant, "lamp", limit=90)
    assert found["since_because"] == "lamp: lamp 2 changed (test admin)"
    assert found["observations"] <= 12
    assert found["level"] == pytest.approx(129, abs=2)
    assert found["notes"] == []
    assert told(changed.plant, "focus", limit=0.08)["observations"] > 12


def test_the_limit_is_the_recipes_unless_one_is_given(changed: DriftingPlant) -> None:
    refused = ask(changed.plant, "lamp")
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/chart-refused")
    assert "min_mean" in refused.json()["detail"]
    stricter = RECIPE.replace("version: 1\nproduct", "version: 2\nproduct").replace("min_mean: null", "min_mean: 92")
    headers = changed.plant.headers() | {"Content-Type": "application/yaml"}
    assert changed.plant.http.put("/v1/recipes/board", content=stricter, headers=headers).status_code == 200
    station = {"name": "AOI 1", "recipe": {"id": "board", "version": 2}}
    changed.plant.http.put("/v1/stations/aoi-1", json=station, headers=changed.plant.headers())
    found = told(changed.plant, "lamp")
    assert (found["limit"], found["limit_from"]) == (92.0, "recipe board version 2")


@pytest.mark.parametrize(
    ("subject", "asked", "status"),
    [
        pytest.param("lamp", {"limit": 90, "station": "none"}, 404, id="a station that is not there"),
        pytest.param("lamp", {"limit": 90, "view": "top"}, 422, id="a view without pictures"),
        pytest.param("lamp", {"limit": "nan"}, 422, id="a limit that is no number"),
        pytest.param("lamp", {"limit": 1e200}, 422, id="a limit that no lamp has"),
        pytest.param("rate", {}, 422, id="a rate without a limit"),
        pytest.param("rate", {"limit": 1.5}, 422, id="a rate above 1"),
        pytest.param("rate", {"limit": 0.02}, 422, id="a rate without parts"),
        pytest.param("gears", {}, 422, id="something else"),
        pytest.param(
            "lamp", {"limit": 90, "to": "2020-01-01T00:00:00Z", "from": "2021-01-01T00:00:00Z"}, 422, id="time"
        ),
    ],
)
def test_what_cannot_be_forecast_is_refused(
    fading: DriftingPlant, subject: str, asked: dict[str, Any], status: int
) -> None:
    answer = ask(fading.plant, subject, **asked)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].startswith("/problems/")


def test_a_rate_that_climbs_reaches_its_limit_and_unsettled_hours_are_left_out(
    either_database: None, tmp_path: Path
) -> None:
    with open_charted_line(tmp_path) as line:
        line.play([Hour(good=12 - hour, confirmed=hour) for hour in range(9)])
        line.play([Hour(good=4, unsettled=4)])
        line.clock.advance(3600)
        line.settle()
        found = told(line.plant, "rate", limit=0.9, **{"from": BEGIN.isoformat()})
        assert (found["outlook"], found["observations"]) == ("expected", 9)
        # one of twelve parts more every hour: 0.9 at 10.8 hours after the middle of the first
        expected = BEGIN + 0.5 * HOUR + 10.8 * HOUR
        assert abs(datetime.fromisoformat(found["reached_at"]) - expected) < timedelta(minutes=5)
        assert found["notes"] == ["1 windows that may still change are left out"]


def test_a_station_has_to_be_named_for_a_lamp(fading: DriftingPlant) -> None:
    answer = fading.plant.http.get("/v1/forecasts/lamp", params={"limit": 90}, headers=fading.plant.headers())
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/chart-refused")
