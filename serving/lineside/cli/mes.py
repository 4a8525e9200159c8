"""`lineside mes`: a small MES of one's own, for trying out and for tests of a connection."""

import typer

from lineside.cli.mes_receiver import receiver

mes_app = typer.Typer(
    name="mes",
    help="A small MES that receives what Lineside tells, for trying out.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@mes_app.callback()
def _group() -> None:
    """Keep `receiver` a command of its own."""


mes_app.command()(receiver)
