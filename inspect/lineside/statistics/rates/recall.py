"""What is believed of the recall of the line as it runs now."""

from dataclasses import dataclass

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


def recall_belief(golden: KnownReads | None) -> tuple[RecallPart, ...]:
    """Half what the golden set showed (Jeffreys posterior), half anything; without a golden set, anything."""
    if golden is None or golden.hits + golden.misses == 0:
        return (RecallPart(1.0, 1.0, 1.0),)
    return (
        RecallPart(GOLDEN_WEIGHT, golden.hits + 0.5, golden.misses + 0.5),
        RecallPart(1 - GOLDEN_WEIGHT, 1.0, 1.0),
    )
