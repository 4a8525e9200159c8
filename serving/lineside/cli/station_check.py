"""`lineside station check`: is a station's file right, and is everything there that it names."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_table, say


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The station's file, station.yaml.")],
    *,
    connect: Annotated[bool, typer.Option(help="Reach server, cameras and PLC once; else only read the file.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a station's file, and reach everything that it names without moving anything; ends with 1 if one fails.

    The PLC is only read, no picture is judged. Run it where the station will run, while it does not.
    """
    from lineside.station.agent import check_station

    found = check_station(file, connects=connect)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        rows = [(each.what, each.problem or "ok", each.to_do or "-") for each in found]
        print_table(("what", "result", "to do"), rows)
        say(f"{len(found)} checks, {sum(each.problem is not None for each in found)} with a problem")
    if any(each.problem is not None for each in found):
        raise typer.Exit(1)
