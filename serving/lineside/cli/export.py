"""`lineside export`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, say


def export(
    source: Annotated[
        Path,
        typer.Argument(
            help="The folder of a run, or a .safetensors checkpoint. A .pt is refused: opening one runs code.",
            exists=True,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The ONNX file. Without it a run keeps the model.onnx that it has.", dir_okay=False),
    ] = None,
    width_px: Annotated[int, typer.Option(help="Width of the input, a multiple of 32.", min=32)] = 640,
    height_px: Annotated[int, typer.Option(help="Height of the input, a multiple of 32.", min=32)] = 640,
    data: Annotated[
        str | None, typer.Option(help="For --int8: the revision whose training images give the ranges.")
    ] = None,
    store: Annotated[
        str, typer.Option(envvar="LINESIDE_DATASETS", help="Dataset store: a folder or an fsspec URL.")
    ] = "lineside-datasets",
    *,
    int8: Annotated[
        bool, typer.Option("--int8", help="Also write model.int8.onnx beside the model, quantised with --data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print files and digests as JSON.")] = False,
) -> None:
    """Write the ONNX files of a trained model: checked, with all weights inside, standard operators only.

    Whether int8 may be used is for `lineside parity` to say afterwards.
    """
    from lineside.training.export.command import ExportOrder, Int8Order, export_model

    if int8 and data is None:
        raise typer.BadParameter("needs --data: a revision with training images", param_hint="--int8")
    order = ExportOrder(
        source=source,
        out=out,
        size_wh_px=(width_px, height_px),
        int8=Int8Order(store=store, revision=data) if int8 and data is not None else None,
    )
    files = export_model(order)
    for file in files:
        say(f"{file.path}: {file.size_bytes} bytes, SHA-256 {file.sha256}")
    if as_json:
        print_json({file.path.name: {"sha256": file.sha256, "size_bytes": file.size_bytes} for file in files})
