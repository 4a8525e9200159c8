"""Probability of detection: the curve, its a90/95, and when there is none."""

import math

import numpy as np
import pytest

from lineside.statistics.pod import (
    Fit,
    NoOverlap,
    PodEstimate,
    ProductionSizes,
    ProductionUse,
    SeveralTargetsPerPart,
    SizeDesign,
    SizeDoesNotHelp,
    Target,
    TooFewTargets,
    estimate_pod,
)

SIZES = (0.1, 0.12, 0.15, 0.18, 0.2, 0.22, 0.25, 0.28, 0.3, 0.32, 0.35, 0.38, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.8)
HITS = (0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1)


def targets_of(sizes: tuple[float, ...], hits: tuple[int, ...]) -> list[Target]:
    pairs = zip(sizes, hits, strict=True)
    return [Target(f"P-{number:03}", size, bool(hit)) for number, (size, hit) in enumerate(pairs)]


def drawn(targets: int, seed: int, *, intercept: float = 3.0, slope: float = 1.8) -> list[Target]:
    """Targets of log-uniform sizes from a true curve; its a90 is exp((ln 9 - intercept) / slope) = 0.640."""
    generator = np.random.default_rng(seed)
    sizes = np.exp(generator.uniform(math.log(0.04), math.log(1.5), targets))
    chances = 1 / (1 + np.exp(-intercept - slope * np.log(sizes)))
    hits = generator.random(targets) < chances
    return targets_of(tuple(float(size) for size in sizes), tuple(int(hit) for hit in hits))


def estimated(targets: list[Target], *, fit: Fit = Fit.FIRTH, least_targets: int = 60) -> PodEstimate:
    return estimate_pod(
        targets, design=SizeDesign.DESIGNED, defect_free=100, false_calls=2, fit=fit, least_targets=least_targets
    )


def test_maximum_likelihood_gives_the_reference_figures() -> None:
    """Reference: the project's own case; coefficients and likelihood agree with statsmodels' GLM to 1e-4."""
    estimate = estimated(targets_of(SIZES, HITS), fit=Fit.ML, least_targets=20)
    assert estimate.intercept == pytest.approx(5.9357, abs=5e-5)
    assert estimate.slope == pytest.approx(4.2410, abs=5e-5)
    assert estimate.log_likelihood == pytest.approx(-7.058739, abs=5e-7)
    assert estimate.size_found == pytest.approx(0.41417, abs=1e-5)
    assert estimate.size_bound == pytest.approx(0.7934, abs=5e-5)


def test_the_penalised_fit_maximises_the_penalised_likelihood() -> None:
    """Checked against a plain search over a grid of lines around the fit: no line does better."""
    logs, hits = np.log(SIZES), np.asarray(HITS)

    def value(intercept: float, slope: float) -> float:
        odds = intercept + slope * logs
        chances = 1 / (1 + np.exp(-odds))
        design = np.column_stack((np.ones_like(logs), logs))
        information = design.T @ ((chances * (1 - chances))[:, np.newaxis] * design)
        likelihood = np.sum(hits * odds - np.log1p(np.exp(odds)))
        return float(likelihood + 0.5 * np.log(np.linalg.det(information)))

    estimate = estimated(targets_of(SIZES, HITS), least_targets=20)
    best = value(estimate.intercept, estimate.slope)
    around = [
        value(estimate.intercept + right, estimate.slope + up)
        for right in np.linspace(-0.5, 0.5, 21)
        for up in np.linspace(-0.5, 0.5, 21)
    ]
    assert max(around) <= best + 1e-9


def test_the_figures_do_not_depend_on_the_unit_of_size() -> None:
    targets = drawn(80, 3)
    millimetres = estimated(targets)
    micrometres = estimated([Target(each.part_id, each.size * 1000, each.is_hit) for each in targets])
    assert millimetres.size_bound is not None
    assert micrometres.size_bound == pytest.approx(1000 * millimetres.size_bound, rel=1e-6)
    assert micrometres.size_found == pytest.approx(1000 * millimetres.size_found, rel=1e-6)


def test_the_lower_edge_of_the_band_reaches_the_probability_at_the_bound() -> None:
    estimate = estimated(drawn(120, 5))
    assert estimate.size_bound is not None
    sizes = [point.size for point in estimate.curve]
    at_bound = np.interp(math.log(estimate.size_bound), np.log(sizes), [point.lower for point in estimate.curve])
    assert at_bound == pytest.approx(0.9, abs=2e-3)  # 61 points, straight lines between them
    assert all(point.lower <= point.pod <= point.upper for point in estimate.curve)


