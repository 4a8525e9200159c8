"""A recipe's rules are obeyed: a hold is proposed or ordered, once, with what speaks for it attached."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from charted_line import ChartedLine, Hour
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.drift.schemas import AlarmOut, WatchedOut
from lineside.serving.ledger import Transaction
from lineside.serving.reviews.schemas import ReviewKind, ReviewSource
from lineside.serving.security import Role
from rate_ledger import write_review
from signal_scene import SignalScene, open_scene

OK, NG, NOT_INSPECTED = Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED

LOT_RULE = "[{when: rate_above, limit: 0.05, min_parts: 20, do: order, of: lot}]"


def holds(scene: SignalScene) -> list[dict[str, Any]]:
    """The holds that were ever set, oldest first."""
    scene.settle()
    found: list[dict[str, Any]] = scene.get("/v1/holds")["items"]
    return found[::-1]


def proposals(scene: SignalScene) -> list[dict[str, Any]]:
    scene.settle()
    found: list[dict[str, Any]] = scene.get("/v1/proposals")["items"]
    return found[::-1]


@pytest.mark.usefixtures("either_database")
def test_a_stretch_of_bad_parts_has_its_lot_held_once_with_the_rate_and_the_parts_as_evidence(tmp_path: Path) -> None:
    """The whole chain over HTTP: real frames, verdicts, cells, the rule, the hold, its event."""
    with open_scene(tmp_path, holds=LOT_RULE) as scene:
        line = ChartedLine(scene.plant, scene.clock)
        scene.plant.http.put(
            "/v1/stations/aoi-1/order",
            json={"order_id": "O-1", "product": "BRD", "lot": "L7"},
            headers=scene.plant.headers(Role.ADMIN),
        ).raise_for_status()
        line.play([Hour(good=25)])
        assert holds(scene) == []
        line.play([Hour(good=1, unsettled=12)])
        (held,) = holds(scene)
        assert (held["lot"], held["station"], held["state"], held["by"]) == (
            "L7",
            None,
            "held",
            "recipe board version 1",
        )
        rule, rate, parts = held["evidence"]
        assert (rule["when"], rule["limit"], rule["min_parts"], rule["of"]) == ("rate_above", 0.05, 20, "lot")
        assert (rate["inspected"], rate["flagged"], rate["lot"], rate["station"]) == (38, 12, "L7", "aoi-1")
        assert rate["detector_rate"]["lower"] > 0.05
        assert rate["detector_rate"]["lower"] < 12 / 38 < rate["detector_rate"]["upper"]
        assert parts["inspection_ids"] == line.unsettled
        assert "lot 'L7' at station 'aoi-1'" in held["reason"]
        (event,) = scene.plant.events("hold.v1")
        assert (event["lot"], event["state"], event["hold_id"]) == ("L7", "held", held["id"])
        assert scene.states()[-1] == "halted"
        line.play([Hour(good=1, unsettled=5)])
        scene.settle()
        assert len(scene.plant.events("hold.v1")) == 1
        verdicts = {each["verdict"] for each in scene.plant.inspections()[-6:]}
        assert verdicts == {"OK", "NG"}  # a hold alters none


def test_a_lot_that_a_person_released_is_not_held_again_for_the_same_reason(tmp_path: Path) -> None:
    with open_scene(tmp_path, holds=LOT_RULE) as scene:
        scene.judge(NG, 20)
        (held,) = holds(scene)
        scene.post(f"/v1/holds/{held['id']}/release", {"reason": "sorted by hand"})
        scene.judge(NG, 20)
        assert [each["state"] for each in holds(scene)] == ["released"]
        scene.judge(NG, 20, lot="L2")
        assert [(each["lot"], each["state"]) for each in holds(scene)] == [("L1", "released"), ("L2", "held")]


def test_a_rate_is_only_above_its_limit_when_chance_cannot_explain_it(tmp_path: Path) -> None:
    with open_scene(tmp_path, holds=LOT_RULE) as scene:
        scene.judge(NG, 2)
        scene.judge(OK, 17)
        assert holds(scene) == []  # too few parts
        scene.judge(OK, 21)
        assert holds(scene) == []  # 2 of 40: as high as the limit itself
        scene.judge(NG, 2)
        assert holds(scene) == []  # 4 of 42: the interval still reaches below 0.05
        scene.judge(NG, 2)
        assert len(holds(scene)) == 1


def test_a_station_is_proposed_to_be_held_once_for_each_window(tmp_path: Path) -> None:
    rules = "[{when: rate_above, limit: 0.05, min_parts: 20}]"
    with open_scene(tmp_path, holds=rules) as scene:
        scene.judge(NG, 25)
        (proposed,) = proposals(scene)
        assert (proposed["kind"], proposed["change"], proposed["state"]) == ("hold", {"station": "aoi-1"}, "proposed")
        assert [each["kind"] for each in proposed["evidence"]] == ["rule", "rate", "inspections"]
        assert holds(scene) == []
        scene.judge(NG, 25)
        assert len(proposals(scene)) == 1
        scene.post(f"/v1/proposals/{proposed['id']}/approve", {"note": "yes"})
        assert [each["station"] for each in holds(scene)] == ["aoi-1"]
        scene.clock.advance(3600)
        scene.judge(NG, 25)
        assert len(proposals(scene)) == 1  # its parts are held already
        scene.post("/v1/stations/aoi-1/release", {"reason": "cleaned"})
        scene.clock.advance(3600)
        scene.judge(NG, 25)
        assert [each["state"] for each in proposals(scene)] == ["approved", "proposed"]


def test_the_estimated_rate_counts_what_people_confirm(tmp_path: Path) -> None:
    rules = "[{when: rate_above, limit: 0.05, min_parts: 20, counted: process, of: lot}]"
    with open_scene(tmp_path, holds=rules) as scene:
        said_good = scene.judge(NG, 20, drawn=True, probability=1.0)
        for inspection in said_good:
            write_review(scene.ledger, inspection, ReviewKind.FALSE_CALL)
        assert proposals(scene) == []
        there = scene.judge(NG, 20, drawn=True, probability=1.0, lot="L2")
        for inspection in there:
            write_review(scene.ledger, inspection, ReviewKind.CONFIRMED)
        (proposed,) = proposals(scene)
        assert proposed["change"] == {"lot": "L2"}
        assert proposed["evidence"][1]["confirmed"] == 20


@pytest.mark.usefixtures("either_database")
def test_an_escape_and_unfit_pictures_set_their_rules_off(tmp_path: Path) -> None:
    rules = "[{when: escape_confirmed, of: lot}, {when: image_alarm, do: order}]"
    with open_scene(tmp_path, holds=rules) as scene:
        (passed,) = scene.judge(OK, 1)
        (nameless,) = scene.judge(OK, 1, lot=None)
        for reviewer in ("Kim", "Lee"):
            write_review(scene.ledger, passed, ReviewKind.ESCAPE, source=ReviewSource.DOWNSTREAM, reviewer=reviewer)
        write_review(scene.ledger, nameless, ReviewKind.CONFIRMED)
        (proposed,) = proposals(scene)
        assert proposed["change"] == {"lot": "L1"}
        assert proposed["evidence"][1] == {"kind": "escape", "part_id": "P-1", "inspection_ids": [passed]}
        unfit = scene.judge(NOT_INSPECTED, 6, reason=ReasonCode.UNHEALTHY)
        (held,) = holds(scene)
        assert (held["station"], held["lot"]) == ("aoi-1", None)
        assert held["evidence"][1]["inspection_ids"] == unfit[:5]
        (alarm,) = scene.told("image_alarm.v1")
        assert held["evidence"][1]["id"] == alarm["id"]


def test_a_drift_alarm_sets_its_rule_off_for_the_lot_in_work(tmp_path: Path) -> None:
    with open_scene(tmp_path, holds="[{when: drift_alarm, do: order, of: lot}]") as scene:
        scene.plant.http.put(
            "/v1/stations/aoi-1/order",
            json={"order_id": "O-1", "product": "BRD", "lot": "L7"},
            headers=scene.plant.headers(Role.ADMIN),
        ).raise_for_status()
        alarm = AlarmOut(
            id="alarm-1",
            state="raised",
            watched=WatchedOut(
                reference_id="r",
                line="line-1",
                station="aoi-1",
                product="BRD",
                recipe_id="board",
                recipe_version=1,
                release_name="blobs",
                release_version="1",
                release_digest="d" * 64,
                engine="onnxruntime-fp32",
            ),
            raised_at=scene.clock.now(),
            since=scene.clock.now(),
            message="the light fell",
            findings=(),
            risk_per_look=0.001,
        )
        for state in ("raised", "acknowledged"):
            data = alarm.model_copy(update={"state": state}).model_dump(mode="json")
            append = partial(_append, data=data, at=scene.clock.now())
            scene.ledger.write_blocking(append)
        (held,) = holds(scene)
        assert held["lot"] == "L7"
        assert held["evidence"][1] == {"kind": "drift_alarm", "alarm_id": "alarm-1", "message": "the light fell"}


def _append(transaction: Transaction, *, data: dict[str, Any], at: datetime) -> None:
    transaction.append_event("drift_alarm.v1", station="aoi-1", occurred_at=at, data=data)


def test_where_the_parts_have_no_lot_the_station_is_held_instead(tmp_path: Path) -> None:
    with open_scene(tmp_path, holds=LOT_RULE) as scene:
        scene.judge(NG, 20, lot=None)
        assert [(each["lot"], each["station"]) for each in holds(scene)] == [(None, "aoi-1")]


def test_a_recipe_without_rules_holds_nothing(tmp_path: Path) -> None:
    with open_scene(tmp_path) as scene:
        scene.judge(NG, 40)
        assert holds(scene) == []
        assert proposals(scene) == []
