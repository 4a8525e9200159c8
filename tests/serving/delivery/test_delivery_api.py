"""Cursors, parked events and people's orders over the API, on both databases."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, select, update

from lineside.serving.clock import ManualClock
from lineside.serving.delivery.store import last_sequence
from lineside.serving.ledger import Transaction
from lineside.serving.ledger.delivery_tables import delivery_cursors, delivery_parked
from lineside.serving.ledger.tables import events, inspections
from lineside.serving.security import Role
from plant import Plant, bad_board, good_board, open_plant

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FILE = """\
schema: lineside.delivery/1
sinks:
  - {name: mes, kind: webhook, url: "http://127.0.0.1:9/", secret_files: [none]}
"""


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture(scope="module")
def whole_plant(
    either_database_for_all: None,
    tmp_path_factory: pytest.TempPathFactory,
    clock: ManualClock,
) -> Iterator[Plant]:
    folder = tmp_path_factory.mktemp("plant")
    (folder / "delivery.yaml").write_text(FILE)
    with open_plant(folder, clock=clock, delivery_file=folder / "delivery.yaml") as opened:
        for part in range(4):
            opened.post(good_board(part), part_id=f"first {part}")
        yield opened


@pytest.fixture
def plant(whole_plant: Plant, clock: ManualClock) -> Plant:
    """A plant whose file names the sink `mes`, the next day; nothing runs the sink but these tests."""

    def forget_sinks(transaction: Transaction) -> None:
        transaction.connection.execute(delete(delivery_cursors))
        transaction.connection.execute(delete(delivery_parked))

    whole_plant.services.ledger.write_blocking(forget_sinks)
    clock.set_now(datetime.combine(clock.now().date() + timedelta(days=1), NOON.timetz()))
    return whole_plant


PARTS = itertools.count()


def judge(plant: Plant, frame: bytes) -> None:
    """Judge one more part."""
    assert plant.post(frame, part_id=f"P{next(PARTS)}").status_code == 200


def enrol(plant: Plant, sink: str = "mes", **said: Any) -> dict[str, Any]:
    answer = plant.http.put(
        f"/v1/delivery/{sink}",
        json={"kind": "webhook", "proof": "acknowledged", **said},
        headers=plant.headers(Role.DELIVERY),
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def report(plant: Plant, position: int, *, epoch: int = 0, **said: Any) -> Any:
    content = {"sink": "mes", "epoch": epoch, "position": position, "delivered": 0, "state": "delivering"}
    answer = plant.http.post(
        "/v1/delivery/reports",
        json=content | {"trouble": None} | said,
        headers=plant.headers(Role.DELIVERY),
    )
    return answer.json() if answer.status_code == 200 else answer


def order(plant: Plant, what: str, *, sink: str = "mes", role: Role = Role.QUALITY, **said: Any) -> Any:
    return plant.http.post(f"/v1/delivery/{sink}/{what}", json=said, headers=plant.headers(role))


def the_sink(plant: Plant) -> dict[str, Any]:
    found: dict[str, Any] = plant.http.get("/v1/delivery", headers=plant.headers(Role.VIEWER)).json()["items"][0]
    return found


def parked(plant: Plant, **said: Any) -> list[dict[str, Any]]:
    answer = plant.http.get("/v1/delivery/mes/parked", params=said, headers=plant.headers(Role.VIEWER))
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def head(plant: Plant) -> int:
    ledger = plant.services.ledger
    return ledger.read_blocking(lambda connection: last_sequence(connection, ledger.plant))


def a_settlement(sequence: int, outcome: str = "parked") -> dict[str, Any]:
    return {"sequence": sequence, "outcome": outcome, "reason": "cannot read that", "attempts": 1}


def test_a_new_sink_begins_at_the_head_at_the_beginning_or_at_an_instant(plant: Plant, clock: ManualClock) -> None:
    clock.advance(60)
    since = clock.now()
    last = head(plant)
    judge(plant, good_board())
    assert enrol(plant)["position"] == head(plant)
    assert enrol(plant, "whole", **{"from": "beginning"})["position"] == 0
    assert enrol(plant, "late", **{"from": since.isoformat()})["position"] == last
    assert enrol(plant, "later", **{"from": (since + timedelta(days=1)).isoformat()})["position"] == head(plant)


def test_a_sink_that_comes_back_goes_on_where_it_was(plant: Plant) -> None:
    enrol(plant, **{"from": "beginning"})
    report(plant, 2, delivered=2)
    again = enrol(plant)
    assert (again["position"], again["delivered"], again["began_after"]) == (2, 2, 0)


def test_the_lag_is_in_events_and_seconds_and_a_step_back_of_the_clock_makes_it_zero(
    plant: Plant, clock: ManualClock
) -> None:
    enrol(plant)
    judge(plant, good_board(1))
    judge(plant, good_board(2))
    clock.advance(7)
    assert the_sink(plant)["lag"] == {"events": 2, "seconds": 7.0}
    clock.set_now(clock.now() - timedelta(hours=1))
    assert the_sink(plant)["lag"] == {"events": 2, "seconds": 0.0}
    report(plant, head(plant), delivered=2)
    assert the_sink(plant)["lag"] == {"events": 0, "seconds": 0.0}
    shown = plant.http.get("/metrics", headers=plant.headers()).text
    assert 'lineside_delivery_delivered{sink="mes"} 2.0' in shown
    assert 'lineside_delivery_state{sink="mes",state="delivering"} 1.0' in shown


def test_trouble_is_shown_with_what_to_do(plant: Plant) -> None:
    enrol(plant)
    trouble = {
        "reason": "401",
        "since": NOON.isoformat(),
        "attempts": 3,
        "next_try_at": (NOON + timedelta(minutes=1)).isoformat(),
        "what_to_do": "compare the secrets",
    }
    report(plant, 0, state="person_needed", trouble=trouble)
    found = the_sink(plant)
    assert found["state"] == "person_needed"
    assert found["trouble"]["what_to_do"] == "compare the secrets"
    assert found["trouble"]["attempts"] == 3


def test_a_sink_that_nobody_reports_of_or_that_the_file_lacks_is_stopped(plant: Plant, clock: ManualClock) -> None:
    enrol(plant)
    assert the_sink(plant)["state"] == "delivering"
    clock.advance(60)
    assert the_sink(plant)["state"] == "stopped"
    enrol(plant, "abandoned")
    found = plant.http.get("/v1/delivery", headers=plant.headers()).json()["items"][0]
    assert (found["name"], found["is_configured"], found["state"]) == ("abandoned", False, "stopped")


def test_poison_is_parked_sent_again_and_named_with_who_decided(plant: Plant) -> None:
    enrol(plant, **{"from": "beginning"})
    report(plant, 2, settlements=[a_settlement(2)])
    (found,) = parked(plant, state="parked")
    assert (found["sequence"], found["reason"], found["attempts"]) == (2, "cannot read that", 1)
    assert the_sink(plant)["parked"] == 1
    assert order(plant, "resend", parked=True).json()["events"] == 1
    assert report(plant, 2)["resend"] == [2]
    assert report(plant, 2, settlements=[a_settlement(2)])["resend"] == []  # refused again
    assert parked(plant)[0]["attempts"] == 2
    order(plant, "resend", sequences=[2, 1])
    assert report(plant, 2)["resend"] == [1, 2]
    report(plant, 2, settlements=[a_settlement(1, "resent"), a_settlement(2, "resent")])
    assert [(each["state"], each["decided_by"]) for each in parked(plant)] == [("resent", "test quality")] * 2
    assert the_sink(plant)["parked"] == 0


def test_a_rewind_makes_older_reports_say_nothing_about_the_place(plant: Plant) -> None:
    enrol(plant, **{"from": "beginning"})
    report(plant, 3)
    assert plant.http.post("/v1/delivery/mes/resend", json={"from": 2}, headers=plant.headers()).json() == {
        "sink": "mes",
        "events": 2,
        "position": 1,
    }
    assert report(plant, 3) == {
        "epoch": 1,
        "position": 1,
        "began_after": 0,
        "delivered": 0,
        "resend": [],
        "skip": [],
    }
    assert report(plant, 3, epoch=1)["position"] == 3
    order(plant, "resend", since=NOON.isoformat())
    assert report(plant, 3, epoch=1)["position"] == 0


def test_a_waiting_or_parked_event_can_be_skipped_a_delivered_one_cannot(plant: Plant) -> None:
    enrol(plant, **{"from": "beginning"})
    report(plant, 2, settlements=[a_settlement(2)])
    assert order(plant, "skip", sequences=[2, 3], reason="a test part").status_code == 200
    assert report(plant, 2)["skip"] == [3]
    refused = order(plant, "skip", sequences=[1], reason="a test part")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/delivery-unfit")
    assert {(each["sequence"], each["note"], each["decided_by"]) for each in parked(plant, state="skipped")} == {
        (2, "a test part", "test quality"),
        (3, "a test part", "test quality"),
    }
    report(plant, 3, settlements=[a_settlement(3)])  # it was under way when it was skipped
    assert {each["state"] for each in parked(plant)} == {"skipped"}


@pytest.mark.parametrize(
    ("what", "said", "status"),
    [
        ("resend", {}, 422),
        ("resend", {"parked": True, "from": 1}, 422),
        ("resend", {"sequences": [10_000]}, 409),
        ("resend", {"sequences": [0]}, 422),
        ("resend", {"since": "2026-05-04T12:00:00"}, 422),
        ("skip", {"sequences": [10_000], "reason": "why"}, 409),
        ("skip", {"sequences": [], "reason": "why"}, 422),
        ("skip", {"sequences": [1]}, 422),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(plant: Plant, what: str, said: dict[str, Any], status: int) -> None:
    enrol(plant, **{"from": "beginning"})
    assert order(plant, what, **said).status_code == status


def test_what_is_parked_is_parked_no_more_once_everything_from_before_it_on_goes_again(plant: Plant) -> None:
    position = enrol(plant)["position"]
    for part in range(3):
        judge(plant, good_board(part))
    first, second, third = inspections_since(plant, position)
    report(plant, third, settlements=[a_settlement(first), a_settlement(third)])
    wish: dict[str, Any] = {"from": second}
    assert order(plant, "resend", **wish).status_code == 200
    assert [mark["sequence"] for mark in parked(plant)] == [first]
    late = report(plant, third, settlements=[a_settlement(third)])  # told before the order came
    assert (late["epoch"], late["position"]) == (1, second - 1)
    assert [mark["sequence"] for mark in parked(plant)] == [first]
    report(plant, head(plant), epoch=1)
    assert gaps(reconciled(plant)) == {("parked", "mes"): 1}


def test_what_was_parked_ahead_of_the_cursor_is_tried_again_by_the_next_process(plant: Plant) -> None:
    position = enrol(plant)["position"]
    for part in range(2):
        judge(plant, good_board(part))
    first, second = inspections_since(plant, position)
    report(plant, first - 1, settlements=[a_settlement(second)])
    assert [mark["sequence"] for mark in parked(plant)] == [second]
    assert enrol(plant)["position"] == first - 1
    assert parked(plant) == []


def test_unknown_sinks_and_reports_ahead_of_the_log_are_refused(plant: Plant) -> None:
    assert order(plant, "resend", parked=True).json()["type"] == "/problems/unknown-sink"
    assert report(plant, 0).status_code == 404
    enrol(plant)
    assert report(plant, 10_000).json()["type"] == "/problems/delivery-unfit"
    assert order(plant, "skip", role=Role.VIEWER, sequences=[1], reason="why").status_code == 403
    assert order(plant, "skip", role=Role.DELIVERY, sequences=[1], reason="why").status_code == 403


def reconciled(plant: Plant, **said: str) -> dict[str, Any]:
    now = plant.services.clock.now()
    period = {"from": now.isoformat(), "to": (now + timedelta(hours=1)).isoformat()} | said
    found: dict[str, Any] = plant.http.get("/v1/reconciliation", params=period, headers=plant.headers(Role.MES)).json()
    return found


def gaps(found: dict[str, Any]) -> dict[tuple[str, str | None], int]:
    return {(gap["kind"], gap["sink"]): gap["count"] for gap in found["gaps"]}


def test_reconciliation_agrees_or_names_each_gap_of_a_sink(plant: Plant) -> None:
    enrol(plant, filter={"types": ["inspection"], "verdicts": ["NG"]})
    enrol(plant, "all", filter={"types": ["inspection"]})
    began = head(plant)
    judge(plant, good_board(1))
    judge(plant, bad_board(2))
    judge(plant, bad_board(3))
    found = reconciled(plant)
    assert [found[name] for name in ("attempts", "frames", "verdicts", "events")] == [3, 3, 3, 3]
    assert not found["agrees"]
    assert gaps(found)[("waiting", "mes")] == 2
    assert gaps(found)[("waiting", "all")] == 3
    sequences = inspections_since(plant, began)
    report(plant, head(plant), settlements=[a_settlement(sequences[1])])
    order(plant, "skip", sequences=[sequences[2]], reason="scrap", sink="all")
    report(plant, head(plant), sink="all")
    found = reconciled(plant)
    counts = {sink["sink"]: sink for sink in found["sinks"]}
    assert (counts["mes"]["delivered"], counts["mes"]["parked"], counts["mes"]["proof"]) == (1, 1, "acknowledged")
    assert counts["all"]["skipped"] == 1
    shells = counts["/aas"]
    assert (shells["proof"], shells["wanted"], shells["delivered"]) == ("pulled", 3, 3)
    assert set(gaps(found)) == {("parked", "mes"), ("skipped", "all")}
    assert reconciled(plant, station="aoi-9")["attempts"] == 0


def inspections_since(plant: Plant, sequence: int) -> list[int]:
    """The numbers of the inspections' events behind one."""

    def query(connection: Connection) -> list[int]:
        behind = select(events.c.sequence).where(events.c.type == "inspection.v1", events.c.sequence > sequence)
        return list(connection.execute(behind.order_by(events.c.sequence)).scalars())

    return plant.services.ledger.read_blocking(query)


def test_reconciliation_finds_what_somebody_did_to_the_ledger(plant: Plant) -> None:
    began = head(plant)
    for part in range(4):
        judge(plant, good_board(part))
    assert reconciled(plant)["agrees"]
    _, second, third, _ = inspections_since(plant, began)

    def damage(connection: Connection) -> None:
        connection.execute(delete(events).where(events.c.sequence == second))
        connection.execute(
            update(inspections)
            .where(inspections.c.event_sequence == third)
            .values(verdict=None, judged_at=None, event_sequence=None)
        )

    plant.services.ledger.write_blocking(lambda transaction: damage(transaction.connection))
    assert gaps(reconciled(plant)) == {
        ("pending_attempts", None): 1,
        ("verdicts_without_event", None): 1,
        ("events_without_verdict", None): 1,
        ("holes_in_the_log", None): 1,
    }


def test_a_period_that_is_none_is_refused(plant: Plant) -> None:
    answer = plant.http.get(
        "/v1/reconciliation",
        params={"from": NOON.isoformat(), "to": NOON.isoformat()},
        headers=plant.headers(),
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/delivery-question-unfit")
