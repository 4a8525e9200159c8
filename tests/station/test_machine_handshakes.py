"""The machine's two handshakes, and a PLC that does not keep to them."""

from dataclasses import replace

import pytest

from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.station.machine import (
    Acquire,
    Acquired,
    DiskBack,
    DiskFull,
    Dispose,
    EncoderRules,
    Judged,
    JudgeFailed,
    Recorded,
    RecordNotInspected,
)
from lineside.station.machine.condition import Alarm
from lineside.station.rig.line import Why
from lineside.station.rig.line.permits import PermitTable
from lineside.station.rig.records import Lane
from machine_scene import RULES, MachineScene


def test_a_trigger_is_acknowledged_with_its_id_and_ready_comes_back_with_the_pictures() -> None:
    scene = MachineScene()
    assert scene.scan().ready
    out = scene.set(trigger=True, trigger_id=65535, encoder=10)
    assert (out.trigger_ack, out.trigger_ack_id, out.ready, out.busy) == (True, 65535, False, True)
    assert not scene.set(trigger=False).trigger_ack
    assert not scene.scan().ready
    assert scene.scan(Acquired(65535)).ready
    assert scene.of(Acquire) == [65535]


def test_results_stand_one_at_a_time_until_each_is_acknowledged() -> None:
    scene = MachineScene()
    for number in (65535, 1, 2):
        scene.trigger(number)
        scene.scan(Acquired(number))
    for number in (2, 65535, 1):
        scene.scan(Judged(number, "P-1", Verdict.OK if number != 1 else Verdict.NG))
    assert scene.outputs.results_id == 2  # it was there first, and stands
    assert [scene.take(), scene.take(), scene.take(), scene.take()] == [(2, True), (65535, True), (1, False), None]
    assert scene.fates() == [(2, Lane.PASS, False), (65535, Lane.PASS, False), (1, Lane.REJECT, False)]


def test_an_acknowledgement_of_another_id_is_told_and_takes_nothing() -> None:
    scene = MachineScene()
    scene.trigger(7)
    scene.judge(7)
    out = scene.set(results_ack=True, results_ack_id=6)
    assert (out.results_valid, out.results_id, scene.kinds()) == (True, 7, ["handshake"])
    assert scene.of(Dispose) == []


def test_an_acknowledgement_that_still_stands_is_not_taken_for_the_next_result() -> None:
    scene = MachineScene()
    for number in (1, 2):
        scene.trigger(number)
        scene.judge(number)
    scene.set(results_ack=True, results_ack_id=1)
    out = scene.scan(scans=3)
    assert not out.results_valid
    assert scene.set(results_ack=False).results_id == 2


@pytest.mark.parametrize("is_read_before", [False, True], ids=["since before the start", "since before the cut"])
def test_a_trigger_that_stood_already_is_missed_for_its_part_may_be_gone(*, is_read_before: bool) -> None:
    scene = MachineScene(is_ready=is_read_before)
    if is_read_before:
        scene.scan(has_link=False)
    scene.set(trigger=True, trigger_id=4)
    assert scene.outputs.missed_acquisition
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([], [4])
    assert not scene.set(trigger=False).missed_acquisition


def test_a_second_trigger_of_an_id_that_is_under_way_costs_its_part_the_permit() -> None:
    scene = MachineScene()
    scene.trigger(3)
    scene.trigger(3)
    scene.judge(3)
    assert scene.kinds() == ["handshake"]
    assert scene.shown == [(3, False)]


def test_an_id_that_changes_under_a_standing_trigger_costs_both_parts_the_permit() -> None:
    scene = MachineScene()
    scene.trigger(1)
    scene.scan(Acquired(1))
    scene.set(trigger=True, trigger_id=2, encoder=30)
    scene.set(trigger_id=1)
    scene.set(trigger=False)
    scene.scan(Acquired(2))
    scene.scan(Judged(1, "P-1", Verdict.OK), Judged(2, "P-2", Verdict.OK))
    scene.take()
    assert scene.shown[:2] == [(1, False), (2, False)]


