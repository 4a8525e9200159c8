"""Gauge R&R by analysis of variance: the AIAG manual's study, intervals that cover, and what is refused."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lineside.statistics.gauge import GRR_SHARE, GaugeRefused, GaugeStudy, analyse_gauge

MANUAL = (
    (
        (0.29, -0.56, 1.34, 0.47, -0.80, 0.02, 0.59, -0.31, 2.26, -1.36),
        (0.41, -0.68, 1.17, 0.50, -0.92, -0.11, 0.75, -0.20, 1.99, -1.25),
        (0.64, -0.58, 1.27, 0.64, -0.84, -0.21, 0.66, -0.17, 2.01, -1.31),
    ),
    (
        (0.08, -0.47, 1.19, 0.01, -0.56, -0.20, 0.47, -0.63, 1.80, -1.68),
        (0.25, -1.22, 0.94, 1.03, -1.20, 0.22, 0.55, 0.08, 2.12, -1.62),
        (0.07, -0.68, 1.34, 0.20, -1.28, 0.06, 0.83, -0.34, 2.19, -1.50),
    ),
    (
        (0.04, -1.38, 0.88, 0.14, -1.46, -0.29, 0.02, -0.46, 1.77, -1.49),
        (-0.11, -1.13, 1.09, 0.20, -1.07, -0.67, 0.01, -0.56, 1.45, -1.77),
        (-0.15, -0.96, 0.67, 0.11, -1.45, -0.49, 0.21, -0.49, 1.87, -2.16),
    ),
)
"""By appraiser, trial, part: the study of the Automotive Industry Action Group's manual, "Measurement Systems
Analysis", which Minitab ships as GAGEAIAG. The tests' figures are those of both publications."""


def by_part(study: NDArray[np.float64] | tuple[tuple[tuple[float, ...], ...], ...]) -> list[list[list[float]]]:
    """By appraiser, part, trial."""
    sizes: list[list[list[float]]] = np.swapaxes(np.asarray(study), 1, 2).tolist()
    return sizes


def drawn(seed: int, *, parts: int = 10, appraisers: int = 6, trials: int = 3) -> list[list[list[float]]]:
    """Standard deviations: parts 1, appraisers 0.2, interaction 0.15, repeating 0.2."""
    generator = np.random.default_rng(seed)
    sizes = (
        generator.normal(0, 1, (1, parts, 1))
        + generator.normal(0, 0.2, (appraisers, 1, 1))
        + generator.normal(0, 0.15, (appraisers, parts, 1))
        + generator.normal(0, 0.2, (appraisers, parts, trials))
    )
    measured: list[list[list[float]]] = sizes.tolist()
    return measured


def test_the_table_of_variance_is_the_manuals() -> None:
    study = analyse_gauge(by_part(MANUAL), pool_above=1.0)
    assert study.appraiser_squares is not None
    assert study.interaction_squares is not None
    rows = (study.appraiser_squares, study.part_squares, study.interaction_squares, study.repeat_squares)
    sums = [3.1673, 88.3619, 0.3590, 2.7589]
    assert [row.sum_of_squares for row in rows] == pytest.approx(sums, abs=5e-5)
    assert [row.degrees for row in rows] == [2, 9, 18, 60]
    ratios = [study.part_squares.f_ratio, study.appraiser_squares.f_ratio, study.interaction_squares.f_ratio]
    assert ratios == pytest.approx([492.291, 79.406, 0.434], abs=5e-4)
    assert study.interaction_squares.p_value == pytest.approx(0.974, abs=5e-4)


def test_the_components_with_the_small_interaction_pooled_are_the_manuals() -> None:
    study = analyse_gauge(by_part(MANUAL), tolerance=8.0)
    assert study.is_interaction_pooled
    assert study.appraiser_squares is not None
    assert study.reproducibility is not None
    assert study.part_squares.f_ratio == pytest.approx(245.614, abs=5e-4)
    assert study.appraiser_squares.f_ratio == pytest.approx(39.617, abs=5e-4)
    variances = [each.variance for each in (study.gauge, study.repeatability, study.reproducibility, study.part)]
    assert variances == pytest.approx([0.09143, 0.03997, 0.05146, 1.08645], abs=5e-6)
    deviations = [each.standard_deviation for each in (study.repeatability, study.reproducibility, study.gauge)]
    assert deviations == pytest.approx([0.199933, 0.226838, 0.302373], abs=2e-6)
    assert study.total.standard_deviation == pytest.approx(1.08530, abs=5e-6)
    assert study.share_of_study.estimate == pytest.approx(0.2786, abs=5e-5)
    assert study.gauge.share_of_variance == pytest.approx(0.0776, abs=5e-5)
    assert study.share_of_tolerance is not None
    assert study.share_of_tolerance.estimate == pytest.approx(6 * 0.302373 / 8, abs=1e-5)
    assert study.distinct_categories == 4
    assert GRR_SHARE.of(study.share_of_study.estimate).value == "marginal"


