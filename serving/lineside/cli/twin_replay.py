"""`lineside twin replay`: judges the kept frames of a lot again, with the release of a deployment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ServerOption
from lineside.cli.output import print_line, print_table, say

if TYPE_CHECKING:
    from lineside.workflows.replay_report import Replay


def replay(
    server: ServerOption,
    key: Annotated[
        str,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key of role quality or mlops; better in the variable, where no process list shows it.",
        ),
    ],
    deployment: Annotated[
        str, typer.Option(help="The deployment whose release judges, as `lineside deployments list` shows it.")
    ],
    lot: Annotated[str, typer.Option(help="Whose parts are judged again.")],
    station: Annotated[str | None, typer.Option(help="Only what this station inspected.")] = None,
    engine: Annotated[
        str, typer.Option(help="That runs the release; the default gives the same answer on every host of a kind.")
    ] = "onnxruntime-fp32",
    out: Annotated[
        Path | None, typer.Option(help="Write the whole report there, as JSON.", dir_okay=False, show_default=False)
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report, as JSON.")] = False,
) -> None:
    """Judge the kept frames of a lot again, and show what would have changed.

    Each attempt is judged under the recipe that it was judged by, as of that instant. Parts whose frames were not kept
    are named and counted, never assumed. The same lot, release and frames give the same report, byte for byte; nothing
    is written to the server.
    """
    from lineside.cli.progress import progress_of
    from lineside.workflows.replaying import ReplayTask, replay_lot

    with progress_of("judging again") as progress:
        found = replay_lot(
            ReplayTask(
                server=server,
                api_key=key,
                deployment=deployment,
                lot=lot,
                station=station,
                engine=engine,
                on_progress=progress,
            )
        )
    content = found.to_json()
    if out is not None:
        out.write_bytes(content.encode())
    if as_json:
        print_line(content.rstrip("\n"))
    else:
        _show(found)


def _show(found: "Replay") -> None:
    totals = found.totals()
    release = found.release
    print_table(
        ("station", "part", "attempt", "then", "now", "defects then", "defects now"),
        [
            (
                each.of.station,
                each.of.part_id,
                str(each.of.attempt),
                each.old.verdict,
                each.new.verdict,
                str(len(each.old.defects)),
                str(len(each.new.defects)),
            )
            for each in found.replayed
            if each.verdict_changes or each.defects_change
        ],
    )
    say(
        f"lot {found.lot}, release {release['name']} {release['version']}: "
        f"{totals['replayed']} of {totals['attempts']} attempts judged again, "
        f"{totals['verdict_changes']} verdicts and {totals['defects_change']} findings change"
    )
    for change, count in totals["verdicts"].items():
        say(f"  {change}: {count}")
    for left in found.left_out:
        views = f" ({', '.join(left.views)})" if left.views else ""
        say(f"not judged again: {left.of.part_id} attempt {left.of.attempt} at {left.of.station}: {left.why}{views}")
