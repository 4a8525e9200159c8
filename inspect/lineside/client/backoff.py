"""How long to wait before a request is sent again."""

import random
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waiting with full jitter, so that stations cut off together do not come back together.

    Each wait is uniform in [0, ceiling) and the ceiling doubles (Brooker, "Exponential Backoff And Jitter", 2015).

    Attributes:
        first_s: ceiling of the first wait, above 0.
        longest_s: ceiling that is never passed.
    """

    first_s: float = 0.05
    longest_s: float = 2.0

    def __post_init__(self) -> None:
        """Refuse waits that are none."""
        if not 0 < self.first_s <= self.longest_s:
            raise ValueError(f"backoff from {self.first_s} s to {self.longest_s} s: expected 0 < first <= longest")

    def waits_s(self, rng: random.Random) -> Iterator[float]:
        """Seconds to wait before the second try, the third, and so on without end."""
        ceiling_s = self.first_s
        while True:
            yield rng.uniform(0.0, ceiling_s)
            ceiling_s = min(2 * ceiling_s, self.longest_s)
