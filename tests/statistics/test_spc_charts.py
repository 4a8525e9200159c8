"""Charts of subgroups against published figures; the data are those of Montgomery's textbook, as qcc prints them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.statistics.spc import (
    BEYOND_LIMITS,
    EIGHT_ON_ONE_SIDE,
    Baseline,
    BaselineMismatch,
    ChartKind,
    ChartOptions,
    ControlChart,
    Measure,
    NothingToChart,
    Subgroup,
    UnequalSizes,
    UnknownExclusion,
    control_chart,
    cumulative_sums,
    default_charts,
    exponential_averages,
)

ORANGE_JUICE = [
    12,
    15,
    8,
    10,
    4,
    7,
    16,
    9,
    14,
    10,
    5,
    6,
    17,
    12,
    22,
    8,
    10,
    5,
    13,
    11,
    20,
    18,
    24,
    15,
    9,
    12,
    7,
    13,
    9,
    6,
]
CIRCUITS = [21, 24, 16, 12, 15, 5, 28, 20, 31, 25, 20, 24, 16, 19, 10, 17, 13, 22, 18, 39, 30, 24, 16, 19, 17, 15]
CIRCUITS_AFTER = [16, 18, 12, 15, 24, 21, 28, 20, 25, 19, 18, 21, 16, 22, 19, 12, 14, 9, 16, 21]
COMPUTERS = [10, 12, 8, 14, 10, 16, 11, 7, 10, 15, 9, 5, 7, 11, 12, 6, 8, 10, 7, 5]
DYED_CLOTH = [(14, 10), (12, 8), (20, 13), (11, 10), (7, 9.5), (10, 10), (21, 12), (16, 10.5), (19, 12), (23, 12.5)]
PURCHASE_ORDERS = list(
    zip(
        [12, 8, 6, 9, 10, 12, 11, 16, 10, 6, 20, 15, 9, 8, 6, 8, 10, 7, 5, 8, 5, 8, 10, 6, 9],
        [
            100,
            80,
            80,
            100,
            110,
            110,
            100,
            100,
            90,
            90,
            110,
            120,
            120,
            120,
            110,
            80,
            80,
            80,
            90,
            100,
            100,
            100,
            100,
            90,
            90,
        ],
        strict=True,
    )
)
SHIPMENTS = [2, 3, 8, 1, 1, 4, 1, 4, 5, 1, 8, 2, 4, 3, 4, 1, 8, 3, 7, 4]
ACCIDENTS_SEEN = [266501, 264225, 276532, 281461, 269071, 261215, 270409, 279778, 270483, 270320]
ACCIDENTS_SEEN += [267923, 271478, 255353, 256820, 261835, 259144, 255910, 260863, 264465, 260989]
ACCIDENTS = [280443, 276823, 291681, 296155, 282343, 275888, 283867, 295251, 284468, 282529]
ACCIDENTS += [279618, 283932, 266629, 268091, 276803, 271578, 266005, 273520, 278574, 273772]


def subgroups(counts: list[int], size: float) -> list[Subgroup]:
    return [Subgroup(str(place), count, size) for place, count in enumerate(counts, 1)]


def sized(pairs: list[tuple[int, float]] | list[tuple[int, int]]) -> list[Subgroup]:
    return [Subgroup(str(place), count, size) for place, (count, size) in enumerate(pairs, 1)]


def beyond(chart: ControlChart) -> list[int]:
    return [int(point.label) for point in chart.points if "beyond-limits" in point.rules]


def limits(chart: ControlChart, place: int = 0) -> tuple[float | None, float | None, float | None]:
    point = chart.points[place]
    return point.lower, point.centre, point.upper


def test_p_chart_of_orange_juice_cans() -> None:
    chart = control_chart(ChartKind.P, subgroups(ORANGE_JUICE, 50))
    assert limits(chart) == pytest.approx((0.052428, 0.231333, 0.410239), abs=5e-7)
    assert beyond(chart) == [15, 23]
    assert chart.phase == "I"


def test_excluding_subgroups_with_their_causes_estimates_the_limits_anew() -> None:
    causes = {"15": "another cardboard", "23": "a new operator"}
    chart = control_chart(ChartKind.P, subgroups(ORANGE_JUICE, 50), excluded=causes)
    assert limits(chart) == pytest.approx((0.040703, 0.215, 0.389297), abs=5e-7)
    assert [point.label for point in chart.points if point.excluded] == ["15", "23"]
    assert all(not point.rules for point in chart.points if point.excluded)
    assert chart.exclusions == causes
    assert beyond(chart) == [21]  # 20 / 50, inside before the limits closed in, as Montgomery notes


def test_np_chart_is_the_p_chart_in_parts() -> None:
    chart = control_chart(ChartKind.NP, subgroups(ORANGE_JUICE, 50))
    assert limits(chart) == pytest.approx((0.052428 * 50, 0.231333 * 50, 0.410239 * 50), abs=5e-5)
    assert chart.points[0].value == 12


def test_p_chart_of_purchase_orders_has_limits_of_each_size() -> None:
    chart = control_chart(ChartKind.P, sized(PURCHASE_ORDERS))
    assert chart.parameters["centre"] == pytest.approx(0.09551, abs=5e-6)
    assert limits(chart, 0)[::2] == pytest.approx((0.007335, 0.183686), abs=5e-7)
    assert limits(chart, 1)[::2] == pytest.approx((0.0, 0.194093), abs=5e-7)


def test_c_chart_of_circuit_boards() -> None:
    chart = control_chart(ChartKind.C, subgroups(CIRCUITS, 100))
    assert limits(chart) == pytest.approx((6.481447, 19.846154, 33.210861), abs=5e-7)
    assert beyond(chart) == [6, 20]
    causes = {"6": "a new inspector", "20": "temperature of the wave"}
    cleaned = control_chart(ChartKind.C, subgroups(CIRCUITS, 100), excluded=causes)
    assert limits(cleaned) == pytest.approx((6.362532, 19.666667, 32.970801), abs=5e-7)


def test_a_baseline_without_sigma_z_says_so_where_it_is_missing() -> None:
    """A p chart leaves out how much hours differ; a p' or EWMA held against its baseline would alarm as it does."""
    hours = subgroups([2, 30, 4, 40, 1, 25, 3, 35], 1000)
    of_p = control_chart(ChartKind.P, hours).baseline
    of_prime = control_chart(ChartKind.P_PRIME, hours).baseline
    for kind in (ChartKind.P_PRIME, ChartKind.EWMA, ChartKind.CUSUM):
        assert any("does not estimate sigma_z" in note for note in control_chart(kind, hours, baseline=of_p).notes)
        assert control_chart(kind, hours, baseline=of_prime).notes == ()
    assert control_chart(ChartKind.P, hours, baseline=of_p).notes == ()


