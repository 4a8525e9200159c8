"""What a defect rate is estimated from: counts of parts, and what is known of those who judged them."""

from dataclasses import dataclass

from lineside.statistics.counts import check_counts
from lineside.statistics.errors import DrawWithoutChance, ImpossibleCounts, SampleLargerThanLot


@dataclass(frozen=True, slots=True)
class FlaggedStratum:
    """NG parts that shared one probability of being drawn for confirmation.

    Attributes:
        parts: NG parts.
        probability: of being drawn for confirmation, over 0 to 1; 1.0 where every NG part is to be confirmed.
        drawn: parts drawn.
        read: parts drawn and settled by review; the others are *unconfirmed*.
        confirmed: settled as truly defective.

    Raises:
        TypeError: a count is not an integer.
        ImpossibleCounts: more confirmed than read, more read than drawn, or more drawn than there are.
        ValueError: a count is negative, or the probability is out of its range.
    """

    parts: int
    probability: float
    drawn: int
    read: int
    confirmed: int

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_stratum(self.parts, self.drawn, self.read, self.confirmed, found_name="confirmed")
        if not 0.0 < self.probability <= 1.0:
            raise ValueError(
                f"the probability of confirmation is {self.probability}; expected a number over 0 and up to 1"
            )


@dataclass(frozen=True, slots=True)
class PassedStratum:
    """OK parts that shared one probability of being drawn for the audit.

    Attributes:
        parts: OK parts.
        probability: of being drawn, 0 to 1; with 0 the stratum tells nothing about escapes.
        drawn: parts drawn.
        read: parts drawn and settled by review.
        escapes: settled as defective.

    Raises:
        TypeError: a count is not an integer.
        DrawWithoutChance: parts were drawn although the probability is 0.
        ImpossibleCounts: more escapes than read, more read than drawn, or more drawn than there are.
        ValueError: a count is negative, or the probability is out of its range.
    """

    parts: int
    probability: float
    drawn: int
    read: int
    escapes: int

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check_stratum(self.parts, self.drawn, self.read, self.escapes, found_name="escapes")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"the probability of an audit is {self.probability}; expected a number from 0 to 1")
        if self.probability == 0 and self.drawn:
            raise DrawWithoutChance(drawn=self.drawn)


@dataclass(frozen=True, slots=True)
class RateCounts:
    """The parts of one lot or window.

    A part counts once, at its first judged attempt; parts seeded with known defects count nowhere here.

    Attributes:
        flagged: NG parts, by their probability of confirmation.
        passed: OK parts, by their probability of an audit.
        not_inspected: parts without a verdict; beside the rate, never in it.

    Raises:
        TypeError: `not_inspected` is not an integer.
        ValueError: it is negative.
    """

    flagged: tuple[FlaggedStratum, ...]
    passed: tuple[PassedStratum, ...]
    not_inspected: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        check_counts(not_inspected=self.not_inspected)

    @property
    def inspected(self) -> int:
        """OK and NG parts together."""
        return self.parts_flagged + self.parts_passed

    @property
    def parts_flagged(self) -> int:
        """NG parts."""
        return sum(stratum.parts for stratum in self.flagged)

    @property
    def parts_passed(self) -> int:
        """OK parts."""
        return sum(stratum.parts for stratum in self.passed)

    @property
    def confirmed(self) -> int:
        """NG parts settled as truly defective."""
        return sum(stratum.confirmed for stratum in self.flagged)

    @property
    def unconfirmed(self) -> int:
        """NG parts drawn for confirmation and not settled yet."""
        return sum(stratum.drawn - stratum.read for stratum in self.flagged)

    @property
    def audited(self) -> int:
        """OK parts drawn for the audit and settled."""
        return sum(stratum.read for stratum in self.passed)

    @property
    def escapes_found(self) -> int:
        """OK parts that the audit settled as defective."""
        return sum(stratum.escapes for stratum in self.passed)


@dataclass(frozen=True, slots=True)
class KnownReads:
    """What the detector did with parts known to be defective: a golden set, or parts seeded into the line.

    Attributes:
        hits: flagged.
        misses: passed.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.
    """

    hits: int
    misses: int

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        check_counts(hits=self.hits, misses=self.misses)


@dataclass(frozen=True, slots=True)
class ReviewerReads:
    """What people said of parts whose truth is known: seeded parts, and blind double reads that were settled.

    They must have been read as the parts of the line are: the same people, the same pictures, the same number of
    readers for one standing, and no sign that the part is a test. Where the line's standings take two agreeing
    readers, one read here is also what two agreeing readers said.

    Attributes:
        defective_right: defective parts called defective.
        defective_wrong: defective parts called good.
        good_right: good parts called good.
        good_wrong: good parts called defective.

    Raises:
        TypeError: a count is not an integer.
        ValueError: a count is negative.
    """

    defective_right: int
    defective_wrong: int
    good_right: int
    good_wrong: int

    def __post_init__(self) -> None:
        """Refuse what is no count."""
        check_counts(
            defective_right=self.defective_right,
            defective_wrong=self.defective_wrong,
            good_right=self.good_right,
            good_wrong=self.good_wrong,
        )

    @property
    def defective(self) -> int:
        """Reads of defective parts."""
        return self.defective_right + self.defective_wrong

    @property
    def good(self) -> int:
        """Reads of good parts."""
        return self.good_right + self.good_wrong


def _check_stratum(parts: int, drawn: int, read: int, found: int, *, found_name: str) -> None:
    check_counts(**{"parts": parts, "drawn": drawn, "read": read, found_name: found})
    if drawn > parts:
        raise SampleLargerThanLot(drawn=drawn, parts=parts)
    if read > drawn:
        raise ImpossibleCounts(f"{read} parts read of {drawn} drawn; expected at most those drawn")
    if found > read:
        raise ImpossibleCounts(f"{found} {found_name} among {read} parts read; expected at most those read")
