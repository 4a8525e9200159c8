"""`lineside delivery check`: is a delivery file right, and does each of its sinks connect."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_table, say
from lineside.cli.server_settings import read_settings

if TYPE_CHECKING:
    from lineside.serving.delivery.checking import SinkCheck


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The delivery file.")],
    data: Annotated[Path | None, typer.Option("--data", help="Data folder of the server that will run it.")] = None,
    plant: Annotated[str | None, typer.Option(help="Name of the plant.")] = None,
    *,
    connect: Annotated[bool, typer.Option(help="Connect each sink once; else only read the file.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a delivery file, and connect each sink once without delivering anything; ends with 1 if something fails.

    Run it where the server runs: with the same files, variables and network.
    """
    from lineside.serving.delivery.checking import check_delivery

    settings = read_settings(data_dir=data, plant=plant)
    found = check_delivery(file, settings=settings, connects=connect)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_table(("sink", "kind", "result", "to do"), [_row(each) for each in found])
        say(f"{len(found)} sinks, {sum(each.problem is not None for each in found)} with a problem")
    if any(each.problem is not None for each in found):
        raise typer.Exit(1)


def _row(found: "SinkCheck") -> tuple[str, str, str, str]:
    return found.sink, found.kind, found.problem or "ok", found.to_do or "-"
