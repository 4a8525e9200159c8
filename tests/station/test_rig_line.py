"""The simulated line: what it lets pass, and what it never does."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.station.rig import Lane
from lineside.station.rig.line import EncoderFault, EvenSpacing, GivenSpacing, Why
from lineside.station.rig.simulated_line import SimulatedLine
from plain_station import PlainStation
from rig_scene import odd_passes, quick_line, run_line


def test_parts_with_a_permit_pass_and_all_others_are_rejected() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)
    run_line(line, station)
    assert [(part.number, part.lane, part.why) for part in line.truth.parts] == [
        (number, Lane.PASS, Why.PERMIT) if number % 2 else (number, Lane.REJECT, Why.NO_PERMIT)
        for number in range(1, 13)
    ]
    assert station.confirmed == [(part.acquisition_id, part.lane) for part in line.truth.parts]
    assert station.part_ids == {number: f"P{number:06d}" for number in range(1, 13)}


def test_the_same_seed_gives_the_same_line_and_another_seed_another() -> None:
    def left(seed: int) -> list[float]:
        line = SimulatedLine(quick_line(seed=seed))
        run_line(line, PlainStation(odd_passes))
        return [part.left_s for part in line.truth.parts]

    assert left(3) == left(3)
    assert left(3) != left(4)


def test_parts_come_at_the_distances_that_are_given() -> None:
    line = SimulatedLine(quick_line(parts=4, spacing=GivenSpacing((100.0, 250.0, 80.0))))
    run_line(line, PlainStation(odd_passes))
    seen = [part.seen_s for part in line.truth.parts]
    assert seen == pytest.approx([0.1, 0.35, 0.43, 0.53])


def test_a_line_without_a_station_rejects_everything_and_triggers_nothing() -> None:
    line = SimulatedLine(quick_line())
    line.advance(30.0)
    assert line.is_empty
    assert {part.why for part in line.truth.parts} == {Why.NOT_TRIGGERED}
    assert line.truth.lanes[Lane.PASS] == 0
    assert line.truth.counts.triggers == 0


def test_a_station_that_is_not_ready_is_not_triggered() -> None:
    line = SimulatedLine(quick_line())
    station = PlainStation(odd_passes, is_ready=False)
    run_line(line, station)
    assert station.triggers == []
    assert line.truth.reasons[Why.NOT_TRIGGERED] == 12


def test_a_blind_trigger_comes_though_the_station_is_not_ready() -> None:
    line = SimulatedLine(quick_line())
    line.plant_blind_triggers(2)
    station = PlainStation(odd_passes, is_ready=False)
    run_line(line, station)
    assert station.triggers == [1, 2]


def test_a_part_whose_verdict_never_comes_is_rejected() -> None:
    line = SimulatedLine(quick_line())
    run_line(line, PlainStation(lambda number: None if number == 5 else True))
    assert [part.number for part in line.truth.parts if part.lane is Lane.REJECT] == [5]


def test_parts_without_a_permit_go_to_the_third_lane_if_asked_and_if_there_is_one() -> None:
    for has_lane, lane in ((True, Lane.REINSPECT), (False, Lane.REJECT)):
        line = SimulatedLine(quick_line(has_reinspect_lane=has_lane))
        run_line(line, PlainStation(odd_passes, lane_of_refused=Lane.REINSPECT))
        assert {part.lane for part in line.truth.parts if part.number % 2 == 0} == {lane}


def test_a_permit_that_has_grown_old_lets_nothing_pass() -> None:
    line = SimulatedLine(quick_line(permit_age_s=0.1))
    run_line(line, PlainStation(odd_passes))
    assert line.truth.lanes[Lane.PASS] == 0
    assert line.truth.reasons[Why.EXPIRED] == 12


def test_a_heartbeat_that_stands_voids_the_permits_that_were_given() -> None:
    """The station goes on giving permits, but its counter no longer moves: a program that hangs in a loop."""
    line, station = SimulatedLine(quick_line(heartbeat_timeout_s=0.05)), PlainStation(lambda _: True)
    told = 0
    for scan in range(1, 1500):
        line.advance(scan * 0.005)
        inputs = line.inputs(confirmed_from=told)
        told += len(inputs.confirmed)
        outputs = station.scan(inputs)
        if scan < 80:
            line.take(outputs)
    left = line.truth.parts
    alive_until_s = 80 * 0.005 + 0.05
    assert line.is_empty
    assert all(part.lane is Lane.REJECT for part in left if part.left_s > alive_until_s)
    assert any(part.lane is Lane.PASS for part in left)
    assert any(part.why is Why.VOIDED for part in left)
    assert line.truth.counts.heartbeats_lost == 1


def test_permits_that_were_voided_stay_void_when_the_station_comes_back() -> None:
    line, station = SimulatedLine(quick_line(heartbeat_timeout_s=0.05)), PlainStation(lambda _: True)
    under_way: set[int] = set()
    for scan in range(1, 3000):
        line.advance(scan * 0.005)
        outputs = station.scan(line.inputs())
        if not 60 <= scan < 80:
            line.take(outputs)
        if scan == 79:
            under_way = set(range(1, line.truth.counts.triggers + 1)) - {
                part.acquisition_id for part in line.truth.parts if part.acquisition_id
            }
    assert under_way
    passed = {part.acquisition_id for part in line.truth.parts if part.lane is Lane.PASS}
    assert not under_way & passed
    assert any(part.why is Why.PERMIT for part in line.truth.parts[len(under_way) + 3 :])


@pytest.mark.parametrize("fault", list(EncoderFault))
def test_parts_under_way_when_the_encoder_fails_are_rejected_and_later_ones_are_not(fault: EncoderFault) -> None:
    line, station = SimulatedLine(quick_line(parts=40)), PlainStation(lambda _: True)
    run_line(line, station, at={300: lambda: line.plant_encoder_fault(fault, for_s=0.15, jump_mm=100.0)})
    planted_s = 300 * 0.005
    under_way = [part for part in line.truth.parts if part.seen_s < planted_s + 0.01 < part.left_s]
    assert under_way
    assert {part.lane for part in under_way} == {Lane.REJECT}
    assert line.truth.counts.encoder_faults >= 1
    assert sum(part.why is not Why.PERMIT for part in line.truth.parts) <= 8
    assert line.truth.parts[-1].why is Why.PERMIT
    assert line.truth.parts[0].why is Why.PERMIT


def test_an_encoder_that_jumps_by_exactly_one_part_does_not_lend_a_permit_to_the_neighbour() -> None:
    line = SimulatedLine(quick_line(parts=30, spacing=EvenSpacing(100.0, 100.0)))
    run_line(line, PlainStation(odd_passes), at={300: lambda: line.plant_encoder_fault(EncoderFault.JUMP, jump_mm=100)})
    wrong = [
        part
        for part in line.truth.parts
        if part.lane is Lane.PASS and part.acquisition_id is not None and not odd_passes(part.acquisition_id)
    ]
    assert wrong == []
    assert line.truth.reasons[Why.VOIDED] > 0


def test_a_plc_that_lost_its_power_lets_nothing_pass_that_was_under_way_and_goes_on_with_the_next() -> None:
    line, station = SimulatedLine(quick_line(parts=40)), PlainStation(lambda _: True)
    run_line(line, station, at={300: line.restart_programme})
    restarted_s = 300 * 0.005
    under_way = [part for part in line.truth.parts if part.seen_s < restarted_s < part.left_s]
    assert under_way
    assert {(part.lane, part.acquisition_id) for part in under_way} == {(Lane.REJECT, None)}
    assert line.truth.parts[-1].why is Why.PERMIT
    assert line.truth.parts[0].why is Why.PERMIT
    assert [part.acquisition_id for part in line.truth.parts].count(2) == 2, "it counts from 1 anew"


def test_a_camera_sees_the_part_that_is_before_it_and_no_other() -> None:
    line = SimulatedLine(quick_line(spacing=EvenSpacing(100.0, 100.0)))
    seen = set()
    for scan in range(1, 200):
        line.advance(scan * 0.005)
        seen.add((scan % 20, line.part_at_camera(within_mm=20.0)))
    assert {number for _, number in seen} >= {1, 2, 3, None}
    assert {offset for offset, number in seen if number is not None} <= {0, 1, 2, 3, 4}


def test_a_part_that_was_taken_off_the_belt_does_not_leave_its_permit_behind() -> None:
    line, station = SimulatedLine(quick_line(parts=10)), PlainStation(odd_passes)
    run_line(line, station, at={60: line.take_off_a_part})
    assert len(line.truth.parts) == 9
    assert {part.acquisition_id for part in line.truth.parts if part.lane is Lane.PASS} <= {1, 3, 5, 7, 9}


def test_a_bouncing_sensor_gives_an_id_that_belongs_to_no_part_and_neither_lets_one_pass() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(lambda _: True)
    line.plant_double_triggers(1)
    run_line(line, station)
    assert line.truth.counts.phantom_triggers == 1
    assert line.part_of(2) is None
    assert line.truth.parts[0].why is Why.UNTRACKED
    assert all(part.why is Why.PERMIT for part in line.truth.parts[1:])


def test_a_trigger_whose_acknowledgement_is_lost_gives_its_part_no_permit() -> None:
    line, station = SimulatedLine(quick_line(ack_timeout_s=0.02)), PlainStation(lambda _: True)
    line.lose_trigger_acknowledgements(1)
    run_line(line, station)
    assert line.truth.counts.triggers_unanswered == 1
    assert [part.number for part in line.truth.parts if part.lane is Lane.REJECT] == [1]


def test_a_result_whose_acknowledgement_is_lost_counts_once() -> None:
    """The plain station waits for it for ever, so all later parts go without; what was taken stands."""
    line, station = SimulatedLine(quick_line()), PlainStation(lambda _: True)
    line.lose_results_acknowledgements(1)
    run_line(line, station)
    assert line.truth.counts.results == 1
    assert [part.number for part in line.truth.parts if part.lane is Lane.PASS] == [1]


def test_a_permit_that_is_taken_back_while_its_result_stands_lets_nothing_pass() -> None:
    line, station = SimulatedLine(quick_line(parts=1)), PlainStation(lambda _: True)
    for scan in range(1, 400):
        line.advance(scan * 0.005)
        inputs = line.inputs()
        outputs = station.scan(replace(inputs, results_ack=False))  # the station does not see that it was taken
        line.take(replace(outputs, permit=scan < 40, lane=Lane.PASS))
    assert line.truth.counts.permits == 1
    assert [(part.lane, part.why) for part in line.truth.parts] == [(Lane.REJECT, Why.VOIDED)]


def test_two_results_that_follow_without_a_scan_between_them_are_both_taken() -> None:
    """The moment in which `results_valid` was off fell between two of the PLC's scans."""
    line, station = SimulatedLine(quick_line(parts=2)), PlainStation(lambda _: None)
    acknowledged: list[int] = []
    for scan in range(1, 500):
        line.advance(scan * 0.005)
        inputs = line.inputs()
        if inputs.results_ack and inputs.results_ack_id not in acknowledged:
            acknowledged.append(inputs.results_ack_id)
        outputs = station.scan(inputs)
        if len(station.triggers) == 2:
            waiting = 2 if 1 in acknowledged else 1
            outputs = replace(outputs, results_valid=True, results_id=waiting, permit=True, lane=Lane.PASS)
        line.take(outputs)
    assert acknowledged == [1, 2]
    assert line.truth.lanes[Lane.PASS] == 2


