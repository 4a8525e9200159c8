"""`lineside web draw`."""

from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import say


def draw(
    folder: Annotated[Path, typer.Argument(help="Where to; a web in it is written over.")],
    prints: Annotated[int, typer.Option(help="How often the board is printed.", min=1)] = 6,
    width_px: Annotated[int, typer.Option(help="Pixels of a line.", min=64, max=16_384)] = 2048,
    print_px: Annotated[int, typer.Option(help="Lines of one print.", min=64, max=16_384)] = 3200,
    defects: Annotated[int, typer.Option(help="Defects in each print.", min=0)] = 2,
    streaks: Annotated[int, typer.Option(help="Streaks along the web.", min=0)] = 1,
    seed: Annotated[int, typer.Option(help="Of the layout and of all that is wrong.", min=0)] = 1,
) -> None:
    """Draw a synthetic printed web with known defects, to try a web station on.

    Writes web.mono8 (pixels, line by line) and web.json (the truth).
    """
    from lineside.datasets.synthetic import BoardDesign, LayoutFamily
    from lineside.datasets.synthetic.web import WebDesign, write_web

    board = BoardDesign(LayoutFamily.BUS, seed, (width_px, print_px))
    shortest = min(2000, prints * print_px // 4)
    design = WebDesign(
        board,
        prints=prints,
        defects_per_print=defects,
        streaks=streaks,
        streak_lines=(shortest, 3 * shortest),
        seed=seed,
    )
    web = write_web(folder, design)
    length_mm = web.lines / web.px_per_mm
    say(
        f"{web.pixels_path}: {web.lines} lines of {web.width_px} px ({length_mm:.0f} mm), {len(web.defects)} defects; "
        f"mm_per_count and mm_per_px_across {1 / web.px_per_mm:.7f}, pitch {web.pitch_px / web.px_per_mm:.3f} mm"
    )
