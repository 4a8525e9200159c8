"""`drift`: what the watch for drift finds, how often it alarms on an undisturbed line, and what a look costs."""

import time
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from benchmarks.drift_lines import TESTS, THRESHOLD, batches, day, p_values
from benchmarks.options import Options
from benchmarks.report import Report, Table
from lineside.statistics import clopper_pearson
from lineside.statistics.drift import Reference, WatchLimits, look

SEED = 20261123
LEVEL = 0.01

EVENTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "nothing changed": {},
        "defects fainter: recall 0.9 to 0.6": {"recall": 0.6},
        "defects much fainter: recall 0.9 to 0.3": {"recall": 0.3},
        "good parts shift: false calls 1 to 1.5 %": {"false_calls": 0.015},
    }
)
_WANDERS = (0.0, 1.0, 3.0)
_RISKS = (0.05, 0.01)


def measure(options: Options) -> Report:
    """Simulate days and looks."""
    power, power_figures = _power(options.some(300, 20), options)
    alarms, alarm_figures = _false_alarms(options.some(400, 20), options)
    return Report((power, alarms), {"power": power_figures, "false_alarms": alarm_figures})


def _power(days: int, options: Options) -> tuple[Table, dict[str, list[float]]]:
    figures = {}
    for event, changes in EVENTS.items():
        options.say(event)
        random = np.random.default_rng(SEED)
        found = np.zeros(len(TESTS))
        for _ in range(days):
            found += p_values(day(random, 50_000), day(random, 10_000, **changes)) <= LEVEL
        figures[event] = [float(share) for share in found / days]
    table = Table(
        f"Share of {days} days on which a test alarms at level 1 %: 10,000 parts, 1 % defective; reference 50,000",
        ("event", *TESTS),
        [(event, *(f"{share:.2f}" for share in shares)) for event, shares in figures.items()],
        ("Scores are normal in log odds: an idealised line. A defect that leaves every score alone is not in here.",),
    )
    return table, figures


def _false_alarms(runs: int, options: Options) -> tuple[Table, list[dict[str, float]]]:
    figures = []
    for wander in _WANDERS:
        for risk in _RISKS:
            options.say(f"undisturbed, wander {wander}, risk {risk}")
            random = np.random.default_rng(SEED)
            limits = WatchLimits(risk_per_look=risk, window_parts=1000, look_parts=1000)
            alarms, looked_s = 0, 0.0
            for _ in range(runs):
                reference = Reference.of(batches(random, 100, wander=wander), threshold=THRESHOLD)
                since = batches(random, 20, wander=wander)
                began_s = time.perf_counter()
                alarms += bool(look(reference, since, limits=limits).changes)
                looked_s += time.perf_counter() - began_s
            interval = clopper_pearson(alarms, runs)
            figures.append(
                {
                    "wander": wander,
                    "risk": risk,
                    "alarms": alarms,
                    "looks": runs,
                    "lower": interval.lower,
                    "upper": interval.upper,
                    "look_ms": looked_s / runs * 1000,
                }
            )
    table = Table(
        f"Alarms of an undisturbed line: share of {runs} looks at 1,000 parts against a reference of 5,000",
        ("light wanders by, gray levels", "stated risk", "alarms", "95 % interval", "a look, ms"),
        [
            (
                f"{found['wander']:g}",
                f"{found['risk']:.0%}",
                f"{found['alarms'] / found['looks']:.1%}",
                f"{found['lower']:.1%} to {found['upper']:.1%}",
                f"{found['look_ms']:.0f}",
            )
            for found in figures
        ],
        (
            "All tests of a look together, cumulative sums included.",
            "Without the wandering, the mean light of a batch of 50 parts has a spread of 0.28 gray levels.",
        ),
    )
    return table, figures
