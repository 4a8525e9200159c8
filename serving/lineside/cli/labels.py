"""`lineside labels`: from misdetections to labelled parts, through Label Studio."""

import typer

from lineside.cli.labels_server import server

labels_app = typer.Typer(
    name="labels",
    help="Choose parts to label, send them to Label Studio, and fetch what people said.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
labels_app.command()(server)
