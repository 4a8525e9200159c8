"""`lineside station demo`: camera, PLC, server and station together, with an outage, and what came of it."""

import asyncio
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.workflows.station_demo import PartAccount, StationDemoSummary


def demo(
    parts: Annotated[int, typer.Option(min=1, max=10_000, help="How many parts pass.")] = 40,
    defects: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of the parts with planted defects.")] = 0.25,
    pace: Annotated[float, typer.Option(min=0.1, max=10.0, help="Parts a second.")] = 1.25,
    seed: Annotated[int, typer.Option(min=0, help="Of the parts.")] = 1,
    engine: Annotated[str, typer.Option(help="Of server and station: an engine's name, or `auto`.")] = (
        "onnxruntime-fp32"
    ),
    data: Annotated[
        Path | None,
        typer.Option(help="An empty folder for everything, kept.", file_okay=False, show_default="a temporary one"),
    ] = None,
    *,
    outage: Annotated[bool, typer.Option(help="Kill the server in the middle, and start it again later.")] = True,
    own_engine: Annotated[
        bool, typer.Option(help="Let the station judge by itself meanwhile; else no part gets a permit then.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the account as JSON.")] = False,
) -> None:
    """Run a station whole: a virtual camera, a PLC behind Modbus/TCP, a server that is killed in the middle.

    PLC, server and station are processes of their own. At the end every part is accounted for: triggers, verdicts and
    fates, by judge and by reason, and each lane against the truth. Ends with 1 if anything does not add up, or if a
    part passed that nobody had inspected and found OK. A defect that the detector missed is shown, and is no failure.
    """
    from lineside.workflows.station_demo import StationDemoPlan, run_station_demo

    folder = Path(tempfile.mkdtemp(prefix="lineside-station-")) if data is None else data
    plan = StationDemoPlan(
        folder=folder,
        parts=parts,
        defect_share=defects,
        outage=outage,
        judges_itself=own_engine,
        parts_per_s=pace,
        seed=seed,
        engine=engine,
    )
    try:
        summary = asyncio.run(run_station_demo(plan, tell=say))
    except KeyboardInterrupt:
        _clear(folder, is_temporary=data is None)
        say("ended before the line was empty; nothing was added up")
        raise typer.Exit(130) from None
    except BaseException:
        say(f"what was written until then is in {folder}")
        raise
    problems = summary.problems
    if as_json:
        print_json(_document(summary))
    else:
        _print(summary)
    if problems:
        say(f"{len(problems)} things do not add up; everything of the run is kept in {folder}")
        raise typer.Exit(1)
    say("everything adds up" + ("" if data is None else f"; kept in {folder}"))
    _clear(folder, is_temporary=data is None)


def _clear(folder: Path, *, is_temporary: bool) -> None:
    if is_temporary:
        shutil.rmtree(folder, ignore_errors=True)


def _print(summary: "StationDemoSummary") -> None:
    from lineside.station.rig import Lane

    found = summary.reconciliation
    rows = [
        ("parts on the belt", str(len(summary.parts))),
        ("triggers (PLC, station)", f"{summary.plc_triggers}, {found.triggers}"),
        ("verdicts (station, server)", f"{found.verdicts}, {found.verdicts_at_server}"),
        ("dispositions (station, server)", f"{found.dispositions}, {found.dispositions_at_server}"),
        *((f"judged by the {name}", str(count)) for name, count in summary.judged_by.items()),
        ("NOT_INSPECTED", _counted(summary.not_inspected)),
        ("not triggered: station not ready", str(summary.not_triggered)),
        *((f"lane {lane.value}", _counted(summary.in_lane(lane))) for lane in Lane),
        ("escapes: bad, judged OK", _named(summary.escapes)),
        ("false calls: good, judged NG", _named(summary.false_calls)),
        ("the server was away", "never" if summary.outage_s is None else f"{summary.outage_s:.1f} s"),
        ("events that the station told", _counted(summary.reports)),
        *(("DOES NOT ADD UP", problem) for problem in summary.problems),
    ]
    print_table(("what", "value"), rows)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"


def _named(parts: "Sequence[PartAccount]") -> str:
    return (
        ", ".join(f"{part.part_id} ({' '.join(part.defects)})" if part.defects else part.part_id for part in parts)
        or "none"
    )


def _document(summary: "StationDemoSummary") -> dict[str, Any]:
    from lineside.station.rig import Lane

    return {
        "parts": [asdict(part) for part in summary.parts],
        "plc_triggers": summary.plc_triggers,
        "reconciliation": {**asdict(summary.reconciliation), "is_even": summary.reconciliation.is_even},
        "judged_by": dict(summary.judged_by),
        "not_triggered": summary.not_triggered,
        "not_inspected": dict(summary.not_inspected),
        "lanes": {lane.value: dict(summary.in_lane(lane)) for lane in Lane},
        "escapes": [part.part_id for part in summary.escapes],
        "false_calls": [part.part_id for part in summary.false_calls],
        "outage_s": summary.outage_s,
        "stops": list(summary.stops),
        "reports": dict(summary.reports),
        "problems": list(summary.problems),
    }
