"""What the statistics refuse, where the condition needs a name.

All are ValueError too; counts that are no integers stay a plain TypeError (see `counts`).

    ValueError
    ├── ImpossibleCounts     counts that contradict each other, such as more parts read than drawn
    │   └── SampleLargerThanLot   more parts drawn than there were
    ├── DrawWithoutChance    parts were drawn although their probability of being drawn was 0
    ├── TooFewParts          the guarantee asked for needs more parts; carries how many
    └── MissedAtEveryThreshold  more parts were never found than the guarantee asked for can bear
"""


class ImpossibleCounts(ValueError):
    """Counts that cannot all be true."""


class SampleLargerThanLot(ImpossibleCounts):
    """More parts were drawn than the lot holds."""

    def __init__(self, *, drawn: int, parts: int) -> None:
        """Say both."""
        super().__init__(
            f"{drawn} parts drawn out of {parts}; expected at most {parts}. Draws and parts must come from the same"
            " lot or window, and a part counts once"
        )
        self.drawn = drawn
        self.parts = parts


class DrawWithoutChance(ValueError):
    """Parts of probability 0 were drawn: their draw was no random one."""

    def __init__(self, *, drawn: int) -> None:
        """Say how many."""
        super().__init__(
            f"{drawn} parts drawn with probability 0; expected none. A part that was picked by hand is no audit:"
            " leave it out of the counts"
        )
        self.drawn = drawn


class TooFewParts(ValueError):
    """A guarantee was asked for that so few parts cannot carry.

    Attributes:
        needed: parts it takes.
        found: parts there are.
    """

    def __init__(self, what: str, *, needed: int, found: int, what_is_counted: str = "parts") -> None:
        """Say what needs how many."""
        super().__init__(f"{what} needs {needed} {what_is_counted}; {found} were given, {needed - found} are missing")
        self.needed = needed
        self.found = found


class MissedAtEveryThreshold(ValueError):
    """A guarantee was asked for that no threshold can carry: too many defective parts were not found at all.

    Attributes:
        never_found: parts that no threshold finds.
        allowed: parts that may be missed.
        parts: parts there are.
    """

    def __init__(self, *, miss_rate: float, never_found: int, allowed: int, parts: int, confidence: float | None):
        """Say how many were never found, and how many may be."""
        how = "on average" if confidence is None else f"at {confidence:.4g} confidence"
        super().__init__(
            f"{never_found} of {parts} defective parts were not found at any threshold; a miss rate of at most"
            f" {miss_rate:.4g} {how} bears {allowed}. No threshold certifies it: train the model to find them, or"
            " ask for a higher rate"
        )
        self.never_found = never_found
        self.allowed = allowed
        self.parts = parts
