"""The tables of `label_loop`, and what was settled before its first compared run: seeds, budget and margins."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.report import Report, Table
from lineside.statistics.rates import wilson_interval
from lineside.workflows.demo.loop import Arm

SEEDS = (1, 2, 3, 4, 5)
BUDGET = 40
ANNOTATOR_ERRORS = 0.03
LATER_PARTS = 2500
"""Parts of the same line after the labelled ones; of these the defective ones (about 200) and the first good ones are
judged, by the starter and by each candidate."""
LATER_GOOD = 100
LEAST_FALL = 0.5
"""Margin: the line's escape rate with the candidate of the queue's labels, at most so many times the starter's (means
over the seeds)."""
LEAST_GAIN = 0.7
"""Margin: and at most so many times that with the candidate of as many random labels."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a release does to the later parts.

    Attributes:
        films: defective parts with films.
        film_escapes: of these, passed.
        solids: other defective parts.
        solid_escapes: of these, passed.
        good: good parts.
        false_calls: of these, stopped.
    """

    films: int
    film_escapes: int
    solids: int
    solid_escapes: int
    good: int
    false_calls: int

    @property
    def escape_rate(self) -> float:
        """Of the defective parts of the line."""
        return (self.film_escapes + self.solid_escapes) / (self.films + self.solids)

    @classmethod
    def of(cls, judged: Iterable[tuple[bool, bool, bool]]) -> "Passed":
        """Count parts: whether each is defective, whether its defects are films, whether it was stopped."""
        counts = Counter(judged)
        return cls(
            films=counts[True, True, True] + counts[True, True, False],
            film_escapes=counts[True, True, False],
            solids=counts[True, False, True] + counts[True, False, False],
            solid_escapes=counts[True, False, False],
            good=counts[False, False, True] + counts[False, False, False],
            false_calls=counts[False, False, True],
        )


def report(runs: Sequence[Mapping[str, Any]]) -> Report:
    """The tables of what was run."""
    ordered = sorted(runs, key=lambda each: (each["seed"], each["arm"]))
    by_arm = {arm: [each for each in ordered if each["arm"] == arm.value] for arm in Arm}
    each_run = Table(
        f"{BUDGET} labels after a process change: the line's escape rate before and after, by seed and arm",
        (
            "seed, arm", "films labelled", "wrong readings", "escapes: starter", "candidate", "of films", "of solids",
            "false calls", "gate", "training s",
        ),
        [_run_row(each) for each in ordered],
        notes=(
            "films labelled: parts with the new look; in brackets, which of them the line had passed, of all it passed",
            f"escapes: of the defective ones among {LATER_PARTS} later parts of the same line",
            f"false calls: of the first {LATER_GOOD} good ones of these, with the candidate",
            "the candidate's rate is given whatever the gate said",
        ),
    )  # fmt: skip
    rows, figures = _compared(by_arm)
    compared = Table(
        "The comparison, with the margins that were set before",
        ("what", "aim", "found"),
        rows,
        notes=("differences are paired by seed; mean with a 95 % t interval",),
    )
    again = [each for each in ordered if each.get("same_thresholds")]
    tables = (compared, each_run, *((_same_thresholds(again),) if again else ()))
    return Report(tables, {"runs": list(ordered), **figures})


def _same_thresholds(runs: Sequence[Mapping[str, Any]]) -> Table:
    """What is not settled beforehand, and said to be so."""
    rows = []
    for run in runs:
        passed, own = Passed(**run["same_thresholds"]), run["thresholds"]
        rows.append(
            (
                f"{run['seed']}, {run['arm']}",
                f"{min(own.values()):.2f} to {max(own.values()):.2f}",
                f"{Passed(**run['candidate']).escape_rate:.1%}",
                f"{passed.escape_rate:.1%}",
                f"{passed.film_escapes} of {passed.films}",
                f"{passed.false_calls} of {passed.good}",
            )
        )
    return Table(
        "Looked at afterwards: the same candidates with the starter's thresholds in place of their own",
        ("seed, arm", "own thresholds", "escapes with them", "with the starter's", "of films", "false calls"),
        rows,
        notes=("a release's own thresholds are those of the best F on split val, in which new labels are too",),
    )


def _run_row(run: Mapping[str, Any]) -> tuple[str, ...]:
    starter, candidate = Passed(**run["starter"]), Passed(**run["candidate"])
    interval = wilson_interval(
        candidate.film_escapes + candidate.solid_escapes, candidate.films + candidate.solids, confidence=0.95
    )
    blocking = dict.fromkeys(each.partition(": ")[0] for each in run["blocking"])
    gate = "not asked" if run["gate"] is None else f"refused: {', '.join(blocking)}" if blocking else "passed"
    return (
        f"{run['seed']}, {run['arm']}",
        f"{run['films_labelled']} ({run['film_escapes_labelled']} of {run['film_escapes_before']})",
        str(run["wrong_readings"]),
        f"{starter.escape_rate:.1%}",
        f"{candidate.escape_rate:.1%} [{interval.lower:.1%}, {interval.upper:.1%}]",
        f"{candidate.film_escapes} of {candidate.films} (starter {starter.film_escapes})",
        f"{candidate.solid_escapes} of {candidate.solids} (starter {starter.solid_escapes})",
        f"{candidate.false_calls} of {candidate.good}",
        gate,
        f"{run['seconds']['training']:.0f}",
    )


def _compared(by_arm: Mapping[Arm, Sequence[Mapping[str, Any]]]) -> tuple[list[tuple[str, str, str]], dict[str, Any]]:
    rates = {
        arm: {each["seed"]: Passed(**each["candidate"]).escape_rate for each in runs} for arm, runs in by_arm.items()
    }
    starter = {each["seed"]: Passed(**each["starter"]).escape_rate for runs in by_arm.values() for each in runs}
    seeds = sorted(set(rates[Arm.PICKED]) & set(rates[Arm.RANDOM]))
    if not seeds:
        return [("both arms of one seed", "-", "not run yet")], {}
    mean = {arm: statistics.fmean(rates[arm][seed] for seed in seeds) for arm in Arm}
    before = statistics.fmean(starter[seed] for seed in seeds)
    fall, gain = mean[Arm.PICKED] / before, mean[Arm.PICKED] / mean[Arm.RANDOM] if mean[Arm.RANDOM] else float("nan")
    difference = _t_interval([rates[Arm.PICKED][seed] - rates[Arm.RANDOM][seed] for seed in seeds])
    found = {arm: [each["film_escapes_labelled"] for each in by_arm[arm] if each["seed"] in seeds] for arm in Arm}
    rows = [
        ("escape rate of the line with the starter, mean", "-", f"{before:.1%}"),
        ("after the queue's labels, mean", "-", f"{mean[Arm.PICKED]:.1%}"),
        ("after as many random labels, mean", "-", f"{mean[Arm.RANDOM]:.1%}"),
        ("queue's labels, times the starter", f"<= {LEAST_FALL}", _held(fall, LEAST_FALL)),
        ("queue's labels, times random labels", f"<= {LEAST_GAIN}", _held(gain, LEAST_GAIN)),
        ("queue less random, points", "-", difference),
        (
            "seeds with fewer escapes after the queue's labels", "-",
            f"{sum(rates[Arm.PICKED][seed] < rates[Arm.RANDOM][seed] for seed in seeds)} of {len(seeds)}",
        ),
        (
            "passed films among the labels, mean", "-",
            f"{statistics.fmean(found[Arm.PICKED]):.1f} by the queue, {statistics.fmean(found[Arm.RANDOM]):.1f} by lot",
        ),
        (
            "gates that refused", "-",
            ", ".join(f"{arm}: {_refused(by_arm[arm])}" for arm in Arm),
        ),
    ]  # fmt: skip
    figures = {
        "seeds": seeds, "before": before, "picked": mean[Arm.PICKED], "random": mean[Arm.RANDOM],
        "fall": fall, "gain": gain,
    }  # fmt: skip
    return rows, figures


def _refused(runs: Sequence[Mapping[str, Any]]) -> str:
    """Refused ones of those whose gate was asked."""
    asked = [each for each in runs if each["gate"] is not None]
    return f"{sum(bool(each['blocking']) for each in asked)} of {len(asked)}"


def _held(value: float, limit: float) -> str:
    return f"{value:.2f}" if value <= limit else f"{value:.2f}: **missed**"


_T_975 = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31, 9: 2.26}


def _t_interval(differences: Sequence[float]) -> str:
    mean = statistics.fmean(differences)
    if len(differences) < 2:
        return f"{100 * mean:+.1f}"
    half = _T_975[len(differences) - 1] * statistics.stdev(differences) / len(differences) ** 0.5
    return f"{100 * mean:+.1f} [{100 * (mean - half):+.1f}, {100 * (mean + half):+.1f}]"