def test_two_triggers_in_one_frame_time_get_one_picture_and_two_records() -> None:
    scene = MachineScene()
    scene.trigger(1)
    scene.trigger(2)
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([1], [2])
    assert scene.kinds() == ["trigger_while_busy", "trigger_missed"]


def test_the_id_0_is_no_part() -> None:
    scene = MachineScene()
    assert not scene.set(trigger=True, trigger_id=0).trigger_ack
    assert scene.kinds() == ["handshake"]
    assert scene.of(Acquire) + scene.of(RecordNotInspected) == []


def test_a_slow_verdict_does_not_fall_to_a_new_part_of_the_same_id() -> None:
    """The PLC counts from 1 again while the judges still look at its former part 1."""
    scene = MachineScene()
    scene.trigger(1)
    scene.scan(Acquired(1))
    scene.scan(has_link=False)  # the PLC restarts
    scene.set(encoder=0)
    scene.scan(scans=60)
    assert scene.of(Dispose) == [1]
    scene.trigger(1)
    scene.scan(Judged(1, "P-1", Verdict.OK))
    assert scene.shown == [(1, False)]
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([1], [1])


def test_an_id_is_free_again_once_its_verdict_has_come() -> None:
    scene = MachineScene()
    for step in (10, 10):
        scene.trigger(1, step=step)
        scene.judge(1)
        assert scene.take() == (1, True)
    scene.scan(Judged(1, "P-1", Verdict.OK))  # of nowhere
    assert not scene.outputs.results_valid


def test_a_permit_that_is_not_taken_in_time_goes_off_before_its_id_is_told_again_without_one() -> None:
    scene = MachineScene()
    scene.trigger(5)
    scene.judge(5)
    assert scene.outputs.permit
    scene.move(80)
    assert scene.outputs.permit
    out = scene.set(encoder=scene.inputs.encoder + 11)
    assert (out.results_valid, out.permit) == (False, False)
    out = scene.scan()
    assert (out.results_valid, out.results_id, out.permit, out.lane) == (True, 5, False, Lane.REINSPECT)
    assert scene.kinds() == ["late"]
    assert scene.take() == (5, False)
    assert scene.fates() == [(5, Lane.REINSPECT, False)]


def test_a_permit_that_was_taken_in_the_scan_of_its_deadline_counts_as_taken() -> None:
    scene = MachineScene()
    scene.trigger(5)
    scene.judge(5)
    scene.move(90)
    scene.set(results_ack=True, results_ack_id=5, encoder=scene.inputs.encoder + 1)
    assert scene.fates() == [(5, Lane.PASS, False)]
    assert scene.kinds() == []


def test_a_permit_that_nobody_acknowledged_is_not_written_down_as_a_reject() -> None:
    scene = MachineScene()
    scene.trigger(5)
    scene.judge(5)
    scene.scan(has_link=False)
    assert scene.fates() == [(5, Lane.PASS, False)]
    assert scene.kinds() == ["handshake"]


def test_without_an_encoder_the_deadline_is_a_time_from_the_trigger() -> None:
    scene = MachineScene(replace(RULES, encoder=None))
    scene.trigger(1, step=0)
    scene.scan(Acquired(1))
    scene.scan(scans=86)
    assert scene.scan(Judged(1, "P-1", Verdict.OK)).permit
    late = MachineScene(replace(RULES, encoder=None))
    late.trigger(1, step=0)
    late.scan(Acquired(1))
    late.scan(scans=90)
    late.scan(Judged(1, "P-1", Verdict.OK))
    assert late.shown == [(1, False)]
    assert late.kinds() == ["late"]


