"""`lineside web run`."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.station.web import RegionOutcome, WebEvent, WebRun


def run(
    file: Annotated[
        Path, typer.Argument(metavar="WEB.yaml", help="What to read and how.", exists=True, dir_okay=False)
    ],
    *,
    picture: Annotated[bool, typer.Option(help="Draw the roll as roll-map.png.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge a web as it runs, until its source ends or somebody presses Ctrl-C.

    Regions, events, marks, the roll map and the cut list are written to the folder `out` of the file.
    """
    from lineside.client.clock import SystemClock
    from lineside.station.web import open_web, parse_web_file, take_kit
    from lineside.workflows.folders import engine_cache_folder
    from lineside.workflows.text_files import read_text_file

    settings = parse_web_file(read_text_file(file), source=str(file))
    folder, clock = file.parent, SystemClock()
    taken = asyncio.run(take_kit(settings, folder=folder, clock=clock))
    with open_web(settings, folder=folder, clock=clock, engine_cache=engine_cache_folder(), taken=taken) as opened:
        judged_with = opened.as_document()
        say(_line(judged_with))
        ran = asyncio.run(_run(opened))
        if picture:
            from lineside.workflows.figures.drawing import save_figure
            from lineside.workflows.figures.roll_map import roll_map_figure

            save_figure(roll_map_figure(ran.roll_map), opened.out / "roll-map.png")
    if as_json:
        print_json(judged_with | _document(ran))
    else:
        _print_figures(ran)


def _line(judged_with: dict[str, Any]) -> str:
    release, recipe, deployment = (judged_with[name] for name in ("release", "recipe", "deployment"))
    signed = "unsigned: no deployment" if deployment is None else f"signed deployment {deployment['serial']}"
    return (
        f"roll {judged_with['roll']}: release {release['name']} {release['version']} on {judged_with['engine']}, "
        f"recipe {recipe['id']} {recipe['version']}; {signed}; thresholds {judged_with['threshold_status']}"
    )


async def _run(opened: Any) -> "WebRun":
    from lineside.station.web import run_web

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return await run_web(opened, stop=stop, on_outcome=_say_outcome, on_event=_say_event)


def _say_outcome(outcome: "RegionOutcome") -> None:
    why = "; ".join(reason.message for reason in outcome.reasons)
    say(f"{outcome.part_id}: {outcome.verdict.value}{f', {outcome.grade}' if outcome.grade else ''} {why}".rstrip())


def _say_event(event: "WebEvent") -> None:
    say(f"{event.kind.value}: {event.message}")


def _print_figures(ran: "WebRun") -> None:
    document = _document(ran)
    print_table(("figure", "value"), [(name, str(value)) for name, value in document.items()])


def _document(ran: "WebRun") -> dict[str, Any]:
    figures = ran.figures
    return {
        "roll": ran.roll_map.roll,
        "length_mm": round(ran.roll_map.length_mm, 3),
        "lines_read": figures.lines_read,
        "lines_lost": figures.lines_lost,
        "lines_overrun": figures.lines_overrun,
        "tiles_judged": figures.tiles_judged,
        "tiles_shed": figures.tiles_shed,
        "regions": {verdict.value: count for verdict, count in figures.regions.items()},
        "regions_late": figures.regions_late,
        "least_slack_s": figures.least_slack_s,
        "defects": len(ran.roll_map.defects),
        "seconds": round(figures.seconds, 3),
    }