def test_a_baseline_stays_fixed_in_phase_two() -> None:
    """qcc's own test: limits of the first 26 boards without 6 and 20, held over all; its default rules find one run."""
    causes = {"6": "a new inspector", "20": "temperature of the wave"}
    first = control_chart(ChartKind.U, subgroups(CIRCUITS, 100), excluded=causes)
    everything = subgroups(CIRCUITS + CIRCUITS_AFTER, 100)
    rules = (BEYOND_LIMITS, EIGHT_ON_ONE_SIDE)
    second = control_chart(ChartKind.U, everything, baseline=first.baseline, excluded=causes, rules=rules)
    assert second.phase == "II"
    assert limits(second, 45) == pytest.approx((0.06362532, 0.19666667, 0.32970801), abs=5e-9)
    assert len(second.signals) == 1


def test_u_chart_of_computers() -> None:
    chart = control_chart(ChartKind.U, subgroups(COMPUTERS, 5))
    assert limits(chart) == pytest.approx((0.066133, 1.93, 3.793867), abs=5e-7)


def test_u_chart_of_shipments() -> None:
    chart = control_chart(ChartKind.U, subgroups(SHIPMENTS, 50))
    assert limits(chart) == pytest.approx((0.0, 0.074, 0.189412), abs=5e-7)


def test_u_chart_of_dyed_cloth_has_limits_of_each_length() -> None:
    chart = control_chart(ChartKind.U, sized(DYED_CLOTH))
    assert chart.parameters["centre"] == pytest.approx(1.423256, abs=5e-7)
    for place, (lower, upper) in enumerate([(0.291474, 2.555038), (0.157885, 2.688626), (0.430617, 2.415894)]):
        assert limits(chart, place)[::2] == pytest.approx((lower, upper), abs=5e-7)


