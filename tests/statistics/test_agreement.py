"""Attribute agreement: kappas against published examples, intervals that know repeats, and what is refused."""

from collections.abc import Sequence

import numpy as np
import pytest

from lineside.statistics.agreement import (
    FALSE_ALARM_RATE,
    KAPPA,
    MISS_RATE,
    Appraisal,
    Band,
    Call,
    ConflictingCalls,
    IncompleteStudy,
    analyse_agreement,
    clustered_cohen_kappa,
    cohen_kappa,
    fleiss_kappa,
    plan_agreement,
    share_of_calls,
    worst,
)

FLEISS_EXAMPLE = (
    (0, 0, 0, 0, 14),
    (0, 2, 6, 4, 2),
    (0, 0, 3, 5, 6),
    (0, 3, 9, 2, 0),
    (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0),
    (3, 2, 6, 3, 0),
    (2, 5, 3, 2, 2),
    (6, 5, 2, 1, 0),
    (0, 2, 2, 3, 7),
)
"""Fourteen raters, ten subjects, five categories: the worked example of Wikipedia's article "Fleiss' kappa" and of
G. Cardillo's `fleiss` for MATLAB (2007). Both give 0.210."""


def test_cohens_kappa_gives_the_reference_figure() -> None:
    """Appraisers A and B of the AIAG manual's study: 0.8629, also by statsmodels."""
    kappa = cohen_kappa([[44, 6], [3, 97]])
    assert kappa.value == pytest.approx(0.8629, abs=5e-5)
    assert kappa.agreement == pytest.approx(0.94)
    assert kappa.units == 150


