import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, gammaln  # type: ignore[import-untyped]  # scipy ships no types
from scipy.stats import betabinom, hypergeom  # type: ignore[import-untyped]  # as above

from lineside.statistics import clopper_pearson, exact_upper_bound
from lineside.statistics.rates import (
    FlaggedStratum,
    KnownReads,
    PassedStratum,
    RateCounts,
    ReviewerReads,
    estimate_rate,
    seeded_recall,
)

GOLDEN = KnownReads(hits=180, misses=20)
REVIEWERS = ReviewerReads(defective_right=196, defective_wrong=4, good_right=980, good_wrong=20)


def census(parts: int, confirmed: int) -> FlaggedStratum:
    return FlaggedStratum(parts, 1.0, parts, parts, confirmed)


def audited(parts: int, read: int, escapes: int) -> PassedStratum:
    return PassedStratum(parts, max(read, 1) / max(parts, 1), read, read, escapes)


def brute_force(passed: int, read: int, found: int, confirmed: int, golden: KnownReads | None) -> np.ndarray:  # type: ignore[type-arg]  # of floats
    """The posterior of the escapes written down as the definition says, every count, with scipy's hypergeometric."""
    j = np.arange(passed + 1)
    r = confirmed + 0.5

    def prior(a: float, b: float) -> np.ndarray:  # type: ignore[type-arg]  # as above
        log = gammaln(r + j) - gammaln(j + 1) - gammaln(r) + betaln(a + r, b + j) - betaln(a, b)
        return np.asarray(np.exp(log))

    belief = prior(1, 1)
    if golden is not None:
        belief = (belief + prior(golden.hits + 0.5, golden.misses + 0.5)) / 2
    mass = belief * hypergeom.pmf(found, passed, j, read)
    return np.asarray(mass / mass.sum())


@pytest.mark.parametrize(
    ("flagged", "confirmed", "passed", "read", "found", "golden"),
    [
        pytest.param(190, 90, 9810, 300, 0, GOLDEN, id="no escape found"),
        pytest.param(190, 90, 9810, 300, 4, GOLDEN, id="recall lost"),
        pytest.param(190, 90, 9810, 300, 2, None, id="no golden set"),
        pytest.param(100, 0, 9900, 50, 0, GOLDEN, id="nothing confirmed"),
        pytest.param(12, 5, 88, 40, 3, GOLDEN, id="a small lot"),
        pytest.param(190, 90, 9810, 3000, 60, GOLDEN, id="golden set refuted"),
        pytest.param(400, 300, 19_600, 10, 0, GOLDEN, id="an audit that tells next to nothing"),
        pytest.param(500, 480, 9500, 9000, 60, KnownReads(9, 1), id="most of it audited"),
    ],
)
def test_the_posterior_is_the_one_of_the_definition(
    flagged: int, confirmed: int, passed: int, read: int, found: int, golden: KnownReads | None
) -> None:
    estimate = estimate_rate(RateCounts((census(flagged, confirmed),), (audited(passed, read, found),)), golden=golden)
    mass = brute_force(passed, read, found, confirmed, golden)
    below = np.cumsum(mass)
    assert estimate.escapes.point == pytest.approx(float(mass @ np.arange(passed + 1)), rel=1e-7)
    assert estimate.escapes.lower == int(np.searchsorted(below, 0.025, side="right"))
    assert estimate.escapes.upper == int(np.searchsorted(below, 0.975))
    inspected = flagged + passed
    assert estimate.lower == (confirmed + estimate.escapes.lower) / inspected
    assert estimate.upper == (confirmed + estimate.escapes.upper) / inspected
    assert estimate.point is not None
    assert estimate.point == pytest.approx((confirmed + float(mass @ np.arange(passed + 1))) / inspected, rel=1e-7)


def test_the_detector_rate_is_the_raw_share_and_only_that() -> None:
    estimate = estimate_rate(RateCounts((census(190, 90),), (audited(9810, 3000, 3),)), golden=GOLDEN)
    assert estimate.detector_rate.estimate == 0.019
    assert estimate.detector_rate.lower > estimate.upper, "the raw rate lies above, here where the truth is 1 %"


def test_a_sample_of_the_flagged_parts_is_filled_in_by_the_beta_binomial() -> None:
    """Nothing passed, so that the rate is that of the flagged parts alone."""
    counts = RateCounts((FlaggedStratum(200, 0.5, 90, 90, 30),), ())
    estimate = estimate_rate(counts)
    rest = betabinom(110, 30.5, 60.5)
    assert estimate.lower * 200 == 30 + rest.ppf(0.025)
    assert estimate.upper * 200 == 30 + rest.ppf(0.975)
    assert estimate.point == pytest.approx((30 + rest.mean()) / 200)
    assert estimate.is_escape_rate_known, "nothing passed: there is no escape to find"