def test_a_sensor_that_is_broken_confirms_nothing() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)
    line.break_confirm_sensor(Lane.REJECT)
    run_line(line, station)
    assert {lane for _, lane in station.confirmed} == {Lane.PASS}


def test_a_jammed_gate_is_confirmed_where_the_part_really_went() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)
    line.jam_gate(Lane.PASS)
    run_line(line, station)
    assert (2, Lane.PASS) in station.confirmed
    assert line.truth.parts[1].why is Why.GATE_JAMMED
    assert line.truth.parts[1].ruled is Lane.REJECT


def test_the_line_stands_while_the_station_wants_it_and_starts_only_by_the_reset_button() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)

    def let_go() -> None:
        station.stop_line = False

    def stop() -> None:
        station.stop_line = True

    stood: list[bool] = []
    run_line(
        line,
        station,
        at={
            50: stop,
            60: lambda: stood.append(line.inputs().stopped),
            100: let_go,
            150: lambda: stood.append(line.inputs().stopped),
            151: line.press_reset,
            155: lambda: stood.append(line.inputs().stopped),
        },
    )
    assert stood == [True, True, False]
    assert line.truth.counts.stops == 1
    assert len(line.truth.parts) == 12


def test_a_fault_of_the_lines_own_stops_it_and_the_station_is_told() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)
    told: list[tuple[bool, bool]] = []

    def look() -> None:
        told.append((line.inputs().online, line.inputs().stopped))

    run_line(line, station, at={20: lambda: line.stop("the drive"), 30: look, 40: line.press_reset, 50: look})
    assert told == [(False, True), (True, False)]


