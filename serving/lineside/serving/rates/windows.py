"""What is asked of the rates, and what one window holds."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from lineside.inspection.verdict import Verdict
from lineside.serving.errors import RateQuestionUnfit
from lineside.serving.rates.cells import QUARTER, Lane
from lineside.statistics.rates import FlaggedStratum, KnownReads, PassedStratum, RateCounts, ReviewerReads

_RECENT: Final = timedelta(minutes=15)
"""For so long after its end a window may still get parts that stations hand in late."""

MOST_TIME: Final = timedelta(days=3_660)
"""Ten years. The shifts of a span are counted one by one, while verdicts wait."""


@dataclass(frozen=True, slots=True)
class RateFilter:
    """Which parts are wanted; None does not filter.

    Attributes:
        start: opened at this aware instant or later; down to a quarter of an hour.
        end: opened before this instant; up to a quarter of an hour.
        class_name: the rate of parts with a defect of this class.
        shift: the parts of every shift of this name in the span.
        is_simulated: whether the parts are of a simulated line; never both in one rate.

    Raises:
        RateQuestionUnfit: an instant is naive, or the span is empty or longer than `MOST_TIME`.
    """

    start: datetime
    end: datetime
    station: str | None = None
    line: str | None = None
    lot: str | None = None
    product: str | None = None
    class_name: str | None = None
    release_digest: str | None = None
    shift: str | None = None
    is_simulated: bool = False

    def __post_init__(self) -> None:
        """Refuse a span without an inside, and widen it to whole cells."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise RateQuestionUnfit("start and end are without an offset; expected instants such as 2026-01-31T09:00Z")
        if self.start >= self.end:
            raise RateQuestionUnfit(f"the span ends at {self.end.isoformat()}, not after {self.start.isoformat()}")
        if self.end - self.start > MOST_TIME:
            raise RateQuestionUnfit(
                f"the span is {(self.end - self.start).days} days long; expected at most {MOST_TIME.days}"
            )
        object.__setattr__(self, "start", QUARTER.floor(self.start.astimezone(UTC)))
        end = self.end.astimezone(UTC)
        if not QUARTER.starts_at(end):
            object.__setattr__(self, "end", QUARTER.floor(end) + QUARTER.length)
        else:
            object.__setattr__(self, "end", end)


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """The parts of one window.

    Attributes:
        start: aware UTC.
        end: aware UTC; not part of it.
        label: what the window is called.
        inspected: OK and NG parts, each once.
        flagged: NG parts.
        confirmed: NG parts settled as defective, drawn for confirmation or not.
        false_calls: NG parts settled as good.
        escapes: OK parts settled as defective, however they were noticed; only those of the audit (in `counts`)
            stand for others.
        unresolved: parts of which people say different things; they count as not settled.
        not_inspected: parts whose first attempt had no verdict; beside the rate, never in it.
        defects: defects that the detector reported on NG parts.
        true_defects: defects that are there according to the reviews.
        first_judged: parts judged OK or NG at attempt 1.
        first_passed: of these, OK.
        later_attempts: further attempts, in no rate.
        counts: the strata that a rate is estimated from.
        seeded: what the detector did with parts known to be defective; None if none came.
        seeded_good: the same with parts known to be good: `hits` are those passed, `misses` those flagged.
        reviewers: what people said of parts whose truth is known; None if nothing.
        is_provisional: reviews are outstanding, or parts may still come.
        is_gap: nothing came although the calendar plans work.
        planned: how much of the window the calendar plans.
    """

    start: datetime
    end: datetime
    label: str
    inspected: int
    flagged: int
    confirmed: int
    false_calls: int
    escapes: int
    unresolved: int
    not_inspected: int
    defects: int
    true_defects: int
    first_judged: int
    first_passed: int
    later_attempts: int
    counts: RateCounts
    seeded: KnownReads | None
    seeded_good: KnownReads | None
    reviewers: ReviewerReads | None
    is_provisional: bool
    is_gap: bool
    planned: timedelta


