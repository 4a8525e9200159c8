"""The report's page: figures, curves, and a picture of every escape and every false call."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from lineside.datasets.revisions import RevisionStore
from lineside.inspection.verdict import Verdict
from lineside.training.evaluation.curves import THRESHOLDS
from lineside.training.evaluation.evaluating import JudgedRevision
from lineside.training.evaluation.report.charts import Axis, Bar, Series, bar_chart, line_chart
from lineside.training.evaluation.report.headlines import interval, percent, remarks, share, tiles
from lineside.training.evaluation.report.mistakes import MistakePictures

_LEAST_FALSE_CALLS = 0.001  # a part; where the chart's logarithmic axis begins


def write_report(judged: JudgedRevision, store: RevisionStore, path: Path, *, now: datetime) -> None:
    """Write the page: one file that needs nothing else, not even a network.

    Args:
        judged: the evaluation with its parts.
        store: holds their pictures.
        path: the file to write.
        now: aware UTC instant, for the page's date.
    """
    evaluation = judged.evaluation
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "share": share, "interval": interval}
    pictures = MistakePictures(judged, store)
    reasons = {
        part.part_id: "; ".join(reason.message for reason in part.judgement.reasons)
        for part in judged.parts
        if part.judgement.verdict is Verdict.NOT_INSPECTED
    }
    page = environment.get_template("page.html.jinja").stream(
        evaluation=evaluation,
        figures=evaluation.figures,
        tiles=tiles(evaluation),
        remarks=remarks(evaluation.figures),
        charts=_charts(evaluation.figures),
        escapes=pictures.escapes(),
        false_calls=pictures.false_calls(),
        reasons=reasons,
        now=now,
    )
    unfinished = path.with_name(f"{path.name}.partial")
    page.dump(str(unfinished), encoding="utf-8")
    unfinished.replace(path)  # a page that was cut short would look like one with fewer mistakes


def _charts(figures: Mapping[str, Any]) -> dict[str, Markup]:
    curves: Mapping[str, Any] = figures["curves"]
    sizes = figures["size_recall"]
    return {
        "precision_recall": line_chart(
            "Precision over recall",
            [Series(name, curve["precision_recall"]) for name, curve in curves.items()],
            x=Axis("recall"),
            y=Axis("precision"),
        ),
        "f_over_threshold": line_chart(
            "F over threshold",
            [Series(name, curve["f_over_threshold"]) for name, curve in curves.items()],
            x=Axis("threshold", 0.0, max(1.0, *THRESHOLDS)),
            y=Axis("F (IoU 0.5)"),
        ),
        "froc": line_chart(
            "FROC",
            [Series("all classes", [(calls, found) for calls, found, _ in figures["froc"]])],
            x=Axis("false calls per part", _LEAST_FALSE_CALLS, 10.0, is_logarithmic=True),
            y=Axis("defects found"),
        ),
        "size_recall": bar_chart(
            "Defects found by size",
            [
                Bar(f"{one['least']:.3g}-{one['below']:.3g}", one["rate"], one["lower"], one["upper"], one["units"])
                for one in sizes["bins"]
            ],
            x_title=f"size in {sizes['unit']} (square root of the area)",
            y_title="defects found",
        ),
    }