def test_cohens_interval_is_near_the_asymptotic_one_where_calls_are_many() -> None:
    """Standard error after Fleiss, Cohen and Everitt (1969), written out for this table."""
    table = np.asarray([[440, 60], [30, 970]])
    shares = table / table.sum()
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    agreement, expected = float(np.trace(shares)), float(rows @ columns)
    value = (agreement - expected) / (1 - expected)
    diagonal = sum(shares[i, i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in range(2))
    others = (1 - value) ** 2 * sum(
        shares[i, j] * (columns[i] + rows[j]) ** 2 for i in range(2) for j in range(2) if i != j
    )
    middle = (value - expected * (1 - value)) ** 2
    error = float(np.sqrt((diagonal + others - middle) / table.sum())) / (1 - expected)
    kappa = cohen_kappa(table.tolist())
    factor = float(np.exp(1.96 * error / (1 - value)))
    assert kappa.lower == pytest.approx(1 - (1 - value) * factor, abs=5e-4)
    assert kappa.upper == pytest.approx(1 - (1 - value) / factor, abs=5e-4)


@pytest.mark.parametrize(
    ("parts", "trials"), [pytest.param(50, 1, id="called once"), pytest.param(20, 3, id="few parts, three trials")]
)
def test_kappas_interval_holds_the_true_kappa_near_one(parts: int, trials: int) -> None:
    """Nine calls of ten are right, half of the parts defective: kappa is 0.8. Around kappa itself 88 and 94 % held."""
    rng = np.random.default_rng(9)
    is_defective = np.arange(parts) < parts // 2
    held = []
    for right in rng.binomial(trials, 0.9, (400, parts)).tolist():
        tables = [
            [[trials - k, k], [0, 0]][::-1] if defective else [[k, trials - k], [0, 0]]
            for k, defective in zip(right, is_defective, strict=True)
        ]
        kappa = clustered_cohen_kappa(tables)
        held.append(kappa.lower <= 0.8 <= kappa.upper)
    assert np.mean(held) > 0.93


def test_fleiss_kappa_gives_the_published_figure() -> None:
    kappa = fleiss_kappa(FLEISS_EXAMPLE)
    assert kappa.value == pytest.approx(0.210, abs=5e-4)
    assert kappa.agreement == pytest.approx(0.378, abs=5e-4)
    assert kappa.expected == pytest.approx(0.213, abs=5e-4)


def test_fleiss_kappa_of_two_calls_is_scotts_pi() -> None:
    """W. A. Scott (1955): chance agreement from the calls of both together."""
    pairs = [(0, 0)] * 8 + [(0, 1)] * 3 + [(1, 0)] * 2 + [(1, 1)] * 7
    counts = [[pair.count(0), pair.count(1)] for pair in pairs]
    ones = sum(sum(pair) for pair in pairs) / 40
    expected = ones**2 + (1 - ones) ** 2
    assert fleiss_kappa(counts).value == pytest.approx((15 / 20 - expected) / (1 - expected))


def test_perfect_agreement_is_not_certain() -> None:
    """30 parts without a disagreement: at most 11.6 % may show one (exact, two-sided 95 %), against 50 % by chance."""
    kappa = cohen_kappa([[15, 0], [0, 15]])
    assert (kappa.value, kappa.upper) == (1.0, 1.0)
    assert kappa.lower == pytest.approx(1 - 0.1157 / 0.5, abs=5e-4)


def test_where_all_calls_are_alike_there_is_no_kappa() -> None:
    kappa = cohen_kappa([[30, 0], [0, 0]])
    assert (kappa.value, kappa.lower, kappa.upper) == (None, -1.0, 1.0)


def test_repeating_every_call_makes_kappa_no_surer() -> None:
    once = [[[1, 0], [0, 0]]] * 20 + [[[0, 1], [0, 0]]] * 3 + [[[0, 0], [0, 1]]] * 17
    thrice = [[[3 * count for count in row] for row in table] for table in once]
    one, three = clustered_cohen_kappa(once), clustered_cohen_kappa(thrice)
    assert (three.value, three.lower, three.upper) == pytest.approx((one.value, one.lower, one.upper))


def test_repeating_every_call_makes_a_share_no_surer() -> None:
    once = share_of_calls([1] * 4 + [0] * 36, 1)
    thrice = share_of_calls([3] * 4 + [0] * 36, 3)
    assert thrice.estimate == once.estimate
    assert thrice.lower <= once.lower * 1.001
    assert thrice.upper >= once.upper * 0.999


def test_independent_repeats_make_a_share_surer() -> None:
    spread = share_of_calls([1] * 12 + [0] * 28, 3)
    clustered = share_of_calls([3] * 4 + [0] * 36, 3)
    assert spread.estimate == clustered.estimate
    assert spread.upper - spread.lower < clustered.upper - clustered.lower


def test_no_event_is_bounded_by_the_parts_not_the_calls() -> None:
    assert share_of_calls([0] * 59, 3, confidence=0.9).upper == pytest.approx(0.0495, abs=5e-5)


def test_no_call_leaves_everything_open() -> None:
    share = share_of_calls([], 3)
    assert (share.estimate, share.lower, share.upper) == (None, 0.0, 1.0)


def test_shares_of_parts_of_unlike_difficulty_are_covered() -> None:
    """400 studies, 40 parts, 3 trials; a third of the parts is missed half of the time: a true rate of 1/6.

    At a true coverage of 95 %, fewer than 365 come once in a thousand.
    """
    generator = np.random.default_rng(5)
    covered = 0
    for _ in range(400):
        chances = np.where(generator.random(40) < 1 / 3, 0.5, 0.0)
        share = share_of_calls([int(count) for count in generator.binomial(3, chances)], 3)
        covered += share.lower <= 1 / 6 <= share.upper
    assert covered >= 365


def study(calls: Sequence[tuple[str, str]], *, trials: int = 1) -> list[Appraisal]:
    """Calls given as appraiser and one letter per part and trial: o for OK, n for NG."""
    return [
        Appraisal(name, f"P{index // trials}", index % trials + 1, Call.OK if letter == "o" else Call.NG)
        for name, letters in calls
        for index, letter in enumerate(letters)
    ]


REFERENCE = {f"P{index}": call for index, call in enumerate((Call.OK, Call.OK, Call.OK, Call.NG, Call.NG, Call.NG))}


def test_every_figure_of_an_appraiser_counts_what_it_says() -> None:
    """Two trials of six parts: `aoi-1` misses P3 once and P4 twice, and calls P0 once."""
    result = analyse_agreement(
        study(
            [("aoi-1", "no oo oo on oo nn".replace(" ", "")), ("kim", "oo oo oo nn nn nn".replace(" ", ""))], trials=2
        ),
        REFERENCE,
        detector="aoi-1",
    )
    detector, kim = result.appraisers
    assert (detector.is_detector, kim.is_detector) == (True, False)
    assert (detector.miss_rate.events, detector.miss_rate.calls, detector.miss_rate.parts) == (3, 6, 3)
    assert (detector.false_alarm_rate.events, detector.false_alarm_rate.calls) == (1, 6)
    assert (detector.effectiveness.events, detector.effectiveness.calls) == (3, 6)
    assert detector.repeatability is not None
    assert (detector.repeatability.events, detector.repeatability.calls) == (4, 6)
    assert (kim.effectiveness.estimate, kim.against_reference.value) == (1.0, 1.0)
    assert (result.all_agree.events, result.all_right.events) == (3, 3)
    assert (result.parts, result.defective, result.trials) == (6, 3, 2)
    # against the reference, 12 calls: 5 OK as OK, 1 OK as NG, 3 NG as OK, 3 NG as NG
    assert detector.against_reference.value == pytest.approx(cohen_kappa([[5, 1], [3, 3]]).value)
    assert result.pairs[0].kappa.value == pytest.approx(cohen_kappa([[5, 3], [1, 3]]).value)
    assert result.detector_against_people is not None
    assert result.detector_against_people.value == pytest.approx(result.pairs[0].kappa.value)


def test_one_trial_says_nothing_of_repeatability() -> None:
    result = analyse_agreement(study([("kim", "ooonnn")]), REFERENCE)
    assert (result.appraisers[0].repeatability, result.appraisers[0].within, result.between) == (None, None, None)
    assert any("repeatability" in note for note in result.notes)


def test_a_study_of_good_parts_says_nothing_of_misses() -> None:
    result = analyse_agreement(study([("kim", "ooooon")]), dict.fromkeys(REFERENCE, Call.OK))
    assert (result.appraisers[0].miss_rate.estimate, result.appraisers[0].miss_rate.upper) == (None, 1.0)
    assert any("misses" in note for note in result.notes)


def test_a_missing_call_is_named() -> None:
    with pytest.raises(IncompleteStudy, match="kim has no call of part P5 in trial 1"):
        analyse_agreement(study([("kim", "ooonn")]), REFERENCE)


def test_a_part_without_reference_is_named() -> None:
    with pytest.raises(IncompleteStudy, match="part P6 was called and has no reference"):
        analyse_agreement(study([("kim", "ooonnno")]), REFERENCE)


def test_two_calls_for_one_are_refused() -> None:
    calls = study([("kim", "ooonnn")])
    with pytest.raises(ConflictingCalls, match="kim called part P0 in trial 1 twice"):
        analyse_agreement([*calls, calls[0]], REFERENCE)


def test_a_detector_that_called_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="'aoi-2' made no call"):
        analyse_agreement(study([("kim", "ooonnn")]), REFERENCE, detector="aoi-2")