@pytest.mark.parametrize(
    ("words", "counts"),
    [({"encoder": 500}, 0), ({"encoder": -20}, 0), ({}, 1)],
    ids=["jumps", "runs backwards", "stands"],
)
def test_an_encoder_that_errs_costs_all_parts_their_permit_until_reset(words: dict[str, object], counts: int) -> None:
    rules = replace(RULES, encoder=EncoderRules(mm_per_count=1.0, max_step=50, stuck_s=0.1))
    scene = MachineScene(rules)
    scene.trigger(1, step=5)
    scene.scan(Acquired(1))
    scene.set(**words)
    scene.scan(scans=counts * 15)
    scene.scan(Judged(1, "P-1", Verdict.OK))
    assert scene.shown == [(1, False)]
    assert scene.kinds()[0] == "encoder"
    assert (scene.outputs.state, scene.outputs.ready) == ("error", False)
    assert scene.scan(scans=5).state == "error"
    scene.take()
    scene.set(reset=True)
    assert scene.scan(scans=4).ready


def test_a_line_that_stands_with_leave_has_no_stuck_encoder() -> None:
    scene = MachineScene(replace(RULES, encoder=EncoderRules(mm_per_count=1.0, max_step=50, stuck_s=0.1)))
    scene.trigger(1)
    scene.set(stopped=True)
    scene.scan(scans=50)
    assert scene.kinds() == []


def test_a_trigger_is_acknowledged_only_once_it_stands_on_disk() -> None:
    scene = MachineScene(is_written=False)
    assert not scene.set(trigger=True, trigger_id=7, encoder=10).trigger_ack
    assert not scene.scan(scans=3).trigger_ack
    out = scene.scan(Recorded(7))
    assert (out.trigger_ack, out.trigger_ack_id) == (True, 7)


def test_a_trigger_that_the_disk_never_took_is_never_acknowledged_and_its_part_gets_no_permit() -> None:
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=7, encoder=10)
    scene.scan(JudgeFailed(7, ReasonCode.STATION_FAULT, "the disk is full"), scans=5)
    assert not scene.set(trigger=False).trigger_ack
    assert (7, True) not in scene.shown


def test_a_trigger_that_is_dropped_before_it_was_acknowledged_costs_its_part_the_permit() -> None:
    """The disk takes longer than the PLC waits: for the PLC that part has no permit, whatever comes for it later."""
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=5, encoder=10)
    scene.scan(Acquired(5), scans=3)
    assert scene.kinds() == []
    assert not scene.set(trigger=False).trigger_ack
    scene.scan(Recorded(5))
    scene.scan(Judged(5, "P-1", Verdict.OK))
    assert scene.shown == [(5, False)]
    assert scene.kinds() == ["handshake"]


def test_a_part_is_not_forgotten_whose_trigger_follows_at_once_on_one_that_was_given_up() -> None:
    """The moment without a trigger falls between two scans: the second part is a part all the same."""
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=5, encoder=10)
    scene.scan(Acquired(5))
    assert not scene.set(trigger_id=6, encoder=40).trigger_ack
    assert scene.of(Acquire) == [5, 6]
    assert scene.kinds() == ["handshake"]
    assert not scene.scan(Recorded(5)).trigger_ack
    assert scene.scan(Recorded(6)).trigger_ack_id == 6
    scene.set(trigger=False)
    scene.scan(Acquired(6), Judged(5, "P-5", Verdict.OK), Judged(6, "P-6", Verdict.OK))
    assert (scene.take(), scene.take()) == ((5, False), (6, True))


@pytest.mark.parametrize("confirm_within_mm", [None, 50.0], ids=["without a sensor", "with a sensor"])
def test_a_permit_that_is_taken_just_as_its_id_is_given_out_anew_is_told_again_without_one(
    confirm_within_mm: float | None,
) -> None:
    """The PLC may have taken it for the new part: two results of one id that differ, and neither counts."""
    scene = MachineScene(replace(RULES, confirm_within_mm=confirm_within_mm))
    permits = PermitTable(age_s=10.0, has_reinspect_lane=True)
    scene.trigger(3)
    scene.judge(3)
    assert scene.outputs.permit
    permits.expect(3)  # the new part's
    permits.put(3, permit=True, lane=Lane.PASS, now_s=0.0)
    scene.set(trigger=True, trigger_id=3, encoder=30, results_ack=True, results_ack_id=3)
    assert scene.kinds() == ["handshake"]
    scene.set(trigger=False, results_ack=False)
    assert scene.shown == [(3, True), (3, False)]
    permits.put(3, permit=scene.outputs.permit, lane=scene.outputs.lane, now_s=0.0)
    assert permits.take(3, now_s=0.0) == (Lane.REJECT, Why.VOIDED)
    assert scene.take() == (3, False)
    scene.move(160)
    assert [fate[:2] for fate in scene.fates()] == [(3, Lane.REINSPECT)]
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([3], [])


