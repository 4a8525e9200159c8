"""`lineside parity`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.training.parity import EngineParity

PARITY_COLUMNS = (
    "engine",
    "frames",
    "matched",
    "unmatched",
    "mean box px",
    "max box px",
    "mean score",
    "mAP50-95 points",
    "recall points",
    "offered",
)


def parity(
    folder: Annotated[Path, typer.Argument(help="The folder of a run or of a release.", exists=True, file_okay=False)],
    data: Annotated[
        str,
        typer.Option(help="Frames to compare on: REV or REV:split,split; else val, calibration and golden."),
    ],
    store: Annotated[
        str, typer.Option(envvar="LINESIDE_DATASETS", help="Dataset store: a folder or an fsspec URL.")
    ] = "lineside-datasets",
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="What a release was exported from (.safetensors); a run has its own.", dir_okay=False),
    ] = None,
    engine: Annotated[
        list[str] | None, typer.Option(help="Only this engine; may be given several times.", show_default=False)
    ] = None,
    frames: Annotated[int, typer.Option(help="At most so many frames, spread evenly.", min=1)] = 300,
    out: Annotated[
        Path | None,
        typer.Option(help="The figures' file; without it parity.json in a run's folder.", dir_okay=False),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare every engine of this host with the trained network, on the same pixels.

    bfloat16 and int8 engines within their limits may run the release; `lineside release build` takes the figures into
    its manifest. A float32 engine past its limits is an error (exit 1): the export is broken.
    """
    from lineside.cli.progress import progress_of
    from lineside.datasets.revisions import RevisionSelection, RevisionStore
    from lineside.training.parity import require_unbroken
    from lineside.training.parity.command import ParityOrder, measure_folder

    order = ParityOrder(
        folder=folder,
        selection=RevisionSelection.parse(data),
        store=RevisionStore(store),
        checkpoint=checkpoint,
        engines=tuple(engine) if engine else None,
        most_frames=frames,
        out=out,
    )
    with progress_of("comparing") as on_progress:
        report = measure_folder(order, on_progress=on_progress)
    say(f"compared with {report.network}")
    if as_json:
        print_json(report.as_document())
    else:
        print_table(PARITY_COLUMNS, [_row(name, figures) for name, figures in report.engines.items()])
    for name, reason in report.unavailable.items():
        say(f"{name} was not measured: {reason}")
    require_unbroken(report)


def _row(name: str, figures: "EngineParity") -> tuple[str, ...]:
    return (
        name,
        f"{figures.frames}",
        f"{figures.matched}",
        f"{figures.unmatched}",
        f"{figures.mean_box_difference_px:.4f}",
        f"{figures.max_box_difference_px:.3f}",
        f"{figures.mean_score_difference:.5f}",
        _points(figures.delta_map50_95),
        _points(figures.delta_recall),
        "yes" if figures.is_offered else f"no: {figures.reason}",
    )


def _points(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:+.3f}"
