"""What the machine lets pass, what it stops for, masters, bypass, states."""

from dataclasses import replace
from itertools import pairwise

import pytest

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    AcquisitionFailed,
    CameraBack,
    CameraTrouble,
    Changeover,
    DefectPlace,
    DeploymentNotReady,
    DeploymentReady,
    DiskFull,
    Ending,
    Happening,
    InternalFault,
    Judged,
    JudgeFailed,
    MasterPresented,
    MasterRules,
    MastersDue,
    RecordNotInspected,
)
from lineside.station.machine.states import TRANSITIONS, next_state
from lineside.station.rig.records import Lane, StationState
from machine_scene import RULES, MachineScene

OPEN = (DefectPlace("top", "open", (50.0, 50.0)),)
MASTERS = replace(RULES, masters=MasterRules({"M-1": frozenset({"open"})}, every_s=60.0))


@pytest.mark.parametrize(
    ("happening", "lane"),
    [
        (Judged(1, "P-1", Verdict.OK), Lane.PASS),
        (Judged(1, "P-1", Verdict.NG), Lane.REJECT),
        (Judged(1, "P-1", Verdict.NOT_INSPECTED), Lane.REINSPECT),
        (Judged(1, "P-1", Verdict.OK, is_audit=True), Lane.REINSPECT),
        (Judged(1, "P-2", Verdict.OK), Lane.REINSPECT),
        (JudgeFailed(1, ReasonCode.NO_SERVER, "nobody answered"), Lane.REINSPECT),
    ],
    ids=["ok", "ng", "not inspected", "drawn for audit", "another part's", "no judge"],
)
def test_only_an_ok_of_this_very_part_is_a_permit(happening: Happening, lane: Lane) -> None:
    scene = MachineScene(replace(RULES, set_aside_audit=True))
    scene.trigger(1, part_id="P-1")
    scene.scan(Acquired(1))
    out = scene.scan(happening)
    assert (out.results_id, out.permit, out.lane) == (1, lane is Lane.PASS, lane)


@pytest.mark.parametrize("before", [(), (AcquisitionFailed(1, "no frame"),)], ids=["no picture yet", "none at all"])
def test_an_ok_without_a_picture_is_none(before: tuple[Happening, ...]) -> None:
    scene = MachineScene()
    scene.trigger(1)
    scene.scan(*before)
    assert not scene.scan(Judged(1, "P-1", Verdict.OK)).permit
    assert "internal" in scene.kinds()


@pytest.mark.parametrize("is_judged_first", [True, False], ids=["with a permit that stands", "while it is judged"])
def test_a_bypass_that_was_on_for_one_scan_costs_the_parts_under_way_their_permit(*, is_judged_first: bool) -> None:
    scene = MachineScene()
    scene.trigger(1)
    scene.scan(Acquired(1))
    if is_judged_first:
        scene.scan(Judged(1, "P-1", Verdict.OK))
    scene.set(bypass=True)
    scene.set(bypass=False)
    if not is_judged_first:
        scene.scan(Judged(1, "P-1", Verdict.OK))
    assert scene.shown[-1] == (1, False)
    assert scene.kinds() == ["bypass_on", "bypass_off"]


def test_a_part_under_bypass_is_recorded_as_bypassed_and_stops_nothing() -> None:
    scene = MachineScene(replace(RULES, stop_after_not_inspected=2))
    scene.set(bypass=True)
    for number in (1, 2, 3):
        scene.trigger(number)
        scene.take()
    records = [each for each in scene.effects if isinstance(each, RecordNotInspected)]
    assert [(each.acquisition_id, each.code) for each in records] == [(n, ReasonCode.BYPASSED) for n in (1, 2, 3)]
    assert (scene.outputs.stop_line, scene.outputs.ready) == (False, False)


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.NG])
def test_a_part_under_way_that_the_bypass_lets_pass_stops_no_line(verdict: Verdict) -> None:
    """Its lot is held by the key's own report."""
    scene = MachineScene(replace(RULES, confirm_within_mm=50.0))
    scene.trigger(1)
    scene.judge(1, verdict)
    scene.set(bypass=True)
    scene.take()
    scene.scan(confirmed=Lane.PASS)
    assert scene.kinds() == ["bypass_on"]
    assert (scene.fates(), scene.outputs.stop_line) == ([(1, Lane.PASS, True)], False)


def test_parts_in_a_row_that_nobody_looked_at_stop_the_line_until_reset() -> None:
    scene = MachineScene(replace(RULES, stop_after_not_inspected=3))
    for number, verdict in enumerate(
        [Verdict.NOT_INSPECTED, Verdict.NOT_INSPECTED, Verdict.NG, *[Verdict.NOT_INSPECTED] * 3], start=1
    ):
        assert not scene.outputs.stop_line
        scene.trigger(number)
        scene.judge(number, verdict)
        scene.take()
    assert scene.outputs.stop_line
    assert scene.set(reset=True).stop_line is False
    assert scene.kinds() == ["stopped", "started"]


@pytest.mark.parametrize(("moved_px", "stops"), [(5.0, True), (25.0, False)], ids=["one place", "other places"])
def test_equal_defects_at_one_place_stop_the_line(moved_px: float, *, stops: bool) -> None:
    scene = MachineScene(replace(RULES, stop_after_equal_defects=3))
    for number in (1, 2, 3):
        scene.trigger(number)
        scene.judge(number, Verdict.NG, places=(DefectPlace("top", "open", (50.0 + number * moved_px, 50.0)),))
        scene.take()
    assert scene.outputs.stop_line is stops


