"""The figures that a reader wants first, in words, and what must be known before believing them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineside.training.evaluation.outcomes import Evaluation, Latency


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure.

    Attributes:
        name: what it is.
        value: the figure.
        note: how sure it is, and what is behind it.
    """

    name: str
    value: str
    note: str


def tiles(evaluation: Evaluation) -> list[Tile]:
    """The headline figures, in the order of what matters to a line."""
    figures = evaluation.figures
    verdicts, not_inspected = figures["counts"]["verdicts"], figures["counts"]["not_inspected"]
    return [
        _rate("Escapes", figures["escapes"], "defective parts"),
        _rate("Overkill", figures["overkill"], "good parts"),
        _rate("Defects found", figures["defects"]["found"], "labelled defects"),
        _figure(
            "False calls per part", figures["false_calls"]["per_part"], f"{figures['false_calls']['count']} in all"
        ),
        Tile(
            "Not inspected",
            str(verdicts["NOT_INSPECTED"]),
            f"parts without a verdict, {not_inspected['defective']} of them defective; in no rate",
        ),
        _figure("mAP50", figures["detection"]["map50"], "COCO, IoU 0.5"),
        _figure("mAP50-95", figures["detection"]["map50_95"], "COCO, IoU 0.5 to 0.95"),
        *([] if evaluation.latency_ms is None else [_latency(evaluation.latency_ms)]),
    ]


def remarks(figures: Mapping[str, Any]) -> list[str]:
    """What a reader must know before believing the figures."""
    counts, classes, intervals = figures["counts"], figures["classes"], figures["intervals"]
    said = []
    if not counts["good"]:
        said.append("The data holds no good part, so nothing is known of overkill: good parts that would be rejected.")
    if not counts["defective"]:
        said.append("The data holds no defective part, so nothing is known of escapes.")
    if classes["unknown_to_release"]:
        names = ", ".join(classes["unknown_to_release"])
        said.append(f"The release does not know {names}: every such defect counts as missed or as of the wrong class.")
    if classes["never_labelled"]:
        names = ", ".join(classes["never_labelled"])
        said.append(f"No {names} is labelled in this data: how well the release finds it is not shown.")
    without_verdict = sum(counts["not_inspected"].values())
    if without_verdict:
        said.append(f"{without_verdict} parts got no verdict (NOT_INSPECTED); they are in no rate and named below.")
    if intervals["resampled"] == "part":
        said.append(
            f"The parts come from {counts['groups']} groups (boards, lots), too few to resample: parts of one group "
            "resemble each other, so other groups will vary more than the intervals say."
        )
    return said


def percent(value: float | None) -> str:
    """A share in percent with one digit, two below one percent."""
    if value is None:
        return "unknown"
    return f"{value * 100:.{1 if value >= 0.01 or value == 0 else 2}f} %"


def share(record: Mapping[str, Any]) -> str:
    """A share with its interval and its counts."""
    if not record["units"]:
        return "unknown (none)"
    counts = f"{record['events']} of {record['units']}"
    return f"{percent(record['rate'])} [{percent(record['lower'])}, {percent(record['upper'])}] ({counts})"


def interval(record: Sequence[float] | None) -> str:
    """A figure with its interval."""
    if record is None:
        return "unknown"
    value, low, high = (f"{number:.3f}" for number in record)
    return f"{value} [{low}, {high}]"


def _rate(name: str, record: Mapping[str, Any], what: str) -> Tile:
    if not record["units"]:
        return Tile(name, "unknown", f"no {what} with a verdict in the data")
    bounds = f"95 % interval {percent(record['lower'])} to {percent(record['upper'])}"
    return Tile(name, percent(record["rate"]), f"{record['events']} of {record['units']} {what}; {bounds}")


def _figure(name: str, record: Sequence[float] | None, note: str) -> Tile:
    if record is None:
        return Tile(name, "unknown", note)
    value, low, high = (f"{number:.3f}" for number in record)
    return Tile(name, value, f"{note}; 95 % interval {low} to {high}")


def _latency(latency_ms: Latency) -> Tile:
    return Tile(
        "Time per part",
        f"{latency_ms.p50:.1f} ms",
        f"median of {latency_ms.parts} parts one by one; p95 {latency_ms.p95:.1f} ms, p99 {latency_ms.p99:.1f} ms; "
        f"{latency_ms.parts_per_s:.1f} parts a second",
    )
