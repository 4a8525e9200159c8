"""`lineside dataset synthetic`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.dataset_import import LayoutOption
from lineside.cli.dataset_options import JsonOption
from lineside.cli.output import print_json, print_line, say
from lineside.cli.progress import progress_of


def synthetic(
    folder: Annotated[Path, typer.Argument(help="Where the files go; a new or empty folder.")],
    boards: Annotated[int, typer.Option(help="How many boards to draw; four share a design, a lot.", min=1)] = 120,
    seed: Annotated[int, typer.Option(help="Of everything; another one gives other boards.", min=0)] = 1,
    layout: Annotated[LayoutOption, typer.Option("--format", help="The layout.")] = LayoutOption.YOLO,
    *,
    as_json: JsonOption = False,
) -> None:
    """Draw labelled boards with their golden images, to try everything out before there are labels of one's own."""
    from lineside.datasets.formats import FormatName
    from lineside.datasets.synthetic_set import write_synthetic_set

    with progress_of("drawing") as on_board:
        defects = write_synthetic_set(
            folder, boards=boards, seed=seed, format_name=FormatName(layout.value), on_board=on_board
        )
    if as_json:
        print_json({"folder": str(folder), "boards": boards, "defects": defects, "seed": seed})
        return
    say(f"{boards} synthetic boards with {defects} defects in")
    print_line(str(folder))
