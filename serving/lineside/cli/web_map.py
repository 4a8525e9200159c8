"""`lineside web map`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_line, print_table, say

if TYPE_CHECKING:
    from lineside.inspection.strips import RollMap


def show_map(
    roll_map: Annotated[Path, typer.Argument(help="A roll-map.json.", exists=True, dir_okay=False)],
    picture: Annotated[Path | None, typer.Option(help="Draw the roll into this file (.png or .svg).")] = None,
    *,
    cut_list: Annotated[bool, typer.Option("--cut-list", help="Print what to cut out instead, as CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the map itself.")] = False,
) -> None:
    """Show what was found on a roll, place by place."""
    from lineside.inspection.strips import read_roll_map

    text = roll_map.read_bytes()
    found = read_roll_map(text)
    if picture is not None:
        from lineside.workflows.figures.drawing import save_figure
        from lineside.workflows.figures.roll_map import roll_map_figure

        save_figure(roll_map_figure(found), picture)
        say(f"{picture}: {len(found.regions)} regions, {len(found.defects)} defects")
    if as_json:
        print_line(text.decode().rstrip())
    elif cut_list:
        print_line(found.cut_list_csv().rstrip())
    else:
        _print_defects(found)


def _print_defects(found: "RollMap") -> None:
    rows = [
        (
            f"{defect.from_mm:.2f}",
            f"{defect.to_mm:.2f}",
            f"{defect.left_mm:.2f}",
            f"{defect.right_mm:.2f}",
            f"{defect.length_mm:.2f}",
            defect.class_name,
            f"{defect.confidence:.2f}",
        )
        for defect in found.defects
    ]
    print_table(("from mm", "to mm", "left mm", "right mm", "length mm", "class", "confidence"), rows)
