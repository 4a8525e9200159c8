"""One look: everything that is known of the parts since the reference period, in one decision with a stated risk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from lineside.statistics.comparison.multiplicity import holm
from lineside.statistics.counts import check_counts, check_share
from lineside.statistics.drift.batches import BATCH_PARTS, PICTURE_MEASURES, Batch
from lineside.statistics.drift.change_point import change_point
from lineside.statistics.drift.levels import cusum, cusum_limit, level_shift
from lineside.statistics.drift.reference import QUANTILES, Reference, near_threshold, quantile_name
from lineside.statistics.drift.samples import LEAST_SCORES, score_shift, share_shift
from lineside.statistics.errors import TooFewParts

CUSUM_RISK_SHARE = 0.2
"""Of a look's risk, what the cumulative sums may use; the other tests share the rest by Holm's procedure."""

CANNOT_SEE = (
    "A defect of a class that the model does not know leaves every score as it is: only audits and returns show it.",
    "A model that was wrong in the reference period already is no drift.",
    "Parts that were not inspected, that a station judged by itself, and later attempts have no part in the tests.",
)
"""What no test of scores and pictures can tell, in words for whoever reads that all is well."""


class Signal(StrEnum):
    """What may have changed."""

    ALL_SCORES = "all_scores"
    FLAGGED_SCORES = "flagged_scores"
    SCORE_QUANTILE = "score_quantile"
    FLAG_RATE = "flag_rate"
    NEAR_THRESHOLD = "near_threshold"
    PICTURE = "picture"
    NOVELTY = "novelty"


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """How the watch decides.

    Attributes:
        risk_per_look: chance that a look at an undisturbed line alarms, strictly between 0 and 1.
        window_parts: newest parts that the tests of scores and shares take.
        look_parts: parts between two looks; the cumulative sums are limited so that they keep their share of the risk.
    """

    risk_per_look: float = 0.001
    window_parts: int = 5_000
    look_parts: int = 1_000

    def __post_init__(self) -> None:
        """Refuse what no watch can work with."""
        check_share("risk_per_look", self.risk_per_look)
        check_counts(window_parts=self.window_parts, look_parts=self.look_parts)
        if self.look_parts < BATCH_PARTS or self.window_parts < self.look_parts:
            raise ValueError(
                f"a look every {self.look_parts} parts at a window of {self.window_parts}; expected at least "
                f"{BATCH_PARTS} parts between looks and a window that is no shorter"
            )

    @property
    def cusum_limit(self) -> float:
        """The limit of each cumulative sum."""
        looks = len(QUANTILES) / (self.risk_per_look * CUSUM_RISK_SHARE)
        return cusum_limit(max(11.0, looks * self.look_parts / BATCH_PARTS))


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tested.

    Attributes:
        signal: what.
        detail: which quantile, or "view/measure" of a picture; empty where there is only one.
        before: median, share or mean in the reference period.
        after: the same now.
        p_value: adjusted for all tests of the look; None for a cumulative sum, which has a limit instead.
        has_changed: whether it alarms.
        since_batch: index into the batches that were looked at, of the first one after the change; None where nothing
            changed.
        counts: the parts behind `before` and behind `after`.
    """

    signal: Signal
    detail: str
    before: float
    after: float
    p_value: float | None
    has_changed: bool
    since_batch: int | None
    counts: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found.

    Attributes:
        parts: parts that were looked at, those without a score included.
        findings: everything that was tested; what changed first, then by rising p value.
        untested: what could not be tested, and why, in words.
    """

    parts: int
    findings: tuple[Finding, ...]
    untested: tuple[str, ...]

    @property
    def changes(self) -> tuple[Finding, ...]:
        """What changed."""
        return tuple(finding for finding in self.findings if finding.has_changed)


@dataclass(frozen=True, slots=True)
class _Tested:
    signal: Signal
    detail: str
    before: float
    after: float
    p_value: float
    counts: tuple[int, int]
    series: tuple[float | None, ...]  # of each batch of the reference, then of each since; for the change point


def look(reference: Reference, batches: Sequence[Batch], *, limits: WatchLimits) -> Look:
    """Hold the parts since the reference period against it.

    The chance that it finds a change where there is none is at most `limits.risk_per_look`: Holm's procedure over the
    tests, Bonferroni between them and the cumulative sums. Looks at overlapping windows each keep that risk.

    Args:
        reference: what they are held against.
        batches: everything since, in order; the tests of scores and shares take the newest `limits.window_parts`.
        limits: how to decide.

    Raises:
        TooFewParts: there is no batch with a score.
    """
    window = _newest(batches, limits.window_parts)
    if not any(batch.scores.size for batch in window):
        raise TooFewParts("a look (batches with scores)", needed=1, found=0)
    untested: list[str] = []
    tested = [
        *_score_tests(reference, batches, window, untested),
        *_picture_tests(reference, batches),
        *_novelty_test(reference, batches, window, untested),
    ]
    adjusted = holm([test.p_value for test in tested])
    level = limits.risk_per_look * (1 - CUSUM_RISK_SHARE)
    findings = [
        Finding(
            test.signal,
            test.detail,
            test.before,
            test.after,
            p_value,
            p_value <= level,
            _since(test.series, len(batches)) if p_value <= level else None,
            test.counts,
        )
        for test, p_value in zip(tested, adjusted, strict=True)
    ]
    findings += _cusums(reference, batches, limits.cusum_limit)
    findings.sort(key=lambda finding: (not finding.has_changed, 2.0 if finding.p_value is None else finding.p_value))
    return Look(sum(batch.size for batch in batches), tuple(findings), tuple(untested))


def _score_tests(
    reference: Reference, batches: Sequence[Batch], window: Sequence[Batch], untested: list[str]
) -> Iterator[_Tested]:
    everything = (*reference.batches, *batches)
    scores = np.concatenate([batch.scores for batch in window])
    flagged = np.concatenate([batch.flagged_scores for batch in window])
    parts = (reference.scores.size, scores.size)
    if min(parts) < LEAST_SCORES:
        untested.append(f"all scores: {parts[1]} parts; {LEAST_SCORES} are needed")
    else:
        shift = score_shift(reference.scores, scores, dispersion=reference.dispersions["score"])
        medians = tuple(float(np.median(batch.scores)) if batch.scores.size else None for batch in everything)
        yield _Tested(Signal.ALL_SCORES, "", shift.before, shift.after, shift.p_value, parts, medians)
    flagged_parts = (reference.flagged_scores.size, flagged.size)
    if min(flagged_parts) < LEAST_SCORES:
        untested.append(
            f"scores of flagged parts: {flagged_parts[0]} in the reference and {flagged_parts[1]} now; "
            f"{LEAST_SCORES} of each are needed"
        )
    else:
        shift = score_shift(reference.flagged_scores, flagged)
        means = tuple(float(batch.flagged_scores.mean()) if batch.flagged_scores.size else None for batch in everything)
        yield _Tested(Signal.FLAGGED_SCORES, "", shift.before, shift.after, shift.p_value, flagged_parts, means)
    rate = share_shift(
        reference.flagged_scores.size,
        parts[0],
        flagged.size,
        parts[1],
        dispersion=reference.dispersions["flag rate"],
    )
    rates = tuple(batch.flagged_scores.size / batch.scores.size if batch.scores.size else None for batch in everything)
    yield _Tested(Signal.FLAG_RATE, "", rate.before, rate.after, rate.p_value, parts, rates)
    near = share_shift(
        reference.near,
        parts[0],
        near_threshold(scores, reference.threshold),
        parts[1],
        dispersion=reference.dispersions["near threshold"],
    )
    shares = tuple(
        near_threshold(batch.scores, reference.threshold) / batch.scores.size if batch.scores.size else None
        for batch in everything
    )
    yield _Tested(Signal.NEAR_THRESHOLD, "", near.before, near.after, near.p_value, parts, shares)


def _picture_tests(reference: Reference, batches: Sequence[Batch]) -> Iterator[_Tested]:
    for name, level in reference.levels.items():
        view, _, measure = name.rpartition("/")
        if measure not in PICTURE_MEASURES or not view:
            continue
        means = [batch.mean(view, measure) for batch in batches]
        known = [mean for mean in means if mean is not None]
        if not known:
            continue
        shift = level_shift(level, known)
        series = (*(batch.mean(view, measure) for batch in reference.batches), *means)
        counts = (level.batches * BATCH_PARTS, sum(batch.size for batch in batches))
        yield _Tested(Signal.PICTURE, name, shift.before, shift.after, shift.p_value, counts, series)


def _novelty_test(
    reference: Reference, batches: Sequence[Batch], window: Sequence[Batch], untested: list[str]
) -> Iterator[_Tested]:
    rule = reference.novelty
    found = [] if rule is None else [rule.novel_of(batch) for batch in window]
    parts = sum(count for _, count in found)
    if rule is None or parts == 0:
        untested.append("novelty of pictures: too few of them have all of the reference's measures")
        return
    shift = share_shift(rule.novel, rule.parts, sum(novel for novel, _ in found), parts)
    shares = tuple(
        novel / count if count else None
        for novel, count in (rule.novel_of(batch) for batch in (*reference.batches, *batches))
    )
    # Pictures that lie nearer to the reference's middle than before are no novelty.
    p_value = shift.p_value if shift.after > shift.before else 1.0
    yield _Tested(Signal.NOVELTY, "", shift.before, shift.after, p_value, (rule.parts, parts), shares)


def _cusums(reference: Reference, batches: Sequence[Batch], limit: float) -> Iterator[Finding]:
    indices = [index for index, batch in enumerate(batches) if batch.scores.size]
    for quantile in QUANTILES:
        name = quantile_name(quantile)
        level = reference.levels[name]
        figures = [float(np.quantile(batches[index].scores, quantile)) for index in indices]
        run = cusum(level.deviates(figures).tolist(), limit=limit)
        has_changed = max(run.upper, run.lower) >= limit
        began_at = min(run.began_at, len(indices) - 1)
        counts = (reference.scores.size, sum(batches[index].scores.size for index in indices))
        yield Finding(
            Signal.SCORE_QUANTILE,
            name,
            level.mean,
            float(np.mean(figures[began_at:])) if has_changed else float(np.mean(figures)),
            None,
            has_changed,
            indices[began_at] if has_changed else None,
            counts,
        )


def _newest(batches: Sequence[Batch], parts: int) -> Sequence[Batch]:
    """The newest batches that hold at least so many parts, or all of them."""
    held = 0
    for count, batch in enumerate(reversed(batches), start=1):
        held += batch.size
        if held >= parts:
            return batches[-count:]
    return batches


def _since(series: Sequence[float | None], batches: int) -> int:
    """The first batch after the change; batches without the figure are passed over."""
    before = len(series) - batches
    known = [(index, figure) for index, figure in enumerate(series) if figure is not None]
    earliest = sum(index < before for index, _ in known)
    if len(known) < 2 or earliest >= len(known):
        return 0
    changed = change_point([figure for _, figure in known], earliest=earliest)
    return max(0, known[changed][0] - before)
