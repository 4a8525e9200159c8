"""What the twin reads of the ledger, on both databases, as of the last event and never of the present."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.security import Role
from lineside.serving.twin.aas.service import KEPT_FOR_S
from plant import Plant, bad_board, good_board, open_plant
from twin_scene import base64url

START = datetime(2026, 1, 5, 23, 10, tzinfo=UTC)


@dataclass
class Line:
    """A plant of which each test has a production day of its own."""

    plant: Plant
    clock: ManualClock
    frames: int = 0


@pytest.fixture(scope="module")
def running(either_database_for_all: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    clock = ManualClock(START)
    with open_plant(tmp_path_factory.mktemp("plant"), clock=clock) as plant:
        yield Line(plant, clock)


@pytest.fixture
def line(running: Line) -> Line:
    running.clock.set_now(datetime.combine(running.clock.now().date() + timedelta(days=2), START.timetz()))
    return running


def inspect(line: Line, part_id: str, *, is_good: bool, **said: Any) -> str:
    line.frames += 1  # the same picture twice would be a frozen camera
    body = good_board(line.frames) if is_good else bad_board(line.frames)
    answer = line.plant.post(body, part_id=part_id, **said)
    assert answer.json()["verdict"] == ("OK" if is_good else "NG"), answer.text
    return str(answer.json()["id"])


def dispose(line: Line, inspection_id: str, kind: str) -> None:
    answer = line.plant.http.post(
        f"/v1/inspections/{inspection_id}/disposition",
        json={"kind": kind, "confirmed_by_sensor": True, "at": line.clock.now().isoformat()},
        headers=line.plant.headers(),
    )
    assert answer.status_code in {200, 201}, answer.text


def state(line: Line) -> dict[str, Any]:
    """The KPIs once the rates hold everything that is in the ledger now."""
    plant = line.plant
    # Not left to the projector's own pace: it rests by how long it worked, and this clock leaps.
    position = plant.http.portal.call(plant.services.rate_projector.settle)  # type: ignore[attr-defined]  # TestClient's loop
    line.clock.advance(KEPT_FOR_S)
    address = f"/aas/submodels/{base64url('urn:lineside:plant-1:kpi:line-1')}/$value"
    values: dict[str, Any] = plant.http.get(address, headers=plant.headers(Role.VIEWER)).json()
    assert values["Period"]["AsOfSequence"] >= position.sequence
    return values


def counts(values: dict[str, Any]) -> dict[str, int]:
    return {name: each["currentValue"] for name, each in values.items() if name != "Period"}


def test_counts_are_of_the_production_day_of_the_last_event(line: Line) -> None:
    today = line.clock.now().date()
    first = inspect(line, "A-1", is_good=False)
    inspect(line, "A-2", is_good=True)
    dispose(line, first, "scrapped")
    values = state(line)
    assert counts(values) == {
        "ProducedQuantity": 2,
        "InspectedPart": 2,
        "GoodPart": 1,
        "ReworkQuantity": 0,
        "ScrapQuantity": 1,
    }
    assert values["Period"]["Start"] == f"{today}T00:00:00+00:00"
    line.clock.set_now(line.clock.now() + timedelta(hours=1, minutes=10))  # past midnight
    later = inspect(line, "A-3", is_good=True)
    dispose(line, later, "reworked")
    following = state(line)
    assert counts(following) == {
        "ProducedQuantity": 1,
        "InspectedPart": 1,
        "GoodPart": 1,
        "ReworkQuantity": 1,
        "ScrapQuantity": 0,
    }
    assert following["Period"]["Start"] == f"{today + timedelta(days=1)}T00:00:00+00:00"


def test_a_part_counts_once_whatever_often_it_is_judged_and_reworked(line: Line) -> None:
    first = inspect(line, "B-1", is_good=False)
    dispose(line, first, "reworked")
    second = inspect(line, "B-1", is_good=False, attempt=2, cause="after_rework")
    dispose(line, second, "reworked")
    shown = counts(state(line))
    assert (shown["InspectedPart"], shown["ReworkQuantity"], shown["GoodPart"]) == (1, 1, 0)


def test_what_people_say_changes_which_parts_are_good(line: Line) -> None:
    flagged = inspect(line, "C-1", is_good=False)
    passed = inspect(line, "C-2", is_good=True)
    good = [counts(state(line))["GoodPart"]]
    for inspection_id, kind in ((flagged, "false_call"), (passed, "escape")):
        review = {
            "kind": kind,
            "source": "operator",
            "reviewer": "kim",
            "at": line.clock.now().isoformat(),
            "reason": "looked at it",
        }
        answer = line.plant.http.post(
            f"/v1/inspections/{inspection_id}/reviews", json=review, headers=line.plant.headers(Role.QUALITY)
        )
        assert answer.status_code in {200, 201}, answer.text
        good.append(counts(state(line))["GoodPart"])
    assert good == [1, 2, 1]


def test_a_part_that_could_not_be_inspected_was_produced_and_no_more(line: Line) -> None:
    answer = line.plant.post(b"no picture", part_id="D-1")
    assert answer.json()["verdict"] == "NOT_INSPECTED", answer.text
    shown = counts(state(line))
    assert (shown["ProducedQuantity"], shown["InspectedPart"], shown["GoodPart"]) == (1, 0, 0)


def test_the_same_ledger_gives_the_same_twin_whenever_it_is_asked(line: Line) -> None:
    """Points of a chart that are provisional today are settled tomorrow; the twin says what they were then."""
    for number in range(4):
        inspect(line, f"F-{number}", is_good=number > 0)
    twins: list[dict[str, Any]] = []
    for _ in range(20):
        before, head = state(line), line.plant.services.ledger.last_sequence
        twins = []
        for _ in range(2):
            headers = line.plant.headers(Role.VIEWER)
            twins.append(line.plant.http.get("/aas/serialization", headers=headers).json())
            line.clock.advance(20 * 60)
        if (before["Period"]["AsOfSequence"], line.plant.services.ledger.last_sequence) == (head, head):
            break  # nothing that the server noted by itself came in between
    else:
        pytest.fail("the ledger never rested")
    assert twins[0] == twins[1]


def test_a_clock_that_steps_back_an_hour_loses_no_part(line: Line) -> None:
    inspect(line, "E-1", is_good=True)
    assert counts(state(line))["InspectedPart"] == 1
    line.clock.set_now(line.clock.now() - timedelta(hours=1))
    inspect(line, "E-2", is_good=True)
    assert counts(state(line))["InspectedPart"] == 2