@pytest.mark.parametrize(
    ("table", "error"),
    [
        pytest.param([[1, 2, 3], [4, 5, 6]], ValueError, id="not square"),
        pytest.param([[1]], ValueError, id="one category"),
        pytest.param([[1, -2], [3, 4]], ValueError, id="negative"),
        pytest.param([[0, 0], [0, 0]], ValueError, id="nothing"),
        pytest.param([[1.5, 2.0], [3.0, 4.0]], TypeError, id="no counts"),
    ],
)
def test_what_is_no_table_is_refused(table: list[list[int]], error: type[Exception]) -> None:
    with pytest.raises(error, match="expected"):
        cohen_kappa(table)


def test_units_with_different_numbers_of_calls_are_refused() -> None:
    with pytest.raises(ValueError, match="2 to 3 calls"):
        fleiss_kappa([[1, 1], [2, 1]])


def test_bands_hold_their_borders_and_judge_the_bad_end_of_an_interval() -> None:
    assert [KAPPA.of(value) for value in (0.9, 0.89, 0.7, 0.69)] == [
        Band.GOOD,
        Band.MARGINAL,
        Band.MARGINAL,
        Band.UNACCEPTABLE,
    ]
    assert [MISS_RATE.of(value) for value in (0.02, 0.021, 0.051)] == [Band.GOOD, Band.MARGINAL, Band.UNACCEPTABLE]
    assert KAPPA.worst_of(0.65, 0.95) is Band.UNACCEPTABLE
    assert FALSE_ALARM_RATE.worst_of(0.01, 0.08) is Band.MARGINAL
    assert worst([Band.GOOD, Band.MARGINAL]) is Band.MARGINAL


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"miss_rate": 1e-9}, id="a miss rate that takes a thousand million parts"),
        pytest.param({"miss_rate": 0.05, "defective_share": 1e-12}, id="one defective part in a million million"),
    ],
)
def test_a_study_of_more_parts_than_anybody_collects_is_refused(asked: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected a study of at most 100000 parts"):
        plan_agreement(**asked)  # type: ignore[arg-type]  # each of them a float
    with pytest.raises(ValueError, match="100001 parts"):
        plan_agreement(100_001)
