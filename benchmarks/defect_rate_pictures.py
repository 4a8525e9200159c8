"""The pictures of docs/guides/defect-rates.md, from two runs of the demonstration line.

Drawn anew with `python -m benchmarks.defect_rate_pictures`.

The first run is the line as it is by default; in the second, three times as many boards are defective. The boards are
those of the seeds; which passed boards the audit draws is the plant's secret and differs from run to run, so the
pictures do too, a little.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from lineside.inspection.verdict import Verdict
from lineside.statistics.rates import (
    FlaggedStratum,
    PassedStratum,
    RateCounts,
    SamplingPlan,
    estimate_rate,
    operating_characteristic,
)
from lineside.statistics.spc import ChartKind, Subgroup, control_chart
from lineside.workflows.demo import DemoPlan, DemoSite, DemoSummary, Passage, Tally, run_demo
from lineside.workflows.figures import (
    Mark,
    Panel,
    Quantity,
    RateRow,
    chart_figure,
    oc_figure,
    rate_figure,
    save_figure,
)

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "guides" / "pictures"
AUDIT_SHARE: Final = 0.25
AS_EVER, WORSE = (0.05, 960, 1), (0.15, 288, 2)
"""Of each run: true rate, boards, seed; 20 lots of 48 and 6."""


@dataclass
class Onlooker:
    """Keeps every passage: what the line knows of a part beside what the server said."""

    passages: list[Passage] = field(default_factory=list)

    def stage(self, name: str) -> None:
        """Nothing to show."""

    def running(self, site: DemoSite) -> None:
        """Nobody looks."""

    def judged(self, passage: Passage, _tally: Tally) -> None:
        """Keep it."""
        self.passages.append(passage)


def main() -> int:
    """Run the lines, draw, and write the figures that the guide quotes."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        runs = [_run(Path(folder), *run) for run in (AS_EVER, WORSE)]
    (summary, passages), (worse, later) = runs
    counts = _counts(passages)
    found = estimate_rate(counts)
    if (found.inspected, found.confirmed) != (summary.rate.estimate.inspected, summary.rate.estimate.confirmed):
        raise SystemExit(f"the server counts {summary.rate.estimate}, the line {found}")
    save_figure(_narrowing(passages), FOLDER / "rate-narrows.svg")
    save_figure(_audits(passages), FOLDER / "rate-by-audit.svg")
    save_figure(_charts(passages, later), FOLDER / "charts.svg")
    save_figure(_audit_curve(counts), FOLDER / "audit-curve.svg")
    figures = {"as_ever": _figures(summary), "worse": _figures(worse)}
    (FOLDER / "defect-rates.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))
    return 0


def _run(folder: Path, rate: float, parts: int, seed: int) -> tuple[DemoSummary, list[Passage]]:
    view = Onlooker()
    plan = DemoPlan(
        data_dir=folder,
        parts=parts,
        defect_rate=rate,
        audit_share=AUDIT_SHARE,
        seed=seed,
        parts_per_s=40.0,
        port=0,
        page=False,
        engine="onnxruntime-fp32",
    )
    summary = asyncio.run(run_demo(plan, view=view, stop=asyncio.Event()))
    return summary, sorted(view.passages, key=lambda passage: passage.part.number)


def _counts(passages: Sequence[Passage], *, audits: int | None = None) -> RateCounts:
    """The strata as the server has them, the scripted reviewer being honest; with `audits`, of the first draws only."""
    answers = [(each.part, each.answer) for each in passages if each.answer is not None]
    flagged = [part for part, answer in answers if answer.verdict is Verdict.NG]
    passed = [(part, answer.audit) for part, answer in answers if answer.verdict is Verdict.OK]
    drawn = [part for part, is_drawn in passed if is_drawn][:audits]
    hits, escapes = (sum(part.is_defective for part in group) for group in (flagged, drawn))
    return RateCounts(
        (FlaggedStratum(len(flagged), 1.0, len(flagged), len(flagged), hits),),
        (PassedStratum(len(passed), AUDIT_SHARE, len(drawn), len(drawn), escapes),),
    )


def _row(label: str, passages: Sequence[Passage], *, audits: int | None = None) -> RateRow:
    counts = _counts(passages, audits=audits)
    found = estimate_rate(counts)
    return RateRow(
        label=label,
        point=found.point,
        lower=found.lower,
        upper=found.upper,
        inspected=found.inspected,
        detector_rate=found.detector_rate.estimate,
        detector_lower=found.detector_rate.lower,
        detector_upper=found.detector_rate.upper,
        truth=sum(each.part.is_defective for each in passages if each.answer is not None) / found.inspected,
    )


def _narrowing(passages: Sequence[Passage]) -> Any:
    rows = [_row(f"first {parts} boards", passages[:parts]) for parts in (48, 144, 480, 960)]
    return rate_figure(rows, title="More boards narrow both intervals; only one of them closes in on the truth")


def _audits(passages: Sequence[Passage]) -> Any:
    drawn = sum(
        each.answer is not None and each.answer.verdict is Verdict.OK and each.answer.audit for each in passages
    )
    rows = [
        _row("nobody audits" if audits == 0 else f"{audits} audited", passages, audits=audits)
        for audits in (0, 10, 50, drawn)
    ]
    return rate_figure(rows, title="The same boards: what got past is known as well as the audit was thorough")


def _charts(passages: Sequence[Passage], later: Sequence[Passage]) -> Any:
    lots = [list(group) for run in (passages, later) for _, group in groupby(run, key=lambda each: each.part.lot)]
    labels = [f"lot {number}" for number in range(1, len(lots) + 1)]
    counted = [_counts(lot) for lot in lots]
    confirmed = [Subgroup(label, each.confirmed, each.inspected) for label, each in zip(labels, counted, strict=True)]
    called = [Subgroup(label, each.parts_flagged, each.inspected) for label, each in zip(labels, counted, strict=True)]
    calm = len({each.part.lot for each in passages})
    panels = []
    for kind, subgroups, title in (
        (ChartKind.P_PRIME, confirmed, "confirmed defective boards, Laney p'"),
        (ChartKind.EWMA, confirmed, "the same, EWMA (0.1)"),
        (ChartKind.P_PRIME, called, "what the detector called, Laney p'"),
    ):
        baseline = control_chart(kind, subgroups[:calm]).baseline
        panels.append(Panel(control_chart(kind, subgroups, baseline=baseline), title, Quantity.SHARE))
    return chart_figure(
        panels,
        title=f"Limits from the first {calm} lots; then three times as many boards are defective",
        marks=[Mark(labels[calm], f"the true rate goes from {AS_EVER[0]:.0%} to {WORSE[0]:.0%}")],
    )


def _audit_curve(counts: RateCounts) -> Any:
    curves = [
        operating_characteristic(SamplingPlan(sample, 0), lot=counts.parts_passed) for sample in (50, counts.audited)
    ]
    return oc_figure(curves, title="The chance that the audit of passed boards finds no escape")


def _figures(summary: DemoSummary) -> dict[str, Any]:
    rate, detector = summary.rate.estimate, summary.detector_rate
    return {
        "inspected": rate.inspected,
        "true_rate": summary.true_rate_inspected,
        "detector_rate": [detector.lower, detector.estimate, detector.upper],
        "rate": [rate.lower, rate.point, rate.upper],
        "contract_upper_bound": rate.contract_upper_bound,
        "confirmed": rate.confirmed,
        "audited": summary.rate.audited,
        "escapes_found": summary.rate.escapes_found,
        "outcomes": {outcome.value: count for outcome, count in summary.outcomes.items()},
        "rate_holds_truth": summary.is_truth_in_rate,
        "detector_rate_holds_truth": summary.is_truth_in_detector_rate,
    }


if __name__ == "__main__":
    sys.exit(main())
