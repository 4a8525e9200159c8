"""What the page shows, reduced from the ledger's events: a pure fold over a bounded past."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from lineside.inspection.verdict import Verdict
from lineside.serving.inspections.schemas import DefectOut, InspectionOut, RecipeOut
from lineside.serving.ledger import Event
from lineside.serving.reviews import ReviewRecorded, ReviewStanding
from lineside.statistics.rates import RateInterval, wilson_interval

REMEMBERED: Final = 2000
"""Attempts that the page looks back on."""

RATE_WINDOW: Final = 100
"""Judged parts behind each point of the rate's chart: wide enough for an interval that says something."""

_CHART_POINTS: Final = 120
_LEAST_PARTS: Final = 10  # fewer give an interval that fills the chart


@dataclass(frozen=True, slots=True)
class ShownPart:
    """One judged attempt as the page shows it.

    Attributes:
        id: the inspection's identifier.
        defects: those that count, of all views.
        reasons: why it is not OK.
        recipe: what it was judged by; None if there was no recipe.
        shown_view: a view whose image is kept; None if there is none.
        latency_ms: from its first byte to its verdict, on the server's clock.
    """

    id: str
    station: str
    part_id: str
    attempt: int
    verdict: Verdict
    defects: tuple[DefectOut, ...]
    reasons: tuple[str, ...]
    recipe: RecipeOut | None
    shown_view: str | None
    audit: bool
    judged_at: datetime
    latency_ms: float
    engine: str | None

    @classmethod
    def of(cls, answer: InspectionOut) -> "ShownPart":
        """What the page needs of an answer."""
        kept = [frame.view for frame in answer.frames if frame.kept]
        return cls(
            id=answer.id,
            station=answer.station,
            part_id=answer.part_id,
            attempt=answer.attempt,
            verdict=answer.verdict,
            defects=answer.defects,
            reasons=tuple(reason.message for reason in answer.reasons),
            recipe=answer.recipe,
            shown_view=kept[0] if kept else None,
            audit=answer.audit,
            judged_at=answer.judged_at,
            latency_ms=(answer.judged_at - answer.opened_at).total_seconds() * 1000.0,
            engine=answer.engine,
        )

    @property
    def defect_counts(self) -> Mapping[str, int]:
        """Defects by class."""
        return Counter(defect.class_name for defect in self.defects)


@dataclass(frozen=True, slots=True)
class RatePoint:
    """The detector rate at one moment.

    Attributes:
        at: when the last of its parts was judged.
        rate: NG among OK and NG of the window, with its 95 % interval.
    """

    at: datetime
    rate: RateInterval


class LineState:
    """The last attempts and where they stand. `revision` grows with each change."""

    def __init__(self) -> None:
        self.revision = 0
        self.sequence = 0
        self._parts: deque[ShownPart] = deque(maxlen=REMEMBERED)
        self._standings: dict[str, ReviewStanding] = {}

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        self.sequence = event.sequence
        if event.type == "inspection.v1":
            if len(self._parts) == REMEMBERED:
                self._standings.pop(self._parts[0].id, None)
            self._parts.append(ShownPart.of(InspectionOut.model_validate(event.data)))
        elif event.type == "review.v1":
            review = ReviewRecorded.model_validate(event.data)
            self._standings[review.inspection_id] = review.standing
        self.revision += 1

    def latest(self, count: int) -> tuple[ShownPart, ...]:
        """The last attempts, newest first."""
        return tuple(islice(reversed(self._parts), count))

    def latest_with_image(self, count: int) -> tuple[ShownPart, ...]:
        """The last attempts whose image is kept, newest first."""
        return tuple(islice((part for part in reversed(self._parts) if part.shown_view is not None), count))

    def waiting_for_reinspection(self, count: int) -> tuple[ShownPart, ...]:
        """Parts whose last attempt was NOT_INSPECTED, newest first."""
        return tuple(islice(self._waiting(), count))

    def _waiting(self) -> Iterable[ShownPart]:
        seen: set[tuple[str, str]] = set()
        for part in reversed(self._parts):
            key = (part.station, part.part_id)
            if key not in seen:
                seen.add(key)
                if part.verdict is Verdict.NOT_INSPECTED:
                    yield part

    def standing(self, part: ShownPart) -> ReviewStanding:
        """What people have said of it."""
        return self._standings.get(part.id, ReviewStanding.UNREVIEWED)

    def verdicts(self) -> Counter[Verdict]:
        """Attempts by verdict."""
        return Counter(part.verdict for part in self._parts)

    def first_attempts(self) -> int:
        """How many of the attempts were first ones."""
        return sum(part.attempt == 1 for part in self._parts)

    def audit_draws(self) -> int:
        """How many passed parts were drawn for review."""
        return sum(part.audit for part in self._parts)

    def standings_of_ng(self) -> Counter[ReviewStanding]:
        """NG attempts by what people have said of them."""
        return Counter(self.standing(part) for part in self._parts if part.verdict is Verdict.NG)

    def latencies_ms(self) -> list[float]:
        """Times to verdict of the attempts, in order of size."""
        return sorted(part.latency_ms for part in self._parts)

    def rate_over_time(self) -> list[RatePoint]:
        """The rate of a moving window at about 120 moments, from the tenth part on."""
        judged = [part for part in self._parts if part.verdict is not Verdict.NOT_INSPECTED]
        ng_before = [0]
        for part in judged:
            ng_before.append(ng_before[-1] + (part.verdict is Verdict.NG))
        step = max(1, len(judged) // _CHART_POINTS)
        ends = range(len(judged), _LEAST_PARTS - 1, -step)
        points = []
        for end in reversed(ends):
            start = max(0, end - RATE_WINDOW)
            ng = ng_before[end] - ng_before[start]
            points.append(RatePoint(judged[end - 1].judged_at, wilson_interval(ng, end - start)))
        return points
