"""`lineside twin`: the digital twin of the lines."""

import typer

from lineside.cli.twin_export import export
from lineside.cli.twin_whatif import whatif

twin_app = typer.Typer(
    name="twin",
    help="The digital twin: the lines as Asset Administration Shells, and what would be if.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@twin_app.callback()
def twin() -> None:
    """The digital twin: the lines as Asset Administration Shells, and what would be if."""


twin_app.command()(export)
twin_app.command()(whatif)
