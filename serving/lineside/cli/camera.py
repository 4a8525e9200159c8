"""`lineside camera`: which cameras there are, a look through one, frames on disk, and whether all deliver."""

import typer

from lineside.cli.camera_check import check
from lineside.cli.camera_grab import grab
from lineside.cli.camera_list import list_kinds
from lineside.cli.camera_view import view

camera_app = typer.Typer(
    name="camera",
    help="Find cameras, look through them, and check that they deliver, before a station runs with them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
camera_app.command("list")(list_kinds)
camera_app.command()(view)
camera_app.command()(grab)
camera_app.command()(check)
