"""`lineside station status`: what of a station's records still waits for the server, and what was put aside."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_table, say


def status(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The station's file, station.yaml.")],
    *,
    retry: Annotated[
        bool, typer.Option("--retry", help="Let what was put aside be tried once more; the station must not run.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what waits in a station's spool and what the server refused, beside a station that runs or without."""
    from lineside.station.agent import load_station
    from lineside.station.spool import Spool, spool_status

    configuration = load_station(file)
    found = spool_status(configuration.spool_folder)
    if retry:
        with Spool(configuration.spool_folder, station=configuration.station) as spool:
            say(f"{spool.outbox.unpark()} records will be tried again when the station runs")
        found = spool_status(configuration.spool_folder)
    if as_json:
        print_json(asdict(found))
        return
    rows = [(f"{kind} waiting", str(count)) for kind, count in found.waiting.items()]
    rows += [(f"{verdict} pictures, bytes", str(count)) for verdict, count in found.picture_bytes.items()]
    rows += [(f"{verdict} pictures dropped", str(count)) for verdict, count in found.pictures_dropped.items()]
    rows += [(f"{parked.kind} parked", f"{parked.id}: {parked.trouble}") for parked in found.parked]
    print_table(("what", "value"), rows)
    say(
        f"station {found.station}: "
        + ("nothing waits" if found.oldest_at is None else f"the oldest record waits since {found.oldest_at}")
        + f"; {len(found.parked)} put aside"
    )