def test_under_bypass_everything_passes_and_the_truth_says_that_no_permit_did_it() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes)
    line.turn_bypass_key(on=True)
    run_line(line, station)
    assert line.truth.reasons[Why.BYPASS] == 12
    assert len(line.truth.passed_without_permit) == 12


def test_under_bypass_each_part_is_triggered_though_the_station_is_not_ready() -> None:
    line, station = SimulatedLine(quick_line()), PlainStation(odd_passes, is_ready=False)
    line.turn_bypass_key(on=True)
    run_line(line, station)
    assert len(station.triggers) == 12


def test_acquisition_ids_go_from_their_last_to_one() -> None:
    line, station = SimulatedLine(quick_line(parts=4, first_acquisition_id=65_534)), PlainStation(lambda _: True)
    run_line(line, station)
    assert station.triggers == [65_534, 65_535, 1, 2]
    assert line.truth.lanes[Lane.PASS] == 4


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"speed_mm_s": 0.0}, "speed_mm_s is 0.0", id="a belt that never moves"),
        pytest.param({"first_acquisition_id": 0}, "expected 1 to 65535", id="the id that means none"),
    ],
)
def test_a_line_that_cannot_be_is_refused(changed: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        quick_line(**changed)


@given(
    seed=st.integers(0, 1000),
    cuts=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 60)), max_size=3),
    encoder=st.lists(st.tuples(st.integers(1, 400), st.sampled_from(EncoderFault), st.integers(-200, 200)), max_size=2),
    doubles=st.integers(0, 2),
)
@settings(max_examples=40, deadline=None)
def test_whatever_fails_nothing_passes_but_by_a_permit_of_its_own(
    seed: int, cuts: list[tuple[int, int]], encoder: list[tuple[int, EncoderFault, int]], doubles: int
) -> None:
    line = SimulatedLine(quick_line(seed=seed, parts=20, heartbeat_timeout_s=0.05))
    station = PlainStation(lambda acquisition_id: acquisition_id % 3 != 0)
    line.plant_double_triggers(doubles)
    cut = {scan for start, length in cuts for scan in range(start, start + length)}
    planted = {scan: (fault, jump) for scan, fault, jump in encoder}
    scan = 0
    while not line.is_empty:
        scan += 1
        if scan in planted:
            fault, jump_mm = planted[scan]
            line.plant_encoder_fault(fault, for_s=0.1, jump_mm=float(jump_mm))
        line.advance(scan * 0.005)
        if scan not in cut:
            line.take(station.scan(line.inputs()))
        assert scan < 5000
    assert line.truth.passed_without_permit == ()
    for part in line.truth.parts:
        if part.lane is Lane.PASS:
            assert part.acquisition_id in station.permits_given
            assert part.acquisition_id is not None
            assert part.acquisition_id % 3 != 0