def test_unsettled_flagged_parts_are_bounds() -> None:
    passed = (audited(9810, 3000, 3),)
    estimate = estimate_rate(RateCounts((FlaggedStratum(190, 1.0, 190, 100, 50),), passed), golden=GOLDEN)
    none = estimate_rate(RateCounts((FlaggedStratum(190, 1.0, 190, 190, 50),), passed), golden=GOLDEN)
    assert estimate.unconfirmed == 90
    assert estimate.bounds_lower <= none.lower + 10 / 10_000
    assert estimate.bounds_lower < estimate.lower < estimate.upper < estimate.bounds_upper
    assert estimate.bounds_upper - estimate.bounds_lower > 90 / 10_000
    settled = estimate_rate(RateCounts((census(190, 90),), passed), golden=GOLDEN)
    assert (settled.bounds_lower, settled.bounds_upper) == (settled.lower, settled.upper)


def test_without_an_audit_the_escapes_are_not_known_and_it_says_how_many_reads_would_do() -> None:
    estimate = estimate_rate(
        RateCounts((census(190, 90),), (PassedStratum(9810, 0.0, 0, 0, 0),)), golden=GOLDEN, wanted_bound=0.01
    )
    assert not estimate.is_escape_rate_known
    assert (estimate.point, estimate.escapes.point, estimate.recall_alarm) == (None, None, None)
    assert (estimate.lower, estimate.upper) == (0.009, 0.99)
    assert (estimate.escapes.lower, estimate.escapes.upper) == (0, 9810)
    assert estimate.contract_upper_bound == 0.99
    assert any("No passed part was audited" in note for note in estimate.notes)
    done = RateCounts((census(190, 90),), (audited(9810, estimate.audits_needed, 0),))
    short = RateCounts((census(190, 90),), (audited(9810, estimate.audits_needed - 1, 0),))
    assert estimate_rate(done).contract_upper_bound <= 0.009 + 0.01 < estimate_rate(short).contract_upper_bound


def test_nothing_inspected_tells_nothing() -> None:
    estimate = estimate_rate(RateCounts((), (), not_inspected=7), golden=GOLDEN)
    assert (estimate.point, estimate.lower, estimate.upper) == (None, 0.0, 1.0)
    assert (estimate.inspected, estimate.not_inspected, estimate.contract_upper_bound) == (0, 7, 1.0)
    assert estimate.notes == ("No part was inspected.",)


def test_all_ng_and_all_ok() -> None:
    all_ng = estimate_rate(RateCounts((census(50, 50),), ()))
    assert (all_ng.point, all_ng.lower, all_ng.upper) == (1.0, 1.0, 1.0)
    all_ok = estimate_rate(RateCounts((), (audited(1000, 100, 0),)), golden=GOLDEN)
    assert all_ok.point is not None
    assert 0.0 == all_ok.lower <= all_ok.point <= all_ok.upper < 0.02


def test_a_lot_read_whole_is_known() -> None:
    estimate = estimate_rate(RateCounts((census(190, 90),), (audited(9810, 9810, 7),)), golden=GOLDEN)
    assert (estimate.lower, estimate.point, estimate.upper) == (0.0097, 0.0097, 0.0097)
    assert estimate.contract_upper_bound == 0.0097


def test_the_contract_bound_is_the_census_and_the_exact_bound_of_the_audit() -> None:
    """Whatever the golden set says."""
    counts = RateCounts((census(190, 90),), (audited(9810, 300, 1),))
    expected = 0.009 + 0.981 * exact_upper_bound(1, 300)
    for golden in (None, GOLDEN, KnownReads(0, 200)):
        assert estimate_rate(counts, golden=golden).contract_upper_bound == pytest.approx(expected)


def test_the_contract_bound_grows_when_reviewers_miss() -> None:
    counts = RateCounts((census(190, 90),), (audited(9810, 300, 1),))
    trusted = estimate_rate(counts).contract_upper_bound
    assert estimate_rate(counts, reviewers=REVIEWERS).contract_upper_bound > trusted
    blind = estimate_rate(counts, reviewers=ReviewerReads(0, 50, 100, 0)).contract_upper_bound
    assert blind == 1.0, "who finds nothing bounds nothing"