def test_the_bound_covers_the_true_size_as_often_as_it_says() -> None:
    """200 studies of 60 targets. At a true coverage of 95 %, fewer than 180 come once in a thousand."""
    true_size = math.exp((math.log(9) - 3.0) / 1.8)
    covered = 0
    for seed in range(200):
        estimate = estimate_pod(
            drawn(60, seed), design=SizeDesign.DESIGNED, defect_free=0, false_calls=0, curve_points=0
        )
        covered += estimate.size_bound is None or estimate.size_bound >= true_size
    assert covered >= 180


def test_false_calls_stand_beside_it_with_their_interval() -> None:
    calls = estimated(drawn(80, 3)).false_calls
    assert (calls.events, calls.units) == (2, 100)
    assert calls.lower == pytest.approx(0.0024, abs=5e-5)
    assert calls.upper == pytest.approx(0.0704, abs=5e-5)


def test_a_study_without_defect_free_parts_says_that_false_calls_are_unknown() -> None:
    estimate = estimate_pod(drawn(80, 3), design=SizeDesign.DESIGNED, defect_free=0, false_calls=0)
    assert (estimate.false_calls.lower, estimate.false_calls.upper) == (0.0, 1.0)
    assert any("no defect-free part" in note for note in estimate.notes)


def test_production_sizes_are_refused() -> None:
    with pytest.raises(ProductionSizes, match="expected a designed set"):
        estimate_pod(drawn(80, 3), design=SizeDesign.PRODUCTION, defect_free=10, false_calls=0)


def test_production_sizes_on_demand_are_marked_as_indicative() -> None:
    estimate = estimate_pod(
        drawn(80, 3),
        design=SizeDesign.PRODUCTION,
        production=ProductionUse.INDICATIVE,
        defect_free=10,
        false_calls=0,
    )
    assert estimate.is_indicative
    assert estimate.notes[0].startswith("INDICATIVE ONLY")


def test_fewer_than_sixty_targets_are_refused_with_what_is_missing() -> None:
    with pytest.raises(TooFewTargets, match="add 1") as refused:
        estimated(drawn(59, 3))
    assert (refused.value.needed, refused.value.found) == (60, 59)


def test_two_targets_on_one_part_are_refused() -> None:
    targets = drawn(80, 3)
    with pytest.raises(SeveralTargetsPerPart, match="P-000"):
        estimated([*targets, Target("P-000", 0.3, is_hit=True)])


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        pytest.param((1,) * 60, "all 60 targets were found", id="only hits"),
        pytest.param((0,) * 60, "all 60 targets were missed", id="only misses"),
        pytest.param((0,) * 30 + (1,) * 30, "every hit is at least 0.4", id="separated"),
    ],
)
def test_without_overlap_of_hits_and_misses_there_is_no_curve(hits: tuple[int, ...], message: str) -> None:
    sizes = tuple(0.1 + 0.01 * number for number in range(60))
    with pytest.raises(NoOverlap, match=message):
        estimated(targets_of(sizes, hits))


def test_a_curve_that_falls_with_size_is_refused() -> None:
    with pytest.raises(SizeDoesNotHelp, match="expected more than 0"):
        estimated([Target(each.part_id, 1 / each.size, each.is_hit) for each in drawn(80, 3)])


def test_all_targets_of_one_size_are_refused() -> None:
    with pytest.raises((SizeDoesNotHelp, NoOverlap)):
        estimated(targets_of((0.3,) * 60, (0, 1) * 30))


def test_where_size_hardly_matters_there_is_an_estimate_and_no_bound() -> None:
    estimate = estimated(drawn(60, 7, intercept=0.9, slope=0.25))
    assert estimate.size_bound is None
    assert estimate.is_extrapolated
    assert any("no size can be named" in note for note in estimate.notes)


@pytest.mark.parametrize("size", [0.0, -0.1, math.nan, math.inf])
def test_a_size_that_is_none_is_refused(size: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        Target("P-1", size, is_hit=True)


@pytest.mark.parametrize(("defect_free", "false_calls"), [(-1, 0), (10, 11)])
def test_impossible_counts_are_refused(defect_free: int, false_calls: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        estimate_pod(drawn(80, 3), design=SizeDesign.DESIGNED, defect_free=defect_free, false_calls=false_calls)
