"""What the inputs of a line may be in truth, given what was measured: one draw of them after another.

Every draw gives a whole line. Its shares come from beta posteriors under Jeffreys' prior, with counts divided by the
variance that stretches of the time show beyond chance (at least 1); its durations from resampled stretches (moving
blocks: H. R. Kuensch, Ann. Statist. 17 (1989) 1217-1241); what parts are in truth, and with which scores, from a
Bayesian bootstrap (D. B. Rubin, Ann. Statist. 9 (1981) 130-134) to which one unseen part with any score is added, so
that what nobody has seen yet is not taken as impossible.
"""

from typing import Final

import numpy as np

from lineside.serving.twin.line_model import (
    ALWAYS_FLAGGED,
    NEVER_FLAGGED,
    Always,
    Arrivals,
    Durations,
    Line,
    Measured,
    PartMix,
    Retest,
    Rework,
)
from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.scenarios.measuring import BLOCKS, MeasuredLine, Reads, Share

_UNKNOWN_THRESHOLD: Final = 0.5
"""Stands for thresholds that differ by class: verdicts stay what they were, and no option moves it."""

_FEWEST_FOR_VARIANCE: Final = 2


def draw_line(
    measured: MeasuredLine, generator: np.random.Generator, *, arrivals: Arrivals, late_after_s: float | None
) -> Line:
    """One line that the measured time may be of.

    Args:
        measured: what was counted and timed.
        generator: of the draws; the same one in the same state gives the same line.
        arrivals: of its parts.
        late_after_s: time in the system from which a part is late; None if never.
    """
    threshold = _UNKNOWN_THRESHOLD if measured.threshold is None else measured.threshold
    fates = generator.dirichlet(np.array(measured.fates) + 0.5)
    fates = np.where(np.array(measured.fates) > 0, fates, 0.0)  # a loop that the line does not have is not invented
    return Line(
        arrivals=arrivals,
        parts=draw_parts(measured, generator, threshold=threshold),
        threshold=threshold,
        inspection=_durations(measured.inspection_s, generator),
        stations=measured.stations,
        not_inspected=_known_share(measured.not_inspected, generator),
        retest_not_inspected=Retest(
            _known_share(measured.retested_not_inspected, generator),
            _durations(measured.retest_not_inspected_s, generator),
        ),
        rework=Rework(
            float(fates[0]),
            _durations(measured.rework_s, generator),
            draw_share(measured.passed_rework, generator),
            places=measured.rework_places,
        ),
        retest_flagged=Retest(
            float(fates[1]),
            _durations(measured.retest_flagged_s, generator),
            draw_share(measured.passed_retest, generator),
        ),
        scrap=float(fates[2]),
        late_after_s=late_after_s,
        attempts=measured.attempts,
    )


def draw_parts(measured: MeasuredLine, generator: np.random.Generator, *, threshold: float) -> PartMix:
    """One mix of parts: flagged and passed ones, defective and good ones, with their scores."""
    flagged = draw_share(measured.flagged, generator)
    mixes = (
        _draw_cell(flagged, measured.flagged_reads, generator, lowest=threshold, highest=1.0, unseen=ALWAYS_FLAGGED),
        _draw_cell(
            1.0 - flagged, measured.passed_reads, generator, lowest=0.0, highest=threshold, unseen=NEVER_FLAGGED
        ),
    )
    return PartMix(
        np.concatenate([is_defective for is_defective, _, _ in mixes]),
        np.concatenate([scores for _, scores, _ in mixes]),
        np.concatenate([weights for _, _, weights in mixes]),
    )


def draw_share(share: Share, generator: np.random.Generator) -> float:
    """A share that the counts may be of."""
    factor = over_dispersion(share)
    events, units = float(share.events.sum()) / factor, float(share.units.sum()) / factor
    return float(generator.beta(events + 0.5, units - events + 0.5))


def over_dispersion(share: Share) -> float:
    """Variance between stretches of time by the one that chance alone gives (Pearson's chi2 / df); at least 1."""
    units, total = share.units[share.units > 0], int(share.units.sum())
    point = share.point
    if len(units) < _FEWEST_FOR_VARIANCE or point is None or not 0.0 < point < 1.0 or not total:
        return 1.0
    events = share.events[share.units > 0]
    chi2 = float(((events - units * point) ** 2 / (units * point * (1.0 - point))).sum())
    return max(1.0, chi2 / (len(units) - 1))


def _known_share(share: Share, generator: np.random.Generator) -> float:
    """As `draw_share`, but 0 where it was never seen: not every line leaves parts without a judgement."""
    return draw_share(share, generator) if share.events.sum() else 0.0


def _draw_cell(
    share: float, reads: Reads, generator: np.random.Generator, *, lowest: float, highest: float, unseen: float
) -> tuple[np.ndarray[tuple[int], np.dtype[np.bool_]], Numbers, Numbers]:
    """Flagged or passed parts: whether they are defective, scores and weights.

    Args:
        share: of all parts.
        reads: what people said of some.
        generator: of the draws.
        lowest: of the scores that such parts can have.
        highest: of them.
        unseen: the score of those that no threshold moves to the other side.
    """
    weights = reads.weights
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0
    said = float(weights[reads.is_defective].sum() / weights.sum()) if len(weights) else 0.0
    defective = float(generator.beta(effective * said + 0.5, effective * (1.0 - said) + 0.5))
    truths, scores, masses = [], [], []
    for is_defective, of_them in ((True, defective), (False, 1.0 - defective)):
        chosen = reads.is_defective == is_defective
        seen = reads.scores[chosen]
        # Scores on the other side of the threshold, or none at all: another rule decided there, and still will.
        fits = (seen >= lowest) & (seen <= highest if unseen == ALWAYS_FLAGGED else seen < highest)
        atoms = np.append(np.where(fits, seen, unseen), generator.uniform(lowest, highest))
        shape = np.append(weights[chosen] / max(1e-12, weights[chosen].mean()) if chosen.any() else weights[:0], 1.0)
        truths.append(np.full(len(atoms), is_defective))
        scores.append(atoms)
        masses.append(share * of_them * generator.dirichlet(shape))
    return np.concatenate(truths), np.concatenate(scores), np.concatenate(masses)


def _durations(seen_s: Numbers, generator: np.random.Generator) -> Durations:
    """Resampled stretches of neighbours."""
    if not len(seen_s):
        return Always(0.0)
    length = max(1, len(seen_s) // BLOCKS)
    starts = generator.integers(0, len(seen_s) - length + 1, size=-(-len(seen_s) // length))
    return Measured(np.concatenate([seen_s[start : start + length] for start in starts]))
