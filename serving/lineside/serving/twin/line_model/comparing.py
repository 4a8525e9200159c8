"""Options against the line as it is, on the same parts: paired runs, intervals, an order where one is shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from lineside.serving.twin.line_model.durations import Numbers
from lineside.serving.twin.line_model.errors import ImpossibleLine, RunTooLarge, UnstableLine
from lineside.serving.twin.line_model.estimating import Estimate, estimate
from lineside.serving.twin.line_model.line import Line, load_of
from lineside.serving.twin.line_model.numbers import check_count, check_not_negative, check_positive
from lineside.serving.twin.line_model.outcome import Costs, Measure
from lineside.serving.twin.line_model.simulating import simulate

MOST_SIMULATED_PARTS: Final = 4_000_000
"""Of all runs together: some 20 microseconds each on the machine that this was measured on, so about 80 s."""

FEWEST_DRAWS, MOST_DRAWS = 5, 200
MOST_REPLICATIONS: Final = 50


@dataclass(frozen=True, slots=True)
class Change:
    """What an option does to a line; None leaves it.

    Attributes:
        threshold: the score from which a part is flagged.
        stations: how many look at parts of the one queue.
        rework_places: parts that can be in rework at once.
        pace: so many times as fast as parts came.
    """

    threshold: float | None = None
    stations: int | None = None
    rework_places: int | None = None
    pace: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no change is."""
        if self.threshold is not None:
            check_not_negative("the threshold", self.threshold)
        if self.pace is not None:
            check_positive("the pace", self.pace)

    def applied_to(self, line: Line) -> Line:
        """The line with the change.

        Raises:
            ImpossibleLine: there is no such line.
        """
        return replace(
            line,
            arrivals=line.arrivals if self.pace is None else line.arrivals.at_pace(self.pace),
            threshold=line.threshold if self.threshold is None else self.threshold,
            stations=line.stations if self.stations is None else self.stations,
            rework=line.rework if self.rework_places is None else replace(line.rework, places=self.rework_places),
        )


class Standing(StrEnum):
    """How an option stands against the line as it is."""

    CHEAPER = "cheaper"
    DEARER = "dearer"
    NOT_SHOWN = "not_shown"
    """The interval of the difference holds 0."""

    UNSTABLE = "unstable"
    """Its queues only grow; it was not run."""