def test_a_component_below_zero_counts_as_zero_and_says_so() -> None:
    study = analyse_gauge(by_part(MANUAL), pool_above=1.0)
    assert study.interaction is not None
    assert study.interaction.variance == 0.0
    assert study.interaction.unbounded_variance == pytest.approx((0.019943 - 0.045982) / 3, abs=1e-6)
    assert any(note.startswith("the interaction variance came out as -0.00868") for note in study.notes)


def test_repeatability_has_its_exact_interval() -> None:
    """MSE times its degrees of freedom over chi-square's 0.975 and 0.025 quantiles, 83.298 and 40.482 for 60."""
    study = analyse_gauge(by_part(MANUAL), pool_above=1.0)
    assert study.repeatability.lower == pytest.approx(2.758933 / 83.298, rel=0.01)
    assert study.repeatability.upper == pytest.approx(2.758933 / 40.482, rel=0.01)


def test_intervals_cover_the_truth() -> None:
    """150 studies. At a true coverage of 95 %, fewer than 133 of them come once in a thousand."""
    gauge = 0.2**2 + 0.15**2 + 0.2**2
    truths = {"gauge": gauge, "part": 1.0, "share": math.sqrt(gauge / (gauge + 1.0))}
    covered = dict.fromkeys(truths, 0)
    for seed in range(150):
        study = analyse_gauge(drawn(seed), pool_above=1.0, seed=seed)
        covered["gauge"] += study.gauge.lower <= truths["gauge"] <= study.gauge.upper
        covered["part"] += study.part.lower <= truths["part"] <= study.part.upper
        share = study.share_of_study
        covered["share"] += share.lower <= truths["share"] <= share.upper
    assert min(covered.values()) >= 133, covered


def test_the_same_study_gives_the_same_figures() -> None:
    assert analyse_gauge(drawn(1)) == analyse_gauge(drawn(1))


def test_shares_do_not_depend_on_the_unit() -> None:
    def shares(study: GaugeStudy) -> tuple[float, float, float]:
        return (study.share_of_study.estimate, study.share_of_study.lower, study.share_of_study.upper)

    thousandfold = [[[1000 * size for size in repeats] for repeats in rows] for rows in drawn(1)]
    assert shares(analyse_gauge(thousandfold)) == pytest.approx(shares(analyse_gauge(drawn(1))))


def test_one_appraiser_shows_repeatability_alone() -> None:
    study = analyse_gauge(drawn(1, appraisers=1))
    assert (study.appraiser, study.reproducibility, study.interaction, study.is_interaction_pooled) == (
        None,
        None,
        None,
        False,
    )
    assert study.gauge == study.repeatability
    assert any("nothing is known of reproducibility" in note for note in study.notes)


def test_a_gauge_without_any_spread_has_no_count_of_categories() -> None:
    study = analyse_gauge([[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]] * 2)
    assert study.distinct_categories is None
    assert (study.gauge.variance, study.share_of_study.estimate) == (0.0, 0.0)
    assert study.part.variance == pytest.approx(1.0)


def test_measurements_that_repeat_exactly_leave_no_rounding_behind() -> None:
    study = analyse_gauge([[[size] * 3 for size in (0.1, 0.23, 0.37, 0.71, 0.92)]] * 3)
    assert (study.gauge.variance, study.distinct_categories) == (0.0, None)


@pytest.mark.parametrize(
    ("measurements", "message"),
    [
        pytest.param([], "0 appraisers", id="nothing"),
        pytest.param([[[1.0, 2.0]]], "1 parts", id="one part"),
        pytest.param([[[1.0], [2.0]]], "1 trials", id="no repeats"),
        pytest.param([[[1.0, 2.0], [3.0]]], "appraiser 1 did not measure", id="a missing repeat"),
        pytest.param([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]]], "appraiser 2 did not measure", id="a missing part"),
        pytest.param([[[1.0, 1.0], [1.0, 1.0]]], "all measurements are the same", id="all the same"),
        pytest.param([[[0.1] * 3] * 10] * 3, "all measurements are the same", id="all a size that is rounded"),
    ],
)
def test_what_carries_no_study_is_refused(measurements: list[list[list[float]]], message: str) -> None:
    with pytest.raises(GaugeRefused, match=message):
        analyse_gauge(measurements)


@pytest.mark.parametrize("size", [math.nan, math.inf])
def test_a_measurement_that_is_no_number_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        analyse_gauge([[[1.0, size], [2.0, 3.0]]])


@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        analyse_gauge(drawn(1), tolerance=tolerance)