def test_a_reject_that_no_sensor_sees_stops_the_line() -> None:
    scene = MachineScene(replace(RULES, confirm_within_mm=20.0))
    scene.trigger(1)
    scene.judge(1, Verdict.NG)
    scene.take()
    scene.move(115)
    assert scene.fates() == []
    scene.move(10)
    assert scene.fates() == [(1, Lane.REJECT, False)]
    assert scene.kinds() == ["unconfirmed_reject", "stopped"]


def test_a_reject_that_is_seen_is_confirmed_and_one_that_passed_stops_the_line() -> None:
    scene = MachineScene(replace(RULES, confirm_within_mm=20.0))
    for number, seen in ((1, Lane.REJECT), (2, Lane.PASS)):
        scene.trigger(number)
        scene.judge(number, Verdict.NG)
        scene.take()
        scene.scan(confirmed=seen)
    assert scene.fates() == [(1, Lane.REJECT, True), (2, Lane.PASS, True)]
    assert scene.kinds() == ["wrong_lane", "stopped"]


def test_no_production_part_is_let_in_until_the_master_was_found() -> None:
    scene = MachineScene(MASTERS)
    assert not scene.scan().ready
    scene.trigger(1, part_id="P-1")
    assert scene.of(Acquire) == []
    scene.scan(MasterPresented("M-1"))
    assert scene.scan(scans=2).ready
    scene.trigger(2)
    scene.judge(2, Verdict.NG, part_id="a name from elsewhere", places=OPEN)
    assert scene.kinds()[-1] == "master_passed"
    assert [scene.take(), scene.take()] == [(1, False), (2, False)]
    assert scene.scan(scans=3).ready
    scene.trigger(3, part_id="P-1")
    scene.judge(3)
    assert scene.take() == (3, True)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_master_whose_defect_is_not_found_keeps_the_station_shut(verdict: Verdict) -> None:
    scene = MachineScene(MASTERS)
    scene.trigger(1, part_id="M-1")
    scene.judge(1, verdict, part_id="M-1")
    assert scene.kinds() == ["master_missed"]
    assert scene.take() == (1, False)
    assert not scene.scan(scans=5).ready


def test_a_master_whose_record_has_no_name_of_its_own_was_missed() -> None:
    scene = MachineScene(MASTERS)
    scene.trigger(1, part_id="M-1")
    scene.scan(Acquired(1))
    scene.scan(Judged(1, "unidentified.1", Verdict.NOT_INSPECTED, is_nameless=True))
    assert scene.kinds() == ["master_missed"]
    assert not scene.scan(scans=5).ready


def test_results_that_the_plc_does_not_take_let_no_further_part_in() -> None:
    scene = MachineScene(replace(RULES, results_buffered=2, ack_timeout_s=1.0))
    for number in (1, 2):
        assert scene.scan().ready
        scene.trigger(number, step=1)
        scene.judge(number)
    assert not scene.scan().ready
    assert "handshake" not in scene.kinds()
    scene.trigger(3, step=1)  # all the same
    scene.judge(3)
    assert scene.kinds() == ["handshake"]
    assert [scene.take() for _ in range(2)] == [(1, True), (2, True)]
    assert scene.scan().ready


@pytest.mark.parametrize(
    "why", [Changeover("B"), MastersDue("a shift begins"), None], ids=["changeover", "shift", "time"]
)
def test_masters_come_due_again(why: Happening | None) -> None:
    scene = MachineScene(MASTERS)
    scene.trigger(1, part_id="M-1")
    scene.judge(1, Verdict.NG, part_id="M-1", places=OPEN)
    scene.take()
    assert scene.scan(scans=3).ready
    if why is None:
        scene.now_s += 61.0
        scene.set(stopped=True)
        scene.scan(scans=2)
    else:
        scene.scan(why)
    assert not scene.scan(scans=2).ready
    scene.set(part_id=None)
    scene.set(part_id="M-1")
    assert scene.scan(scans=2).ready  # for the master alone


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (CameraTrouble("top", "unplugged"), "error"),
        (DiskFull("no room"), "error"),
        (InternalFault("a task died"), "error"),
        (DeploymentNotReady("it does not verify"), "preoperational"),
        (Ending(), "halted"),
    ],
)
def test_trouble_takes_ready_off_at_once_and_a_trigger_is_then_missed(trouble: Happening, state: str) -> None:
    scene = MachineScene()
    assert not scene.scan(trouble).ready
    scene.trigger(1)
    assert scene.outputs.state == state
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([], [1])
    assert scene.take() == (1, False)


def test_what_a_former_life_left_is_never_permitted() -> None:
    first = MachineScene()
    first.trigger(1)
    second = MachineScene()
    second.scan(Acquired(1), Judged(1, "P-1", Verdict.OK))
    assert second.scan(scans=3).results_valid is False


def test_a_state_follows_another_only_as_the_standard_lets_it() -> None:
    scene = MachineScene()
    scene.trigger(1)
    scene.judge(1)
    for happening in (CameraTrouble("top", "gone"), CameraBack("top"), DeploymentNotReady("no"), DeploymentReady()):
        scene.scan(happening)
        scene.scan(scans=4)
    scene.scan(has_link=False)
    scene.scan(scans=5)
    scene.set(online=False)
    scene.set(online=True)
    scene.scan(Ending(), scans=5)
    assert set(scene.states) == {state.value for state in StationState} - {"single_execution"}
    for one, other in pairwise(scene.states):
        assert one == other or StationState(other) in TRANSITIONS[StationState(one)], (one, other)


def test_every_state_is_reached_from_every_other_by_legal_steps() -> None:
    for start in StationState:
        for wanted in StationState:
            state, steps = start, 0
            while state is not wanted:
                after = next_state(state, wanted)
                assert after in TRANSITIONS[state]
                state, steps = after, steps + 1
            assert steps <= 4