@pytest.mark.parametrize(
    ("d2", "sigma_z", "lower", "upper"),
    [(1.128, 10.64042, 0.940130, 0.965670), (2 / math.sqrt(math.pi), 10.63684, 0.940134, 0.965665)],
    ids=["d2 of the tables", "d2 exact"],
)
def test_laneys_chart_of_accident_departments(d2: float, sigma_z: float, lower: float, upper: float) -> None:
    weeks = sized(list(zip(ACCIDENTS_SEEN, ACCIDENTS, strict=True)))
    chart = control_chart(ChartKind.P_PRIME, weeks, options=ChartOptions(d2=d2))
    assert chart.parameters["centre"] == pytest.approx(0.9528997, abs=5e-8)
    assert chart.parameters["sigma_z"] == pytest.approx(sigma_z, abs=1e-5)
    assert limits(chart)[::2] == pytest.approx((lower, upper), abs=6e-7)
    assert beyond(chart) == []
    assert len(beyond(control_chart(ChartKind.P, weeks))) == 16


def test_ewma_against_qcc() -> None:
    averages, deviations = exponential_averages([11, 13, 12], [2, 2, 2], centre=10, weight=0.5)
    assert averages.tolist() == pytest.approx([10.5, 11.75, 11.875], abs=1e-12)
    assert deviations.tolist() == pytest.approx([1.0, math.sqrt(1.25), math.sqrt(1.3125)], abs=1e-12)


def test_cusum_against_qcc() -> None:
    upper, lower = cumulative_sums([1.5, 0.5, 0.6, -1.5, -0.5, -0.8], slack=0.5)
    assert upper.tolist() == pytest.approx([1.0, 1.0, 1.1, 0.0, 0.0, 0.0], abs=1e-12)
    assert lower.tolist() == pytest.approx([0.0, 0.0, 0.0, -1.0, -1.0, -1.3], abs=1e-12)


def test_cusum_signals_strictly_beyond_its_limit() -> None:
    """As qcc: a sum on the limit is none. Rates at centre 0.5, size 100: one count is a fifth of a deviation."""
    baseline = Baseline(ChartKind.P, Measure.PROPORTION, 0.5, 1.0, 30, 3000.0)
    options = ChartOptions(limit=1.0, slack=0.5, has_over_dispersion=False)
    hours = subgroups([57, 50, 56, 38], 100)  # +1.4, 0, +1.2, -2.4 deviations
    chart = control_chart(ChartKind.CUSUM, hours, baseline=baseline, options=options)
    assert [point.value for point in chart.points] == pytest.approx([0.9, 0.4, 1.1, -1.9])
    assert [bool(point.rules) for point in chart.points] == [False, False, True, True]
    assert chart.points[3].sums == pytest.approx((0.0, -1.9))


def test_a_missing_hour_keeps_its_place_and_ends_no_run() -> None:
    """Eight rates above the centre with a gap in their midst are eight in a row."""
    baseline = Baseline(ChartKind.P, Measure.PROPORTION, 0.10, 1.0, 30, 6000.0)
    hours = [Subgroup(f"{hour}:00", 24, 200) for hour in range(4)]
    hours += [Subgroup("4:00", 0, 0)]
    hours += [Subgroup(f"{hour}:00", 24, 200) for hour in range(5, 9)]
    for kind in (ChartKind.P, ChartKind.EWMA, ChartKind.CUSUM):
        chart = control_chart(kind, hours, baseline=baseline)
        gap = chart.points[4]
        assert (gap.label, gap.value, gap.lower, gap.centre, gap.upper) == ("4:00", None, None, None, None)
        without = control_chart(kind, [hour for hour in hours if hour.size], baseline=baseline)
        assert [point for point in chart.points if point.value is not None] == list(without.points)
    in_a_row = control_chart(ChartKind.P, hours, baseline=baseline, rules=[EIGHT_ON_ONE_SIDE]).points
    assert [point.label for point in in_a_row if point.rules] == ["8:00"]


@pytest.mark.parametrize(
    "kind", [ChartKind.P, ChartKind.NP, ChartKind.P_PRIME, ChartKind.U, ChartKind.EWMA, ChartKind.CUSUM]
)
@pytest.mark.parametrize("count", [0, 40], ids=["nothing", "everything"])
def test_counting_nothing_or_everything_is_said_and_signals_nothing(kind: ChartKind, count: int) -> None:
    chart = control_chart(kind, subgroups([count] * 25, 40))
    assert chart.signals == ()
    assert chart.points[0].value in (count / 40, count, 0.0)
    if kind is not ChartKind.U or count == 0:
        assert any("centre line at" in note for note in chart.notes)