@dataclass(slots=True)
class Tally:
    """Adds cells up to one window; the strata stay apart by verdict and probability.

    Attributes:
        parts: by lane, verdict and probability, the counts of `PART_COUNTS`.
        classes: the same for one defect class, the counts of `CLASS_COUNTS`.
    """

    parts: dict[tuple[str, str, float], dict[str, int]] = field(default_factory=dict)
    classes: dict[tuple[str, str, float], dict[str, int]] = field(default_factory=dict)

    def merge(self, other: "Tally") -> None:
        """Take another tally in."""
        for mine, theirs in ((self.parts, other.parts), (self.classes, other.classes)):
            for key, counts in theirs.items():
                sums = mine.setdefault(key, {})
                for name, count in counts.items():
                    sums[name] = sums.get(name, 0) + count

    def total(self, name: str, verdict: Verdict, lane: Lane = Lane.PRODUCTION) -> int:
        """One count of parts, over the probabilities."""
        return sum(
            counts[name] for key, counts in self.parts.items() if key[0] == lane.value and key[1] == verdict.value
        )

    def class_total(self, name: str, verdict: Verdict) -> int:
        """One count of the defect class, over the probabilities."""
        return sum(
            counts[name]
            for key, counts in self.classes.items()
            if key[0] == Lane.PRODUCTION.value and key[1] == verdict.value
        )

    def window(
        self,
        *,
        start: datetime,
        end: datetime,
        label: str,
        now: datetime,
        planned: timedelta,
        class_name: str | None = None,
        is_behind: bool = False,
    ) -> WindowCounts:
        """The window of what was added.

        Args:
            start: aware UTC.
            end: aware UTC.
            label: what it is called.
            now: aware UTC.
            planned: how much of it the calendar plans.
            class_name: of the class whose cells were added as well; its rate is then the window's.
            is_behind: whether the cells do not hold all that is in the ledger.
        """
        counts = self._counts() if class_name is None else self._class_counts()
        inspected = self.total("parts", Verdict.OK) + self.total("parts", Verdict.NG)
        not_inspected = self.total("parts", Verdict.NOT_INSPECTED)
        drawn = sum(each.drawn for each in counts.flagged) + sum(each.drawn for each in counts.passed)
        read = sum(each.read for each in counts.flagged) + sum(each.read for each in counts.passed)
        is_class = class_name is not None
        count = self.class_total if is_class else self.total
        seen = self.total("later_attempts", Verdict.OK) + self.total("later_attempts", Verdict.NG)
        return WindowCounts(
            start=start,
            end=end,
            label=label,
            inspected=inspected,
            flagged=counts.parts_flagged,
            confirmed=count("defective", Verdict.NG),
            false_calls=count("false_calls", Verdict.NG),
            escapes=count("defective", Verdict.OK),
            unresolved=self.total("unresolved", Verdict.OK) + self.total("unresolved", Verdict.NG),
            not_inspected=not_inspected,
            defects=count("defects", Verdict.NG),
            true_defects=count("true_defects", Verdict.NG) + count("true_defects", Verdict.OK),
            first_judged=self.total("first_attempts", Verdict.OK) + self.total("first_attempts", Verdict.NG),
            first_passed=self.total("first_attempts", Verdict.OK),
            later_attempts=seen + self.total("later_attempts", Verdict.NOT_INSPECTED),
            counts=counts,
            seeded=None if is_class else self._known(Lane.KNOWN_DEFECTIVE, hit=Verdict.NG, miss=Verdict.OK),
            seeded_good=None if is_class else self._known(Lane.KNOWN_GOOD, hit=Verdict.OK, miss=Verdict.NG),
            reviewers=self._reviewers(),
            is_provisional=read < drawn or is_behind or now < end + _RECENT,
            is_gap=inspected + not_inspected == 0 and planned > timedelta() and end <= now,
            planned=planned,
        )

    def _strata(self, verdict: Verdict) -> list[tuple[float, dict[str, int]]]:
        return sorted(
            (key[2], counts)
            for key, counts in self.parts.items()
            if key[0] == Lane.PRODUCTION.value and key[1] == verdict.value and counts["parts"]
        )

    def _counts(self) -> RateCounts:
        return RateCounts(
            flagged=tuple(
                FlaggedStratum(each["parts"], probability, each["drawn"], each["read"], each["found"])
                for probability, each in self._strata(Verdict.NG)
            ),
            passed=tuple(
                PassedStratum(each["parts"], probability, each["drawn"], each["read"], each["found"])
                for probability, each in self._strata(Verdict.OK)
            ),
            not_inspected=self.total("parts", Verdict.NOT_INSPECTED),
        )

    def _class_counts(self) -> RateCounts:
        """The strata of one class: NG parts on which it was not reported have passed as far as it goes.

        They are read with the probability of their confirmation, so they stand beside the audited parts as a stratum
        of their own.
        """
        flagged: list[FlaggedStratum] = []
        passed: list[PassedStratum] = []
        for probability, all_parts in self._strata(Verdict.NG):
            of_class = self.classes.get((Lane.PRODUCTION.value, Verdict.NG.value, probability), {})
            parts, drawn, read = (of_class.get(name, 0) for name in ("parts", "drawn", "read"))
            if parts:
                flagged.append(FlaggedStratum(parts, probability, drawn, read, of_class["found"]))
            if all_parts["parts"] > parts:
                passed.append(
                    PassedStratum(
                        all_parts["parts"] - parts,
                        probability,
                        all_parts["drawn"] - drawn,
                        all_parts["read"] - read,
                        of_class.get("missed", 0),
                    )
                )
        for probability, all_parts in self._strata(Verdict.OK):
            of_class = self.classes.get((Lane.PRODUCTION.value, Verdict.OK.value, probability), {})
            passed.append(
                PassedStratum(
                    all_parts["parts"], probability, all_parts["drawn"], all_parts["read"], of_class.get("missed", 0)
                )
            )
        return RateCounts(tuple(flagged), tuple(passed), not_inspected=self.total("parts", Verdict.NOT_INSPECTED))

    def _known(self, lane: Lane, *, hit: Verdict, miss: Verdict) -> KnownReads | None:
        reads = KnownReads(hits=self.total("parts", hit, lane), misses=self.total("parts", miss, lane))
        return reads if reads.hits + reads.misses else None

    def _reviewers(self) -> ReviewerReads | None:
        """Readings of seeded parts and blind second ones; they need not be of the same class."""
        names = ("defective_right", "defective_wrong", "good_right", "good_wrong")
        right, wrong, good_right, good_wrong = (sum(counts[name] for counts in self.parts.values()) for name in names)
        reads = ReviewerReads(right, wrong, good_right, good_wrong)
        return reads if reads.defective + reads.good else None