@dataclass(frozen=True, slots=True)
class OptionOutcome:
    """What came of an option.

    Attributes:
        name: as given.
        standing: against the line as it is.
        why_not_run: for an unstable one.
        measures: each with its interval; empty if it was not run.
        differences: to the line as it is, on the same parts; empty if it was not run.
        inspection_load: utilisation of the stations.
        rework_load: utilisation of the places of rework.
    """

    name: str
    standing: Standing
    why_not_run: str | None
    measures: Mapping[Measure, Estimate]
    differences: Mapping[Measure, Estimate]
    inspection_load: float
    rework_load: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A line as it is, and its options, the cheapest first.

    Attributes:
        as_is: measures of the line as it is.
        options: by mean cost per part; unstable ones last.
        runs: of each.
        simulated_parts: in all.
    """

    as_is: Mapping[Measure, Estimate]
    options: tuple[OptionOutcome, ...]
    runs: int
    simulated_parts: int


Runs = Mapping[Measure, Numbers]
"""By measure: (draws, replications)."""


def run_lines(
    lines: Sequence[Line],
    costs: Costs,
    *,
    replications: int,
    seed: int,
    tick: Callable[[], None] = lambda: None,
) -> Runs:
    """Run each line so many times.

    Args:
        lines: one for each draw of the inputs; the same line again and again where they are known.
        costs: of the outcomes.
        replications: runs of each.
        seed: of the comparison; the same gives the same parts.
        tick: called after each run.

    Raises:
        UnstableLine: one of them is.
        ImpossibleLine: there are too few or too many.
    """
    check_count("the number of draws", len(lines), least=FEWEST_DRAWS, most=MOST_DRAWS)
    check_count("the number of replications", replications, most=MOST_REPLICATIONS)
    check_size(lines, replications=replications, options=0)
    values = {measure: np.empty((len(lines), replications)) for measure in Measure}
    for draw, line in enumerate(lines):
        for replication in range(replications):
            outcome = simulate(line, seed=seed, replication=draw * replications + replication)
            for measure, value in outcome.measures(costs).items():
                values[measure][draw, replication] = value
            tick()
    return values


def compare(
    lines: Sequence[Line],
    options: Mapping[str, Sequence[Line]],
    costs: Costs,
    *,
    replications: int,
    seed: int,
    confidence: float = 0.95,
    tick: Callable[[], None] = lambda: None,
) -> Comparison:
    """Run the line as it is and each option, on the same parts with the same luck.

    Args:
        lines: one for each draw of the inputs.
        options: by name; as many lines each, of the same draws.
        costs: of the outcomes.
        replications: runs of each draw and option; at least 2, or the doubt about the inputs cannot be told apart.
        seed: the same seed gives the same answer.
        confidence: of the intervals; those of the differences hold for all options together (Bonferroni: A. M. Law,
            "Simulation Modeling and Analysis", 5th ed., section 10.3.1), or of twelve options that change nothing one
            would soon be called cheaper.
        tick: called after each run.

    Raises:
        UnstableLine: the line as it is has no end of its queue; an option that has none is reported instead.
        RunTooLarge: all runs together are more than this program may spend.
        ImpossibleLine: another number is impossible.
    """
    check_count("the number of replications", replications, least=2, most=MOST_REPLICATIONS)
    check_size(lines, replications=replications, options=len(options))
    if any(len(changed) != len(lines) for changed in options.values()):
        raise ImpossibleLine("an option with more or fewer draws than the line as it is; expected as many")
    as_is = run_lines(lines, costs, replications=replications, seed=seed, tick=tick)
    of_all = 1.0 - (1.0 - confidence) / max(1, len(options))
    outcomes = []
    for name, option in options.items():
        loads = [load_of(line) for line in option]
        inspection_load = float(np.mean([load.inspection for load in loads]))
        rework_load = float(np.mean([load.rework for load in loads]))
        try:
            runs = run_lines(option, costs, replications=replications, seed=seed, tick=tick)
        except UnstableLine as error:
            outcomes.append(OptionOutcome(name, Standing.UNSTABLE, str(error), {}, {}, inspection_load, rework_load))
            continue
        differences = {measure: estimate(runs[measure] - as_is[measure], confidence=of_all) for measure in Measure}
        outcomes.append(
            OptionOutcome(
                name=name,
                standing=_standing(differences[Measure.COST_PER_PART]),
                why_not_run=None,
                measures={measure: estimate(runs[measure], confidence=confidence) for measure in Measure},
                differences=differences,
                inspection_load=inspection_load,
                rework_load=rework_load,
            )
        )
    stable = 1 + sum(outcome.standing is not Standing.UNSTABLE for outcome in outcomes)
    return Comparison(
        as_is={measure: estimate(as_is[measure], confidence=confidence) for measure in Measure},
        options=tuple(sorted(outcomes, key=_place)),
        runs=len(lines) * replications,
        simulated_parts=stable * replications * sum(line.arrivals.most_parts for line in lines),
    )


def check_size(lines: Sequence[Line], *, replications: int, options: int) -> None:
    """Refuse more than this program may spend time and memory on.

    Raises:
        RunTooLarge: saying how many parts it would be.
    """
    parts = sum(line.arrivals.most_parts for line in lines) * replications * (1 + options)
    if parts > MOST_SIMULATED_PARTS:
        raise RunTooLarge(
            f"{parts:,} simulated parts in all; expected at most {MOST_SIMULATED_PARTS:,}: ask of a shorter period, "
            "fewer options, or fewer draws and replications"
        )


def _standing(difference: Estimate) -> Standing:
    if difference.upper < 0.0:
        return Standing.CHEAPER
    if difference.lower > 0.0:
        return Standing.DEARER
    return Standing.NOT_SHOWN


def _place(outcome: OptionOutcome) -> tuple[bool, float, str]:
    if outcome.standing is Standing.UNSTABLE:
        return (True, 0.0, outcome.name)
    return (False, outcome.measures[Measure.COST_PER_PART].mean, outcome.name)
