"""What is believed of the recall of the line as it runs now."""

from dataclasses import dataclass, replace

from lineside.statistics.binomial import clopper_pearson
from lineside.statistics.intervals import RateInterval
from lineside.statistics.rates.records import KnownReads

GOLDEN_WEIGHT = 0.5
"""Prior belief that the recall is still that of the golden set. With 1 the interval never covers after a silent loss of
recall (0 of 400 simulated lots), with 0 the golden set is worth nothing."""


@dataclass(frozen=True, slots=True)
class RecallPart:
    """One component of the belief in the recall: Beta(a, b) with a weight."""

    weight: float
    a: float
    b: float


def golden_recall(golden: KnownReads) -> RecallPart:
    """What the golden set showed alone: the Jeffreys posterior. Never shown as the line's."""
    return RecallPart(1.0, golden.hits + 0.5, golden.misses + 0.5)


def recall_belief(golden: KnownReads | None) -> tuple[RecallPart, ...]:
    """Half what the golden set showed, half anything; without a golden set, anything."""
    if golden is None or golden.hits + golden.misses == 0:
        return (RecallPart(1.0, 1.0, 1.0),)
    return (replace(golden_recall(golden), weight=GOLDEN_WEIGHT), RecallPart(1 - GOLDEN_WEIGHT, 1.0, 1.0))


def seeded_recall(reads: KnownReads, *, confidence: float = 0.95) -> RateInterval:
    """The recall that parts seeded with known defects show directly, with its exact (Clopper-Pearson) interval.

    29 seeded parts without a miss show a recall of at least 90 % at 95 % one-sided confidence, 59 of 95 %, 299 of 99 %.
    It is the recall for defects like the seeded ones, as the line runs now; nothing seeded gives [0, 1].

    Raises:
        ValueError: the confidence is out of range.

    >>> interval = seeded_recall(KnownReads(hits=29, misses=0), confidence=0.90)
    >>> round(interval.lower, 3), interval.upper
    (0.902, 1.0)
    """
    return clopper_pearson(reads.hits, reads.hits + reads.misses, confidence=confidence)