def test_a_trigger_is_not_acknowledged_for_an_earlier_one_of_its_id_that_found_its_way_to_the_disk() -> None:
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=1, encoder=10)
    scene.scan(has_link=False)  # the PLC restarts, and counts from 1 again
    scene.set(trigger=False, encoder=0)
    scene.scan(scans=60)
    assert scene.of(Dispose) == [1]
    scene.set(trigger=True, encoder=10)
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([1], [1])
    assert not scene.scan(Recorded(1)).trigger_ack
    assert scene.scan(Recorded(1)).trigger_ack_id == 1


def test_a_trigger_that_the_disk_refused_is_not_acknowledged_for_a_later_one_of_its_id() -> None:
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=1, encoder=10)
    scene.scan(has_link=False)
    scene.set(trigger=False, encoder=0)
    scene.scan(scans=60)
    scene.set(trigger=True, encoder=10)
    refused = JudgeFailed(1, ReasonCode.STATION_FAULT, "the disk is full")
    assert not scene.scan(refused).trigger_ack
    assert not scene.scan(Recorded(1)).trigger_ack  # which of the two it is of is not known
    scene.set(trigger=False)
    scene.scan(Judged(1, "P-1", Verdict.NOT_INSPECTED))
    assert scene.take() == (1, False)
    scene.set(trigger=True, encoder=20)
    assert scene.scan(Recorded(1)).trigger_ack_id == 1


def test_while_a_trigger_is_not_on_disk_ready_is_off_and_a_disk_that_hangs_is_told_once() -> None:
    """It is the disk that is told of, not a PLC that leaves its trigger standing for want of an answer."""
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=5, encoder=10)
    assert not scene.scan(Acquired(5)).ready
    assert scene.outputs.alarm is Alarm.NONE
    assert not scene.scan(scans=20).ready
    assert scene.kinds() == ["disk_full"]
    assert (scene.outputs.alarm, scene.outputs.state) == (Alarm.DISK, "error")
    scene.scan(Recorded(5))
    assert scene.scan(scans=4).ready
    assert scene.kinds() == ["disk_full", "disk_back"]
    assert (scene.outputs.trigger_ack_id, scene.outputs.alarm) == (5, Alarm.NONE)


def test_a_part_whose_trigger_comes_while_the_disk_hangs_is_not_looked_at() -> None:
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=5, encoder=10)
    scene.scan(Acquired(5), scans=10)
    scene.set(trigger=False)
    scene.set(trigger=True, trigger_id=6, encoder=30)
    assert (scene.of(Acquire), scene.of(RecordNotInspected)) == ([5], [6])


def test_a_disk_that_hung_and_then_refused_is_back_when_it_takes_records_and_not_before() -> None:
    scene = MachineScene(is_written=False)
    scene.set(trigger=True, trigger_id=5, encoder=10)
    scene.scan(Acquired(5), scans=10)
    scene.scan(DiskFull("no room"), JudgeFailed(5, ReasonCode.STATION_FAULT, "no room"), scans=3)
    assert (scene.kinds(), scene.outputs.alarm) == (["disk_full", "internal"], Alarm.DISK)
    scene.set(trigger=False)
    scene.scan(DiskBack())
    assert scene.kinds()[-1] == "disk_back"
    assert scene.scan(scans=4).ready
