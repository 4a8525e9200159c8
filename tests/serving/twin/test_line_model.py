"""The model of a line, held against queueing theory and against its own bookkeeping."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.serving.twin.line_model import (
    Always,
    Change,
    Costs,
    Durations,
    Estimate,
    Exponential,
    ImpossibleLine,
    Line,
    Measure,
    Measured,
    PartMix,
    RandomArrivals,
    RecordedArrivals,
    RegularArrivals,
    Retest,
    Rework,
    RunTooLarge,
    Standing,
    UnstableLine,
    compare,
    estimate,
    load_of,
    predict,
    run_lines,
    simulate,
)

ALL_GOOD = PartMix.of_shares(defective=0.0, recall=1.0, false_call=0.0)
PER_S = 3600.0


def _queue(service: Durations, *, per_second: float = 1.0, span_s: float = 6_000.0, stations: int = 1) -> Line:
    return Line(RandomArrivals(per_second * PER_S, span_s), ALL_GOOD, 1.0, service, stations=stations)


def _m_m_c_wait(rho: float, stations: int, service_s: float) -> float:
    """Mean wait of M/M/c by the Erlang C formula (L. Kleinrock, Queueing Systems 1, section 3.5)."""
    offered = rho * stations
    tail = offered**stations / math.factorial(stations) / (1 - rho)
    waits = tail / (sum(offered**k / math.factorial(k) for k in range(stations)) + tail)
    return waits * service_s / (stations * (1 - rho))


THEORY = {
    "M/M/1 at 60 %": (_queue(Exponential(0.6)), 0.6 * 0.6 / (1 - 0.6)),
    "M/D/1 at 60 %": (_queue(Always(0.6)), 0.6 * 0.6 / (2 * (1 - 0.6))),
    "M/D/1 at 75 %": (_queue(Always(0.75)), 0.75 * 0.75 / (2 * (1 - 0.75))),
    "M/M/2 at 75 %": (_queue(Exponential(1.5), stations=2), _m_m_c_wait(0.75, 2, 1.5)),
}


@cache  # of seven runs each
def _mean_wait(case: str) -> Estimate:
    outcomes = [simulate(THEORY[case][0], seed=11, replication=run, warm_up_s=1000.0) for run in range(7)]
    return estimate(np.array([[outcome.waited_s / outcome.inspections] for outcome in outcomes]), confidence=0.99)


@pytest.mark.parametrize("case", THEORY)
def test_waiting_times_are_those_of_queueing_theory(case: str) -> None:
    """Pollaczek-Khinchine for one station: W = rho * s * (1 + cv**2) / (2 * (1 - rho)); Erlang C for two."""
    found, theory_s = _mean_wait(case), THEORY[case][1]
    assert found.lower <= theory_s <= found.upper, found
    assert found.upper - found.lower < 0.5 * theory_s, "an interval that wide would agree with anything"


def test_the_interval_refuses_a_theory_that_is_wrong_by_a_quarter() -> None:
    found, theory_s = _mean_wait("M/D/1 at 60 %"), THEORY["M/D/1 at 60 %"][1]
    assert not found.lower <= 1.25 * theory_s <= found.upper


def _busy_line(**changed: Any) -> Line:
    line = Line(
        RandomArrivals(1200.0, 3600.0),
        PartMix(
            np.array([True, True, True, False, False]),
            np.array([0.9, 0.6, 0.3, 0.55, 0.1]),
            np.array([4.0, 4.0, 2.0, 5.0, 85.0]),
        ),
        threshold=0.5,
        inspection=Exponential(1.0),
        not_inspected=0.02,
        retest_not_inspected=Retest(0.9, Always(5.0)),
        rework=Rework(0.5, Exponential(60.0), 0.8, places=4),
        retest_flagged=Retest(0.2, Always(20.0), 0.3),
        scrap=0.2,
        late_after_s=120.0,
    )
    return replace(line, **changed)


def test_littles_law_holds_with_rework_and_retests() -> None:
    """The mean number inside is the arrival rate times the mean time inside, both within the span."""
    outcome = simulate(_busy_line(), seed=3)
    assert outcome.in_system_area_s == pytest.approx(outcome.sojourn_s, rel=1e-9)
    assert outcome.sojourn_s / outcome.arrived > 5.0, "parts were really inside for a while"


@settings(max_examples=25, deadline=None)
@given(
    defective=st.floats(0, 1),
    recall=st.floats(0, 1),
    false_call=st.floats(0, 1),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)),
    unjudged=st.floats(0, 0.5),
    passing=st.floats(0, 1),
    attempts=st.integers(1, 6),
    seed=st.integers(0, 2**32),
)
def test_every_part_is_somewhere(
    defective: float,
    recall: float,
    false_call: float,
    shares: tuple[float, float, float],
    unjudged: float,
    passing: float,
    attempts: int,
    seed: int,
) -> None:
    total = max(1.0, sum(shares))
    rework, retest, scrap = (share / total * 0.999 for share in shares)
    line = Line(
        RandomArrivals(600.0, 900.0),
        PartMix.of_shares(defective=defective, recall=recall, false_call=false_call),
        0.5,
        Exponential(0.5),
        not_inspected=unjudged,
        retest_not_inspected=Retest(passing, Always(3.0)),
        rework=Rework(rework, Exponential(30.0), passing),
        retest_flagged=Retest(retest, Always(3.0), passing),
        scrap=scrap,
        attempts=attempts,
    )
    outcome = simulate(line, seed=seed)
    gone = outcome.passed + outcome.rejected + outcome.scrapped + outcome.set_aside
    assert outcome.arrived == gone + outcome.in_system
    assert outcome.escapes <= outcome.passed
    assert outcome.first_flagged <= outcome.first_judged <= outcome.with_verdict <= outcome.arrived
    assert outcome.in_system_area_s == pytest.approx(outcome.sojourn_s, rel=1e-6, abs=1e-6)


def test_the_long_run_load_is_what_a_run_shows() -> None:
    line = _busy_line(arrivals=RandomArrivals(1200.0, 86_400.0), rework=Rework(0.5, Exponential(60.0), 0.8))
    outcome = simulate(line, seed=5)
    assert load_of(line).inspection == pytest.approx(outcome.inspections * 1.0 / outcome.span_s, rel=0.03)


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    assert simulate(_busy_line(), seed=4) == simulate(_busy_line(), seed=4)
    assert simulate(_busy_line(), seed=4) != simulate(_busy_line(), seed=5)
    assert simulate(_busy_line(), seed=4) != simulate(_busy_line(), seed=4, replication=1)


def test_a_scenario_sees_the_same_parts_with_the_same_luck() -> None:
    """Neither a second station nor another threshold changes what comes."""
    as_is = simulate(_busy_line(), seed=4)
    two = simulate(_busy_line(stations=2), seed=4)
    strict = simulate(_busy_line(threshold=0.95), seed=4)
    assert as_is.arrived == two.arrived == strict.arrived
    assert (two.first_flagged, two.escapes) == pytest.approx((as_is.first_flagged, as_is.escapes), abs=2)
    assert strict.first_flagged == 0


def test_common_chances_narrow_the_interval_of_a_difference() -> None:
    lines = [_busy_line()] * 6
    costs = Costs(escape=100.0, false_call=1.0, rework=5.0, scrap=10.0, late=2.0)
    higher = [replace(line, threshold=0.58) for line in lines]
    as_is = run_lines(lines, costs, replications=2, seed=1)[Measure.COST_PER_PART]
    paired = run_lines(higher, costs, replications=2, seed=1)[Measure.COST_PER_PART]
    independent = run_lines(higher, costs, replications=2, seed=2)[Measure.COST_PER_PART]
    with_pairs, without = estimate(paired - as_is), estimate(independent - as_is)
    assert with_pairs.upper < 0.0, "the false calls that it saves are shown"
    assert with_pairs.upper - with_pairs.lower < 0.5 * (without.upper - without.lower)


def test_options_are_ranked_by_cost_with_intervals_of_the_difference() -> None:
    costs = Costs(escape=100.0, false_call=1.0, rework=5.0, scrap=10.0, late=2.0)
    changes = {
        "lower threshold": Change(threshold=0.25),
        "higher threshold": Change(threshold=0.95),
        "nothing": Change(),
        "ten times as fast": Change(pace=10.0),
        "one place of rework": Change(rework_places=1),
    }
    lines = [_busy_line()] * 6
    options = {name: [change.applied_to(line) for line in lines] for name, change in changes.items()}
    found = compare(lines, options, costs, replications=2, seed=1)
    by_name = {option.name: option for option in found.options}
    assert found.options[0].name == "lower threshold"
    assert by_name["lower threshold"].standing is Standing.CHEAPER
    assert by_name["higher threshold"].standing is Standing.DEARER
    assert by_name["nothing"].standing is Standing.NOT_SHOWN
    assert by_name["nothing"].differences[Measure.COST_PER_PART].mean == 0.0
    for name in ("ten times as fast", "one place of rework"):
        assert by_name[name].standing is Standing.UNSTABLE
        assert not by_name[name].measures
        assert "times what its" in (by_name[name].why_not_run or "")
    assert by_name["lower threshold"].differences[Measure.ESCAPES].upper < 0


def test_many_options_are_no_many_chances_to_look_cheaper() -> None:
    """The intervals of all differences hold together: with more options each is wider."""
    lines = [_busy_line(arrivals=RandomArrivals(1200.0, 600.0))] * 5
    costs = Costs(escape=100.0, false_call=1.0)
    higher = [replace(line, threshold=0.58) for line in lines]
    alone = compare(lines, {"a": higher}, costs, replications=2, seed=1).options[0]
    (one, *_) = compare(lines, dict.fromkeys("abcdefghij", higher), costs, replications=2, seed=1).options
    of_one, of_ten = (each.differences[Measure.COST_PER_PART] for each in (alone, one))
    assert of_one.mean == of_ten.mean
    assert (of_one.confidence, of_ten.confidence) == pytest.approx((0.95, 0.995))
    assert of_ten.upper - of_ten.lower > 1.5 * (of_one.upper - of_one.lower)


def test_a_difference_of_inputs_is_not_hidden_by_many_runs() -> None:
    """Runs of inputs that may be one thing or another stay apart, however many there are."""
    rng = np.random.default_rng(1)
    centres = rng.normal(0.0, 1.0, (40, 1))
    found = estimate(centres + rng.normal(0.0, 0.1, (40, 25)))
    assert found.input_sd == pytest.approx(1.0, rel=0.4)
    assert found.run_sd == pytest.approx(0.1, rel=0.2)
    assert found.upper - found.lower > 2.5 > 2 * found.simulation_error * 2


def test_the_interval_over_runs_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    found = [estimate(rng.exponential(1.0, (20, 2))) for _ in range(400)]
    covered = sum(each.lower <= 1.0 <= each.upper for each in found)
    assert 0.90 <= covered / 400 <= 1.0


def test_a_period_is_reproduced_or_is_not() -> None:
    rng = np.random.default_rng(3)
    runs = rng.normal(10.0, 1.0, (20, 2))
    assert predict(runs, 11.0, learned_for=2.0).is_reproduced
    assert not predict(runs, 14.0, learned_for=2.0).is_reproduced


def test_measured_durations_are_those_that_were_seen() -> None:
    seen = Measured(np.array([3.0, 1.0, 2.0]))
    assert seen.mean_s == 2.0
    assert seen.seconds(np.array([0.0, 0.34, 0.999])).tolist() == [1.0, 2.0, 3.0]


def test_recorded_arrivals_come_as_they_did_and_faster_at_a_pace() -> None:
    seen = RecordedArrivals(np.array([0.0, 10.0, 11.0]), 100.0)
    twice = seen.at_pace(2.0)
    assert twice.instants(np.zeros(3)).tolist() == [0.0, 5.0, 5.5]
    assert twice.span_s == 50.0


IMPOSSIBLE: Mapping[str, Any] = {
    "a negative time": lambda: Always(-1.0),
    "a time that is no number": lambda: Always(math.nan),
    "an endless time": lambda: Exponential(math.inf),
    "a time of 0 on average, without memory": lambda: Exponential(0.0),
    "no measured time": lambda: Measured(np.array([])),
    "a measured time that is negative": lambda: Measured(np.array([1.0, -1.0])),
    "no arrivals": lambda: RandomArrivals(0.0, 100.0),
    "negative arrivals": lambda: RegularArrivals(-5.0, 100.0),
    "nobody came": lambda: RecordedArrivals(np.array([]), 100.0),
    "arrivals out of order": lambda: RecordedArrivals(np.array([2.0, 1.0]), 100.0),
    "arrivals after the end": lambda: RecordedArrivals(np.array([2.0, 101.0]), 100.0),
    "a year": lambda: RandomArrivals(1.0, 365 * 86_400.0),
    "an endless span": lambda: RandomArrivals(1.0, math.inf),
    "a share above 1": lambda: Rework(1.5),
    "a share that is no number": lambda: Retest(math.nan),
    "a recall above 1": lambda: PartMix.of_shares(defective=0.1, recall=1.1, false_call=0.0),
    "parts of no kind": lambda: PartMix(np.array([], bool), np.array([]), np.array([])),
    "parts of weight 0": lambda: PartMix(np.array([True]), np.array([0.5]), np.array([0.0])),
    "a score that is no number": lambda: PartMix(np.array([True]), np.array([math.nan]), np.array([1.0])),
    "no station": lambda: _busy_line(stations=0),
    "half a station": lambda: _busy_line(stations=0.5),
    "a million stations": lambda: _busy_line(stations=1_000_000),
    "no place of rework": lambda: Rework(0.1, places=0),
    "more rework, retest and scrap than parts": lambda: _busy_line(scrap=0.9),
    "a negative cost": lambda: Costs(escape=-1.0),
    "a cost that is no number": lambda: Costs(late=math.nan),
    "late after no time": lambda: _busy_line(late_after_s=0.0),
    "a pace of 0": lambda: Change(pace=0.0),
    "a negative threshold": lambda: Change(threshold=-0.1),
    "no replication": lambda: run_lines([_busy_line()] * 5, Costs(), replications=0, seed=1),
    "one draw": lambda: run_lines([_busy_line()], Costs(), replications=2, seed=1),
    "a warm-up of minus one": lambda: simulate(_busy_line(), seed=1, warm_up_s=-1.0),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_impossible_numbers_are_refused_by_name(case: str) -> None:
    with pytest.raises(ImpossibleLine, match=r"expected|not finite|not in order|all 0"):
        IMPOSSIBLE[case]()


def test_a_queue_without_an_end_is_refused_before_it_is_run() -> None:
    with pytest.raises(UnstableLine, match=r"inspection is asked for 1\.2 times") as refused:
        simulate(_queue(Always(1.2)), seed=1)
    assert refused.value.utilisation == pytest.approx(1.2)
    with pytest.raises(UnstableLine, match="rework"):
        simulate(_busy_line(rework=Rework(0.5, Always(600.0), 0.8, places=1)), seed=1)


def test_more_parts_than_memory_and_time_allow_are_refused_before_they_are_made() -> None:
    with pytest.raises(RunTooLarge, match="ask of a shorter"):
        RandomArrivals(1_000_000.0, 86_400.0)
    with pytest.raises(RunTooLarge, match="simulated parts in all"):
        compare([_queue(Always(0.1), span_s=100_000.0)] * 50, {}, Costs(), replications=2, seed=1)
