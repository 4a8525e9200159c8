"""`lineside twin`: the digital twin of the lines."""

import typer

from lineside.cli.twin_export import export
from lineside.cli.twin_replay import replay
from lineside.cli.twin_whatif import whatif

twin_app = typer.Typer(
    name="twin",
    help="The digital twin: the lines as Asset Administration Shells, what would be if, and a lot judged again.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@twin_app.callback()
def twin() -> None:
    """The digital twin: the lines as Asset Administration Shells, what would be if, and a lot judged again."""


twin_app.command()(export)
twin_app.command()(whatif)
twin_app.command()(replay)
