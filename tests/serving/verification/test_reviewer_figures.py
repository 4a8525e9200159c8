"""GET /v1/reviewers: how well people read, by the same readings that the rates lean on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.known_parts import KnownPartIn, Truth
from lineside.serving.reviews.schemas import ReviewKind, ReviewSource
from lineside.serving.security import Role
from lineside.statistics.agreement import cohen_kappa
from lineside.statistics.intervals import wilson_interval
from plant import RECIPE, Plant, bad_board, open_plant
from rate_ledger import Part, write_known_part, write_part, write_review
from reading_parts import read, taken, undo

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
AT = datetime(2026, 3, 2, 8, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def plant(tmp_path: Path, clock: ManualClock, either_database: None) -> Iterator[Plant]:
    with open_plant(tmp_path, recipe=None, clock=clock) as plant:
        yield plant


def reviewers(plant: Plant, **asked: Any) -> dict[str, Any]:
    answer = plant.http.get("/v1/reviewers", params=asked, headers=plant.headers(Role.QUALITY))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rates_reviewers(plant: Plant) -> dict[str, int] | None:
    plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    asked = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z"}
    answer = plant.http.get("/v1/rates", params=asked, headers=plant.headers())
    found: dict[str, int] | None = answer.json()["total"]["reviewers"]
    return found


def added(figures: dict[str, Any]) -> dict[str, int]:
    """The four counts that the rates lean on, from the figures by kind of reading."""
    sums = {"defective_right": 0, "defective_wrong": 0, "good_right": 0, "good_wrong": 0}
    for kind in ("known_parts", "blind_seconds"):
        for name, truth in (("missed", "defective"), ("false_alarms", "good")):
            cell = figures[kind][name]
            sums[f"{truth}_wrong"] += cell["wrong"]
            sums[f"{truth}_right"] += cell["readings"] - cell["wrong"]
    return sums


def test_the_figures_add_up_to_what_the_rates_lean_on_whatever_was_said(plant: Plant) -> None:
    rng = np.random.default_rng(4)
    ledger = plant.services.ledger
    readers = ("Kim", "Lee", "Park")
    for number in range(8):
        truth = Truth.DEFECTIVE if number % 2 else Truth.GOOD
        until = AT + timedelta(minutes=30) if number in {2, 3} else None
        write_known_part(ledger, f"S-{number}", KnownPartIn(truth=truth, valid_until=until))
    kinds = {
        Verdict.OK: (ReviewKind.CONFIRMED, ReviewKind.ESCAPE),
        Verdict.NG: (ReviewKind.CONFIRMED, ReviewKind.FALSE_CALL),
    }
    for number in range(90):
        verdict = (Verdict.OK, Verdict.NG)[number % 2]
        name = f"S-{number % 8}" if number < 30 else f"P-{number}"
        at = AT + timedelta(minutes=number)
        part = Part(name, verdict, at, attempt=number // 8 + 1 if number < 30 else 1, drawn=True, probability=0.5)
        inspection_id = write_part(ledger, part)
        source = ReviewSource.AUDIT if verdict is Verdict.OK else ReviewSource.OPERATOR
        last = None
        for place, reader in enumerate(rng.permutation(readers)[: rng.integers(0, 4)]):
            kind = kinds[verdict][int(rng.random() < 0.3)]
            said = {"source": source, "reviewer": str(reader), "blind": bool(place and rng.random() < 0.8)}
            last = write_review(ledger, inspection_id, kind, **said)
        if last is not None and rng.random() < 0.4:
            after = ReviewKind.WITHDRAWN if rng.random() < 0.5 else kinds[verdict][0]
            write_review(ledger, inspection_id, after, source=source, reviewer=last.reviewer, supersedes=last.id)
    leant_on = rates_reviewers(plant)
    found = reviewers(plant)
    assert leant_on is not None
    assert min(leant_on.values()) > 0  # each kind of reading is among them
    assert added(found["total"]) == leant_on
    by_reader = [added(item) for item in found["items"]]
    assert {name: sum(each[name] for each in by_reader) for name in leant_on} == leant_on
    assert [item["reader"] for item in found["items"]] == ["Kim", "Lee", "Park"]
    assert sum(item["readings"] for item in found["items"]) == found["total"]["readings"]


def test_the_intervals_and_kappa_are_those_of_the_statistics(plant: Plant) -> None:
    ledger = plant.services.ledger
    write_known_part(ledger, "S-1", KnownPartIn(truth=Truth.DEFECTIVE))
    for attempt in range(1, 11):
        seeded = write_part(ledger, Part("S-1", Verdict.NG, AT, attempt=attempt))
        kind = ReviewKind.FALSE_CALL if attempt <= 2 else ReviewKind.CONFIRMED
        write_review(ledger, seeded, kind, reviewer="Kim")
    pairs = [(True, True)] * 12 + [(False, False)] * 9 + [(True, False)] * 3 + [(False, True)]
    for number, calls in enumerate(pairs):
        inspection_id = write_part(ledger, Part(f"P-{number}", Verdict.NG, AT))
        for reader, is_defective in zip(("Kim", "Lee"), calls, strict=True):
            kind = ReviewKind.CONFIRMED if is_defective else ReviewKind.FALSE_CALL
            write_review(ledger, inspection_id, kind, reviewer=reader, blind=reader == "Lee")
    found = reviewers(plant, confidence=0.9)
    kim = found["items"][0]
    expected = wilson_interval(2, 10, confidence=0.9)
    missed = kim["known_parts"]["missed"]
    assert (missed["wrong"], missed["readings"], missed["share"]) == (2, 10, 0.2)
    assert (missed["lower"], missed["upper"]) == (expected.lower, expected.upper)
    kappa = cohen_kappa([[12, 3], [1, 9]], confidence=0.9)
    assert found["total"]["kappa"] == {
        "value": kappa.value,
        "lower": kappa.lower,
        "upper": kappa.upper,
        "agreement": kappa.agreement,
        "pairs": 25,
    }
    # Only those who agreed stand: no second reading was wrong, and disagreements wait for a third.
    assert found["total"]["blind_seconds"]["missed"]["readings"] == 12
    assert found["items"][1]["known_parts"]["missed"]["readings"] == 0


def test_minutes_run_from_taking_a_part_to_its_reading_and_an_interruption_is_cut(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_plant(tmp_path, recipe=RECIPE, clock=clock, verification_second_share=0.0) as plant:
        for number, seconds in enumerate((30, 6000)):
            plant.post(bad_board(number), part_id=f"P-{number}")
            part = taken(plant, "Kim")
            clock.advance(seconds)
            read(plant, part["id"], "confirmed").raise_for_status()
        assert reviewers(plant)["total"]["minutes"] == 0.5 + 5.0
        again = undo(plant, part["id"]).json()
        clock.advance(60)
        read(plant, again["id"], "false_call").raise_for_status()
        found = reviewers(plant)
        assert found["total"]["minutes"] == 0.5 + 5.0 + 1.0
        assert found["total"]["readings"] == 2  # what was taken back was none


def test_nobody_has_read_anything_yet(plant: Plant) -> None:
    found = reviewers(plant)
    assert (found["items"], found["total"]["readings"], found["total"]["kappa"]) == ([], 0, None)
    assert found["total"]["known_parts"]["missed"]["upper"] == 1.0


def test_how_well_named_people_read_is_for_those_who_review(plant: Plant) -> None:
    for role in (Role.VIEWER, Role.MES, Role.STATION, Role.MLOPS):
        assert plant.http.get("/v1/reviewers", headers=plant.headers(role)).status_code == 403
