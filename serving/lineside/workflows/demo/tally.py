"""Truth against verdicts, counted outside the server."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from lineside.client import InspectionAnswer
from lineside.inspection.verdict import Verdict
from lineside.statistics.rates import RateInterval, wilson_interval
from lineside.workflows.demo.draining import SinkStanding
from lineside.workflows.demo.run_rate import RunRate
from lineside.workflows.demo.virtual_line import VirtualPart

_ROUNDING = 1e-12  # an end may be the truth itself: all that is defective was confirmed


class Outcome(StrEnum):
    """What became of a part, the truth known."""

    HIT = "hit"
    """Defective and NG."""
    ESCAPE = "escape"
    """Defective and OK."""
    FALSE_CALL = "false_call"
    """Good and NG."""
    CORRECT_PASS = "correct_pass"  # noqa: S105 - no password
    """Good and OK."""
    NOT_INSPECTED = "not_inspected"
    """The server said so; it counts in no rate."""
    UNANSWERED = "unanswered"
    """The station got no answer in time and treats the part as NOT_INSPECTED."""


def outcome_of(part: VirtualPart, verdict: Verdict | None) -> Outcome:
    """Compare the truth with a verdict; None is no answer."""
    if verdict is None:
        return Outcome.UNANSWERED
    if verdict is Verdict.NOT_INSPECTED:
        return Outcome.NOT_INSPECTED
    if part.is_defective:
        return Outcome.HIT if verdict is Verdict.NG else Outcome.ESCAPE
    return Outcome.FALSE_CALL if verdict is Verdict.NG else Outcome.CORRECT_PASS


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """One part's way past the camera.

    Attributes:
        part: the part with its truth.
        answer: what the server said; None if it said nothing in time.
        outcome: the two compared.
        latency_ms: from sending the frame to having the answer, or to giving up.
        failure: why there is no answer; None if there is one.
    """

    part: VirtualPart
    answer: InspectionAnswer | None
    outcome: Outcome
    latency_ms: float
    failure: str | None = None


@dataclass(slots=True)
class Tally:
    """Running counts of one demonstration."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reviews: Counter[str] = field(default_factory=Counter)
    defective: int = 0
    marked: int = 0
    faint: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    @property
    def parts(self) -> int:
        """Parts that passed the camera."""
        return self.outcomes.total()

    @property
    def inspected(self) -> int:
        """Parts judged OK or NG: what every rate is of."""
        return self.verdicts[Verdict.NG] + self.verdicts[Verdict.OK]

    def add(
        self, part: VirtualPart, answer: InspectionAnswer | None, *, latency_ms: float, failure: str | None = None
    ) -> Passage:
        """Count one part; an answer's latency counts, a missing answer's does not."""
        verdict = None if answer is None else answer.verdict
        outcome = outcome_of(part, verdict)
        self.outcomes[outcome] += 1
        self.defective += part.is_defective
        self.marked += bool(part.marks)
        self.faint += part.is_faint
        if verdict is not None:
            self.verdicts[verdict] += 1
            self.latencies_ms.append(latency_ms)
        return Passage(part, answer, outcome, latency_ms, failure)

    def detector_rate(self) -> RateInterval:
        """Share of NG among OK and NG, with its 95 % Wilson score interval."""
        return wilson_interval(self.verdicts[Verdict.NG], self.inspected, confidence=0.95)

    def latency_ms(self, share: float) -> float | None:
        """A quantile of the latencies, from the station's side of the wire; None before the first."""
        return quantile(self.latencies_ms, share)


def quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that at least that share of the values does not exceed; None of nothing.

    >>> quantile([3.0, 1.0, 2.0], 0.5)
    2.0
    """
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What a demonstration showed.

    Attributes:
        parts: parts that passed the camera.
        defective: how many of them were truly defective.
        marked: how many bore a harmless mark, good and defective ones.
        faint: how many were defective in a way that is hard to see.
        defect_rate: the true rate that the line was set to.
        outcomes: truth against verdicts; they add up to `parts`.
        verdicts: as answered; with the unanswered they add up to `parts`.
        reviews: scripted reviews that the server took, by kind.
        detector_rate: NG among OK and NG with its 95 % Wilson score interval.
        rate: the defect rate as estimated from what people confirmed and what the audit found.
        latency_p50_ms: median from sending a frame to having its verdict; None without an answer.
        latency_p99_ms: the 99 % quantile of the same.
        duration_s: length of the run without the server's start.
        seed: of the parts.
        run_id: what the part identifiers begin with.
        data_dir: where ledger and images are.
        sinks: how far everything was delivered, one entry for each who listened.
    """

    parts: int
    defective: int
    marked: int
    faint: int
    defect_rate: float
    outcomes: dict[Outcome, int]
    verdicts: dict[Verdict, int]
    reviews: dict[str, int]
    detector_rate: RateInterval
    rate: RunRate
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    duration_s: float
    seed: int
    run_id: str
    data_dir: Path
    sinks: tuple[SinkStanding, ...] = ()

    @property
    def true_rate(self) -> float | None:
        """Truly defective among all parts that passed the camera; None of no part."""
        return self.defective / self.parts if self.parts else None

    @property
    def true_rate_inspected(self) -> float | None:
        """Truly defective among the parts judged OK or NG, of which both rates speak; None of no part."""
        of = {outcome: self.outcomes.get(outcome, 0) for outcome in Outcome}
        defective = of[Outcome.HIT] + of[Outcome.ESCAPE]
        inspected = defective + of[Outcome.FALSE_CALL] + of[Outcome.CORRECT_PASS]
        return defective / inspected if inspected else None

    @property
    def is_truth_in_rate(self) -> bool | None:
        """Whether the truth lies in the interval of the rate; None without a part to speak of."""
        return self._holds_truth(self.rate.estimate.lower, self.rate.estimate.upper)

    @property
    def is_truth_in_detector_rate(self) -> bool | None:
        """Whether it lies in the interval of the detector rate; None without a part to speak of."""
        return self._holds_truth(self.detector_rate.lower, self.detector_rate.upper)

    def _holds_truth(self, lower: float, upper: float) -> bool | None:
        truth = self.true_rate_inspected
        return None if truth is None else lower - _ROUNDING <= truth <= upper + _ROUNDING