def test_any_defect_signals_against_a_baseline_of_none() -> None:
    """Defined, if harsh: the note of phase I says that such a baseline is none."""
    first = control_chart(ChartKind.P, subgroups([0] * 25, 40))
    for kind in (ChartKind.P, ChartKind.EWMA, ChartKind.CUSUM):
        second = control_chart(kind, subgroups([0, 1, 0, 0], 40), baseline=first.baseline)
        assert beyond(second)[0] == 2
        assert all(math.isfinite(point.value) for point in second.points if point.value is not None)


def test_one_subgroup_is_a_chart_of_one_point() -> None:
    chart = control_chart(ChartKind.P_PRIME, subgroups([7], 100))
    assert (chart.points[0].value, chart.points[0].centre, chart.signals) == (0.07, 0.07, ())
    assert chart.parameters["sigma_z"] == 1.0
    assert any("sigma_z" in note for note in chart.notes)
    assert any("provisional" in note for note in chart.notes)


def test_equal_rates_of_unequal_subgroups_do_not_collapse_the_limits() -> None:
    chart = control_chart(ChartKind.P_PRIME, sized([(7, 50), (14, 100), (21, 150), (70, 500)]))
    assert chart.parameters["sigma_z"] == 1.0
    assert chart.signals == ()


def test_an_excluded_subgroup_leaves_averages_and_sums_where_they_were() -> None:
    baseline = Baseline(ChartKind.P, Measure.PROPORTION, 0.1, 1.0, 30, 3000.0)
    hours = subgroups([12, 60, 13], 100)
    for kind in (ChartKind.EWMA, ChartKind.CUSUM):
        chart = control_chart(kind, hours, baseline=baseline, excluded={"2": "test parts on the line"})
        without = control_chart(kind, [hours[0], hours[2]], baseline=baseline)
        assert chart.points[1].value == chart.points[0].value
        assert chart.points[2].value == without.points[1].value
        assert chart.points[1].rules == ()


def test_the_default_is_laneys_chart_and_an_ewma_of_a_tenth() -> None:
    prime, average = default_charts(sized(PURCHASE_ORDERS))
    assert (prime.kind, average.kind) == (ChartKind.P_PRIME, ChartKind.EWMA)
    assert average.parameters["weight"] == 0.1
    assert prime.parameters["sigma_z"] == average.parameters["sigma_z"]
    per_unit, _ = default_charts(sized(DYED_CLOTH), options=ChartOptions(measure=Measure.PER_UNIT))
    assert per_unit.kind is ChartKind.U_PRIME


def test_a_baseline_goes_through_json_unchanged() -> None:
    baseline = control_chart(ChartKind.P_PRIME, sized(PURCHASE_ORDERS)).baseline
    assert Baseline.from_json(json.loads(json.dumps(baseline.as_json()))) == baseline


@pytest.mark.parametrize("change", [{"centre": "0.1"}, {"centre": True}, {"extra": 1}, {"sigma_z": None}], ids=str)
def test_a_baseline_of_other_fields_is_refused(change: dict[str, object]) -> None:
    document = Baseline(ChartKind.P, Measure.PROPORTION, 0.1, 1.0, 30, 3000.0).as_json()
    with pytest.raises(BaselineMismatch):
        Baseline.from_json({**document, **change})


@pytest.mark.parametrize(
    "change", [{"centre": 1.5}, {"centre": -0.1}, {"centre": math.nan}, {"sigma_z": 0.0}, {"kind": "pareto"}], ids=str
)
def test_a_baseline_of_no_chart_is_refused(change: dict[str, object]) -> None:
    document = Baseline(ChartKind.P, Measure.PROPORTION, 0.1, 1.0, 30, 3000.0).as_json()
    with pytest.raises(ValueError, match=r"expected|not a valid"):
        Baseline.from_json({**document, **change})


def test_a_baseline_of_another_measure_is_refused() -> None:
    per_unit = control_chart(ChartKind.U, subgroups(COMPUTERS, 5)).baseline
    with pytest.raises(BaselineMismatch, match="per-unit"):
        control_chart(ChartKind.P, subgroups([1], 10), baseline=per_unit)


