"""`lineside station run`: a station until a signal ends it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_line, say
from lineside.cli.serve import LogFormatName

if TYPE_CHECKING:
    from lineside.station.agent import StationReady


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The station's file, station.yaml.")],
    log_format: Annotated[
        LogFormatName, typer.Option(help="How the log on stderr is written.")
    ] = LogFormatName.CONSOLE,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line on stdout when it runs.")] = False,
    ends_with_stdin: Annotated[bool, typer.Option("--ends-with-stdin", help="End when stdin closes.")] = False,
) -> None:
    """Run a station until Ctrl-C or SIGTERM: Ready goes off first, and parts on their way get no permit."""
    from lineside.station.agent import load_station, run_station
    from lineside.workflows.running_server import LogFormat, configure_logging

    configuration = load_station(file)
    configure_logging(LogFormat(log_format.value))

    def announce(ready: "StationReady") -> None:
        if as_json:
            print_line(
                json.dumps({"station": ready.station, "cameras": list(ready.cameras), "interrupted": ready.interrupted})
            )
        say(f"station {ready.station} runs with {', '.join(ready.cameras)}; Ctrl-C ends it")
        if ready.interrupted:
            say(f"{ready.interrupted} parts were on their way when it ended last: they are NOT_INSPECTED")

    run_station(configuration, on_ready=announce, ends_with_stdin=ends_with_stdin)
