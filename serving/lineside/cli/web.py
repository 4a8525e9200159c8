"""`lineside web`: strips of a web, judged as they run."""

import typer

from lineside.cli.web_draw import draw
from lineside.cli.web_map import show_map
from lineside.cli.web_run import run

web_app = typer.Typer(
    name="web",
    help="A web under a line camera: every region decided before it reaches the marker, and a map of the roll.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
web_app.command()(run)
web_app.command("map")(show_map)
web_app.command()(draw)