@pytest.mark.parametrize(
    ("count", "size", "error"),
    [
        (-1, 10.0, ValueError),
        (1.5, 10.0, TypeError),
        (True, 10.0, TypeError),
        (1, -1.0, ValueError),
        (1, math.nan, ValueError),
        (1, math.inf, ValueError),
        (1, 0.0, ValueError),
    ],
    ids=str,
)
def test_a_subgroup_that_cannot_be_is_refused(count: int, size: float, error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        Subgroup("6 am", count, size)


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ([Subgroup("a", 11, 10)], "no more defective"),
        ([Subgroup("a", 1, 10.5)], "whole number"),
        ([Subgroup("a", 1, 10), Subgroup("a", 1, 10)], "more than once"),
    ],
    ids=["more defective than parts", "half a part", "a label twice"],
)
def test_impossible_sequences_are_refused(hours: list[Subgroup], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        control_chart(ChartKind.P, hours)


def test_a_c_chart_refuses_unequal_sizes_and_names_the_u_chart() -> None:
    with pytest.raises(UnequalSizes, match="u chart"):
        control_chart(ChartKind.C, sized(DYED_CLOTH))


@pytest.mark.parametrize(
    "hours", [[], [Subgroup("a", 0, 0)], [Subgroup("b", 1, 10)]], ids=["none", "empty", "excluded"]
)
def test_nothing_to_chart_is_refused_in_phase_one_and_drawn_in_phase_two(hours: list[Subgroup]) -> None:
    excluded = {"b": "a trial"} if hours and hours[0].label == "b" else {}
    with pytest.raises(NothingToChart, match="baseline"):
        control_chart(ChartKind.P_PRIME, hours, excluded=excluded)
    baseline = Baseline(ChartKind.P, Measure.PROPORTION, 0.1, 1.0, 30, 3000.0)
    for kind in (ChartKind.P_PRIME, ChartKind.EWMA, ChartKind.CUSUM, ChartKind.NP):
        chart = control_chart(kind, hours, baseline=baseline, excluded=excluded)
        assert len(chart.points) == len(hours)
        assert chart.signals == ()


def test_an_exclusion_needs_a_subgroup_and_a_reason() -> None:
    with pytest.raises(UnknownExclusion, match="9 am"):
        control_chart(ChartKind.P, subgroups([1, 2], 10), excluded={"9 am": "lamp"})
    with pytest.raises(ValueError, match="without a reason"):
        control_chart(ChartKind.P, subgroups([1, 2], 10), excluded={"1": " "})


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0.0},
        {"weight": 0.0},
        {"weight": 1.1},
        {"limit": -1.0},
        {"head_start": 9.0},
        {"tail": 0.5},
        {"order": 0},
    ],
    ids=str,
)
def test_options_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        ChartOptions(**wrong)  # type: ignore[arg-type]  # one table for options of several types


HOURS = st.lists(st.integers(1, 400).flatmap(lambda size: st.tuples(st.integers(0, size), st.just(size))), min_size=1)


@given(HOURS, st.sampled_from([ChartKind.P, ChartKind.NP, ChartKind.P_PRIME, ChartKind.EWMA]))
def test_limits_hold_the_centre_and_never_leave_what_a_rate_can_be(
    pairs: list[tuple[int, int]], kind: ChartKind
) -> None:
    chart = control_chart(kind, sized(pairs))
    for point, (_, size) in zip(chart.points, pairs, strict=True):
        assert point.value is not None
        assert point.lower is not None
        assert point.centre is not None
        assert point.upper is not None
        highest = size if kind is ChartKind.NP else 1
        assert -1e-12 <= point.lower <= point.centre + 1e-12
        assert point.centre - 1e-12 <= point.upper <= highest + 1e-9


@given(HOURS)
def test_parts_counted_the_other_way_give_the_mirrored_chart(pairs: list[tuple[int, int]]) -> None:
    """Good parts instead of defective ones: the same points are out."""
    defective = control_chart(ChartKind.P, sized(pairs))
    good = control_chart(ChartKind.P, sized([(size - count, size) for count, size in pairs]))
    for one, other in zip(defective.points, good.points, strict=True):
        assert one.value == pytest.approx(1 - other.value if other.value is not None else None, abs=1e-12)
        assert one.upper == pytest.approx(1 - other.lower if other.lower is not None else None, abs=1e-12)
