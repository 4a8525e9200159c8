"""`lineside station reconcile`: do triggers, verdicts and fates add up, here and at the server."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.station.agent import StationConfiguration
    from lineside.station.spool import Gap, Reconciliation


def reconcile(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The station's file, station.yaml.")],
    *,
    most: Annotated[int, typer.Option(min=1, max=100_000, help="Parts to ask the server for, the newest.")] = 1000,
    offline: Annotated[bool, typer.Option("--offline", help="Look at the spool alone.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Add up a station's triggers, verdicts and fates, and name each part that does not add up; then ends with 1."""
    from lineside.station.agent import load_station
    from lineside.station.spool import reconcile as reconcile_spool

    configuration = load_station(file)
    found = reconcile_spool(configuration.spool_folder) if offline else asyncio.run(_with_server(configuration, most))
    if as_json:
        print_json({**asdict(found), "is_even": found.is_even})
    else:
        _print(found)
    if not found.is_even:
        raise typer.Exit(1)


async def _with_server(configuration: "StationConfiguration", most: int) -> "Reconciliation":
    from lineside.station.spool import reconcile_with_server

    async with configuration.client() as client:
        return await reconcile_with_server(configuration.spool_folder, client, most=most)


def _print(found: "Reconciliation") -> None:
    counts = (
        ("triggers", found.triggers),
        ("verdicts", found.verdicts),
        ("dispositions", found.dispositions),
        ("verdicts at the server", found.verdicts_at_server),
        ("dispositions at the server", found.dispositions_at_server),
    )
    rows = [(name, str(count)) for name, count in counts]
    rows += [(gap.kind.value, _named(gap)) for gap in found.gaps]
    print_table(("what", "value"), rows)
    say(
        f"station {found.station}: "
        + ("everything adds up" if found.is_even else f"{len(found.gaps)} gaps")
        + f"; {found.checked_at_server} parts looked up at the server"
    )
    if found.unknown_not_sought is not None:
        say(f"not looked for: parts that the server has and the station does not know; {found.unknown_not_sought}")


def _named(gap: "Gap") -> str:
    if gap.report_id is not None:
        return f"report {gap.report_id}"
    return f"{gap.part_id or '-'}, acquisition {gap.acquisition_id}, {gap.attempt_id or gap.inspection_id or '-'}"
