"""One run of a line, event by event (SimPy)."""

from collections import Counter
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from lineside.serving.twin.line_model.line import Line, check_stable
from lineside.serving.twin.line_model.numbers import check_not_negative
from lineside.serving.twin.line_model.outcome import PeriodOutcome
from lineside.serving.twin.line_model.parts import Chances, Purpose

if TYPE_CHECKING:
    import simpy

_AS_MANY_AS_COME: Final = 1_000_000_000


def simulate(line: Line, *, seed: int, replication: int = 0, warm_up_s: float = 0.0) -> PeriodOutcome:
    """Run a line from empty until its arrivals' span is over.

    Args:
        line: what is simulated.
        seed: of the comparison that the run belongs to.
        replication: which run of it; the same number has the same parts in every scenario.
        warm_up_s: waiting is counted only for inspections asked for after that time; counts of parts are of all.

    Raises:
        UnstableLine: parts come faster than they can be looked at or reworked.
        ImpossibleLine: the warm-up is no time.
    """
    check_stable(line)
    check_not_negative("the warm-up in seconds", warm_up_s)
    return _Run(line, seed=seed, replication=replication, warm_up_s=warm_up_s).outcome()


class _Run:
    """The state of one run."""

    def __init__(self, line: Line, *, seed: int, replication: int, warm_up_s: float) -> None:
        import simpy  # only who simulates pays for it

        chances = Chances(seed, replication, line.arrivals.most_parts, line.attempts)
        self._line = line
        self._warm_up_s = warm_up_s
        self._env: simpy.Environment = simpy.Environment()
        self._stations = simpy.Resource(self._env, line.stations)
        self._rework = simpy.Resource(self._env, line.rework.places or _AS_MANY_AS_COME)
        self._instants = line.arrivals.instants(chances.arrivals).tolist()
        kinds = line.parts.kinds(chances.kinds)
        self._defective = line.parts.is_defective[kinds].tolist()
        self._flagged = (line.parts.scores[kinds] >= line.threshold).tolist()
        self._inspection_s = line.inspection.seconds(chances.by_attempt(Purpose.INSPECTION)).tolist()
        self._unjudged = (chances.by_attempt(Purpose.NOT_INSPECTED) < line.not_inspected).tolist()
        self._what_next = chances.by_attempt(Purpose.WHAT_NEXT).tolist()
        self._later = chances.by_attempt(Purpose.LATER_VERDICT).tolist()
        turnaround = chances.by_attempt(Purpose.TURNAROUND)
        self._work_s = line.rework.work.seconds(turnaround).tolist()
        self._retest_s = line.retest_flagged.turnaround.seconds(turnaround).tolist()
        self._again_s = line.retest_not_inspected.turnaround.seconds(turnaround).tolist()
        self._counts: Counter[str] = Counter()
        self._waited_s = self._to_last_verdict_s = self._area_s = self._sojourn_s = 0.0
        self._inside: dict[int, float] = {}
        self._last_verdict_s: dict[int, float] = {}
        self._changed_at = 0.0

    def outcome(self) -> PeriodOutcome:
        """Run to the end and count."""
        span_s = self._line.arrivals.span_s
        self._env.process(self._arrive())
        self._env.run(until=span_s)
        self._area_s += len(self._inside) * (span_s - self._changed_at)
        for arrived_at in self._inside.values():
            self._sojourn_s += span_s - arrived_at
            self._note_lateness(span_s - arrived_at)
        counts = self._counts
        return PeriodOutcome(
            span_s=span_s,
            arrived=counts["arrived"],
            passed=counts["passed"],
            rejected=counts["rejected"],
            scrapped=counts["scrapped"],
            set_aside=counts["set_aside"],
            in_system=len(self._inside),
            first_judged=counts["first_judged"],
            first_flagged=counts["first_flagged"],
            escapes=counts["escapes"],
            false_calls=counts["false_calls"],
            reworks=counts["reworks"],
            late=counts["late"],
            inspections=counts["inspections"],
            waited_s=self._waited_s,
            with_verdict=len(self._last_verdict_s),
            to_last_verdict_s=sum(self._last_verdict_s.values()),
            in_system_area_s=self._area_s,
            sojourn_s=self._sojourn_s,
        )

    def _arrive(self) -> "Generator[simpy.Event, Any, None]":
        env = self._env
        for index, instant in enumerate(self._instants):
            if instant > env.now:
                yield env.timeout(instant - env.now)
            self._number_changes()
            self._inside[index] = env.now
            self._counts["arrived"] += 1
            env.process(self._pass_through(index))

    def _pass_through(self, index: int) -> "Generator[simpy.Event, Any, None]":
        """The way of one part."""
        line, env, counts = self._line, self._env, self._counts
        is_defective, is_flagged = self._defective[index], self._flagged[index]
        is_judged = False
        for attempt in range(line.attempts):
            asked_at = env.now
            with self._stations.request() as place:
                yield place
                if asked_at >= self._warm_up_s:
                    counts["inspections"] += 1
                    self._waited_s += env.now - asked_at
                yield env.timeout(self._inspection_s[index][attempt])
            self._last_verdict_s[index] = env.now - self._inside[index]
            is_last = attempt == line.attempts - 1
            if self._unjudged[index][attempt]:
                if is_last or self._what_next[index][attempt] >= line.retest_not_inspected.share:
                    self._leave(index, "set_aside")
                    return
                yield env.timeout(self._again_s[index][attempt])
                continue
            if not is_judged:
                is_judged = True
                counts["first_judged"] += 1
                counts["first_flagged"] += is_flagged
            if not is_flagged:
                counts["escapes"] += is_defective
                self._leave(index, "passed")
                return
            counts["false_calls"] += not is_defective
            fate = self._fate(self._what_next[index][attempt])
            if is_last or fate in ("scrapped", "rejected"):
                self._leave(index, "scrapped" if is_last else fate)
                return
            if fate == "rework":
                counts["reworks"] += 1
                with self._rework.request() as place:
                    yield place
                    yield env.timeout(self._work_s[index][attempt])
                is_flagged = self._later[index][attempt] >= line.rework.pass_share
                is_defective = is_defective and is_flagged
            else:
                yield env.timeout(self._retest_s[index][attempt])
                is_flagged = self._later[index][attempt] >= line.retest_flagged.pass_share

    def _fate(self, chance: float) -> str:
        """What becomes of a flagged part."""
        line = self._line
        for fate, share in (
            ("rework", line.rework.share),
            ("retest", line.retest_flagged.share),
            ("scrapped", line.scrap),
        ):
            if chance < share:
                return fate
            chance -= share
        return "rejected"

    def _leave(self, index: int, fate: str) -> None:
        self._number_changes()
        spent_s = self._env.now - self._inside.pop(index)
        self._sojourn_s += spent_s
        self._note_lateness(spent_s)
        self._counts[fate] += 1

    def _note_lateness(self, spent_s: float) -> None:
        if self._line.late_after_s is not None and spent_s > self._line.late_after_s:
            self._counts["late"] += 1

    def _number_changes(self) -> None:
        self._area_s += len(self._inside) * (self._env.now - self._changed_at)
        self._changed_at = self._env.now
