"""GET /v1/rates/comparison: like with like, corrected rates only, and no rank without its doubt."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.reviews.schemas import ReviewKind, ReviewSource
from plant import Plant, open_plant
from rate_ledger import Part, write_part, write_review

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=None, clock=ManualClock(NOW)) as plant:
        plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers()).raise_for_status()
        yield plant


def make(plant: Plant, station: str, *, good: int, bad: int, audited: int) -> None:
    ledger = plant.services.ledger
    for number in range(good):
        part = Part(f"{station}-{number}", Verdict.OK, AT, station=station, drawn=number < audited, probability=0.5)
        inspection_id = write_part(ledger, part)
        if number < audited:
            write_review(ledger, inspection_id, ReviewKind.CONFIRMED, source=ReviewSource.AUDIT)
    for number in range(bad):
        part = Part(f"{station}-bad-{number}", Verdict.NG, AT, station=station, drawn=True, probability=1.0)
        write_review(ledger, write_part(ledger, part), ReviewKind.CONFIRMED)


def comparison(plant: Plant) -> dict[str, Any]:
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    answer = plant.http.get("/v1/rates/comparison", headers=plant.headers())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_station_with_more_defects_is_probably_the_worst_and_is_drawn_to_the_other(plant: Plant) -> None:
    make(plant, "aoi-1", good=30, bad=1, audited=20)
    make(plant, "aoi-2", good=30, bad=12, audited=20)
    found = comparison(plant)
    good, bad = found["sites"]
    assert (good["name"], bad["name"]) == ("aoi-1", "aoi-2")
    assert good["ratio"] < 1 < bad["ratio"]
    assert bad["probability_worst"] > 0.8
    assert good["standardised_rate"] <= good["shrunk_rate"] <= bad["shrunk_rate"] <= bad["standardised_rate"]
    assert found["products"] == ["BRD"]


def test_a_station_without_an_audit_is_not_compared_and_says_why(plant: Plant) -> None:
    make(plant, "aoi-1", good=10, bad=1, audited=5)
    make(plant, "aoi-2", good=10, bad=1, audited=0)
    found = comparison(plant)
    assert found["shared"] is None
    assert "no audit" in found["sites"][1]["not_comparable_because"]
    assert found["sites"][1]["rank_expected"] is None


def test_nothing_inspected_is_nothing_to_compare(plant: Plant) -> None:
    assert (comparison(plant)["sites"], comparison(plant)["shared"]) == ([], None)