def test_an_audit_that_contradicts_the_golden_set_raises_the_alarm() -> None:
    quiet, loud = (
        estimate_rate(RateCounts((census(160, 60),), (audited(9840, 3000, found),)), golden=GOLDEN) for found in (2, 14)
    )
    assert quiet.recall_alarm is not None
    assert loud.recall_alarm is not None
    assert quiet.recall_alarm < 0.2
    assert loud.recall_alarm > 0.99


def test_false_alarms_of_the_auditors_do_not_become_escapes() -> None:
    """60 calls in 3,000 reads are what reviewers with 2 % false alarms make of good parts alone."""
    counts = RateCounts((census(190, 90),), (audited(9810, 3000, 60),))
    trusting = estimate_rate(counts, golden=GOLDEN)
    knowing = estimate_rate(counts, golden=GOLDEN, reviewers=REVIEWERS)
    assert trusting.lower > 0.02
    assert knowing.lower < 0.01 < knowing.upper < 0.02


def test_defective_parts_that_reviewers_miss_are_added() -> None:
    counts = RateCounts((census(200, 90),), ())
    knowing = estimate_rate(counts, reviewers=ReviewerReads(90, 10, 1000, 0))
    assert knowing.point is not None
    assert knowing.point * 200 == pytest.approx(90 / 0.9, rel=0.03)


def test_reviewers_proved_right_many_times_change_nothing() -> None:
    counts = RateCounts((census(190, 90),), (audited(9810, 300, 3),))
    right = estimate_rate(counts, golden=GOLDEN, reviewers=ReviewerReads(10**7, 0, 10**9, 0))
    trusted = estimate_rate(counts, golden=GOLDEN)
    assert right.point == pytest.approx(trusted.point, rel=0.01)
    assert (right.lower, right.upper) == pytest.approx((trusted.lower, trusted.upper), rel=0.02)


def test_a_kind_of_part_no_reviewer_has_read_is_named() -> None:
    counts = RateCounts((census(190, 90),), (audited(9810, 300, 3),))
    notes = estimate_rate(counts, golden=GOLDEN, reviewers=ReviewerReads(50, 1, 0, 0)).notes
    assert notes == ("Reviewers have read no part known to be good; they are taken to raise no false alarm.",)


def test_strata_of_one_probability_say_what_they_say_together() -> None:
    """Two models (strata that may differ, one stratum) meet where strata do not differ and the audit is large."""
    whole = estimate_rate(RateCounts((census(190, 90),), (audited(9810, 3000, 12),)), golden=GOLDEN)
    split = estimate_rate(
        RateCounts((census(190, 90),), (audited(4905, 1500, 6), audited(4905, 1500, 6))), golden=GOLDEN
    )
    assert split.point == pytest.approx(whole.point, rel=0.02)
    assert (split.lower, split.upper) == pytest.approx((whole.lower, whole.upper), rel=0.04)


def test_a_stratum_without_an_audit_widens_the_interval_and_is_named() -> None:
    reached = estimate_rate(RateCounts((census(190, 90),), (audited(9810, 300, 1),)), golden=GOLDEN)
    partly = estimate_rate(
        RateCounts((census(190, 90),), (audited(4905, 300, 1), PassedStratum(4905, 0.0, 0, 0, 0))), golden=GOLDEN
    )
    assert partly.upper > reached.upper
    assert "4905 of 9810 passed parts were out of the audit's reach" in partly.notes[0]


@pytest.mark.parametrize("escapes", [(40, 2), (2, 40)])
def test_strata_may_differ(escapes: tuple[int, int]) -> None:
    """A part of the day with forty times the escapes of the other, audited well or badly: both keep their own."""
    strata = (audited(5000, 1000, escapes[0]), audited(5000, 1000, escapes[1]))
    estimate = estimate_rate(RateCounts((census(200, 100),), strata), golden=GOLDEN)
    assert estimate.escapes.point == pytest.approx(5 * 42, rel=0.1)


def test_strata_beyond_what_is_kept_part_by_part_are_thinned_without_a_bias(monkeypatch: pytest.MonkeyPatch) -> None:
    """Far fewer masses kept give the same answer: what happens within a block is summed, not guessed."""
    counts = RateCounts((census(190, 90),), (audited(4810, 150, 1), PassedStratum(5000, 0.0, 0, 0, 0)))
    fine = estimate_rate(counts, golden=GOLDEN)
    monkeypatch.setattr("lineside.statistics.rates.strata._LONGEST_SUPPORT", 500)
    coarse = estimate_rate(counts, golden=GOLDEN)
    assert coarse.escapes.point == pytest.approx(fine.escapes.point, rel=0.05)
    assert coarse.upper == pytest.approx(fine.upper, rel=0.03)
    assert coarse.lower <= fine.lower + 0.0005


