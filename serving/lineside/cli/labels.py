"""`lineside labels`: from misdetections to labelled parts, through Label Studio."""

import typer

from lineside.cli.labels_check import check
from lineside.cli.labels_connect import connect
from lineside.cli.labels_pull import pull
from lineside.cli.labels_push import push
from lineside.cli.labels_queue import queue
from lineside.cli.labels_reviewers import reviewers
from lineside.cli.labels_server import server
from lineside.cli.labels_status import attention, status, withdraw

labels_app = typer.Typer(
    name="labels",
    help="Choose parts to label, send them to Label Studio, and fetch what people said.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
labels_app.command()(queue)
labels_app.command()(push)
labels_app.command()(pull)
labels_app.command()(status)
labels_app.command()(attention)
labels_app.command()(withdraw)
labels_app.command()(reviewers)
labels_app.command()(check)
labels_app.command()(connect)
labels_app.command()(server)
