"""`lineside station`: the program beside the line that takes pictures, asks for verdicts and gives permits."""

import typer

from lineside.cli.station_check import check
from lineside.cli.station_demo import demo
from lineside.cli.station_master import master
from lineside.cli.station_reconcile import reconcile
from lineside.cli.station_run import run
from lineside.cli.station_status import status

station_app = typer.Typer(
    name="station",
    help="Run an inspection station: cameras, PLC, verdicts and permits.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
station_app.command()(run)
station_app.command()(check)
station_app.command()(status)
station_app.command()(reconcile)
station_app.command()(master)
station_app.command()(demo)