def test_a_very_large_window_is_thinned_not_cut() -> None:
    counts = RateCounts((census(150_000, 90_000),), (audited(9_850_000, 3000, 4),))
    estimate = estimate_rate(counts)
    exact = clopper_pearson(4, 3000)
    assert exact.lower * 9_850_000 * 0.8 < estimate.escapes.lower
    assert exact.upper * 9_850_000 * 0.8 < estimate.escapes.upper < exact.upper * 9_850_000 * 1.1


@given(
    flagged=st.integers(0, 60),
    passed=st.integers(0, 400),
    shares=st.tuples(*[st.floats(0, 1)] * 5),
    golden=st.none() | st.builds(KnownReads, st.integers(0, 50), st.integers(0, 50)),
    reviewers=st.none()
    | st.builds(ReviewerReads, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_the_counts_the_answer_is_in_order(
    flagged: int,
    passed: int,
    shares: tuple[float, ...],
    golden: KnownReads | None,
    reviewers: ReviewerReads | None,
) -> None:
    drawn = [int(flagged * shares[0]), int(passed * shares[1])]
    read = [int(drawn[0] * shares[2]), int(drawn[1] * shares[3])]
    found = [int(count * shares[4]) for count in read]
    estimate = estimate_rate(
        RateCounts(
            (FlaggedStratum(flagged, 0.7, drawn[0], read[0], found[0]),),
            (PassedStratum(passed, 0.3, drawn[1], read[1], found[1]),),
        ),
        golden=golden,
        reviewers=reviewers,
    )
    assert 0.0 <= estimate.bounds_lower <= estimate.lower <= estimate.upper <= estimate.bounds_upper <= 1.0
    assert 0.0 <= estimate.contract_upper_bound <= 1.0
    assert estimate.point is None or 0.0 <= estimate.point <= 1.0
    assert all(math.isfinite(value) for value in (estimate.lower, estimate.upper))


def test_more_confidence_is_never_narrower() -> None:
    counts = RateCounts((census(190, 90),), (audited(9810, 300, 1),))
    levels = [estimate_rate(counts, golden=GOLDEN, confidence=confidence) for confidence in (0.5, 0.8, 0.95, 0.999)]
    for narrow, wide in itertools.pairwise(levels):
        assert wide.lower <= narrow.lower
        assert narrow.upper <= wide.upper
        assert narrow.contract_upper_bound < wide.contract_upper_bound


@pytest.mark.parametrize("confidence", [0.0, 1.0, math.nan, 95])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        estimate_rate(RateCounts((), ()), confidence=confidence)


@pytest.mark.parametrize(("seeded", "recall"), [(29, 0.90), (59, 0.95), (299, 0.99)])
def test_seeded_parts_without_a_miss_show_the_recall(seeded: int, recall: float) -> None:
    """ln 0.05 / ln recall, one-sided 95 %: the two-sided interval at 90 %."""
    assert seeded_recall(KnownReads(seeded, 0), confidence=0.90).lower >= recall
    assert seeded_recall(KnownReads(seeded - 1, 0), confidence=0.90).lower < recall


def test_nothing_seeded_shows_nothing() -> None:
    interval = seeded_recall(KnownReads(0, 0))
    assert (interval.lower, interval.upper, interval.estimate) == (0.0, 1.0, None)


def test_an_audit_that_tells_more_of_false_alarms_than_known_reads_do_is_believed_in_several_strata() -> None:
    """2 false alarms in 20 reads leave much room; 2 % calls in the audit may be alarms or escapes. So it is in one."""
    reviewers = ReviewerReads(20, 0, 18, 2)
    flagged = (FlaggedStratum(100, 1.0, 100, 100, 90),)
    one = estimate_rate(RateCounts(flagged, (PassedStratum(20_000, 0.15, 3_000, 3_000, 60),)), reviewers=reviewers)
    strata = tuple(PassedStratum(10_000, share, 1_500, 1_500, 30) for share in (0.1, 0.2))
    two = estimate_rate(RateCounts(flagged, strata), reviewers=reviewers)
    assert two.lower == pytest.approx(one.lower, rel=0.05)
    assert two.upper > 0.7 * one.upper
    million = (PassedStratum(10**7, 0.1, 10**6, 10**6, 1_000), PassedStratum(10**6, 0.2, 10**5, 10**5, 10))
    many = (FlaggedStratum(10**5, 1.0, 10**5, 10**5, 50_000),)
    busy = estimate_rate(RateCounts(many, million), reviewers=ReviewerReads(95, 5, 190, 10))
    assert busy.upper < 0.01  # 0.1 % calls are under the 5 % of the known reads, not nine in ten parts defective
