"""`lineside demo`."""

import asyncio
import signal
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.demo_loop import loop
from lineside.cli.languages import LanguageName
from lineside.cli.output import print_json, say

if TYPE_CHECKING:
    from lineside.workflows.demo import DemoPlan, DemoSummary, LineView


demo_app = typer.Typer(
    name="demo",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
demo_app.command()(loop)


@demo_app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    parts: Annotated[
        int | None, typer.Option(help="End after so many parts; without it, at Ctrl-C.", min=1, show_default=False)
    ] = None,
    rate: Annotated[float, typer.Option(help="True share of defective boards.", min=0.0, max=1.0)] = 0.05,
    marks: Annotated[
        float,
        typer.Option(help="Share of the boards with harmless dust, ink or a scratch.", min=0.0, max=1.0),
    ] = 0.12,
    faint: Annotated[
        float, typer.Option(help="Share of the defective boards whose defects are hard to see.", min=0.0, max=1.0)
    ] = 0.25,
    audit: Annotated[
        float, typer.Option(help="Share of the passed boards that a person looks at.", min=0.0, max=1.0)
    ] = 0.25,
    pace: Annotated[float, typer.Option(help="Parts per second.", min=0.01, max=1000.0)] = 6.0,
    seed: Annotated[int, typer.Option(help="Seed of the boards and their defects.", min=0)] = 1,
    port: Annotated[
        int | None,
        typer.Option(
            help="Port of the server; 0 for any, also for MES, broker and OPC UA.",
            min=0,
            max=65535,
            show_default="8470, or any free one if it is taken",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="The server's data folder, kept.", show_default="$XDG_STATE_HOME/lineside/demo"),
    ] = None,
    releases: Annotated[
        Path | None,
        typer.Option(
            help="Folder with a release named pcb-reference to use instead of the starter; signed if --trust is given."
        ),
    ] = None,
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust",
            envvar="LINESIDE_TRUST_FILE",
            help="Public keys whose signatures count: releases can be deployed.",
        ),
    ] = None,
    engine: Annotated[str, typer.Option(help="`auto` (measured once, then remembered), or an engine's name.")] = "auto",
    language: Annotated[LanguageName, typer.Option(help="Language of the view and the page.")] = LanguageName.EN,
    *,
    page: Annotated[bool, typer.Option(help="Serve the web page.")] = True,
    mes: Annotated[bool, typer.Option(help="Run a small MES that is told everything, with a page of its own.")] = True,
    mqtt: Annotated[
        bool,
        typer.Option(
            "--mqtt", help="Run a broker, and tell it everything as JSON and as Sparkplug B (lineside[mqtt])."
        ),
    ] = False,
    opcua: Annotated[
        bool, typer.Option("--opcua", help="Open an OPC UA server of the line (lineside[opcua]).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run the whole line: server, virtual boards at a known defect rate, reviews, page and a closing summary.

    Everything is real but the boards: they are drawn, posted through the HTTP API as a station would, judged by the
    starter release and written to a ledger. What is truly defective reaches the server only through scripted reviews.
    Some good boards bear harmless marks that a detector may take for defects, and some defects are faint.
    """
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console

    from lineside.cli.demo_texts import TEXTS
    from lineside.cli.demo_view import LivePanel, PlainView, print_summary
    from lineside.workflows.demo import DemoPlan
    from lineside.workflows.folders import demo_data_folder

    plan = DemoPlan(
        data_dir=demo_data_folder() if data is None else data,
        parts=parts,
        defect_rate=rate,
        mark_share=marks,
        faint_share=faint,
        audit_share=audit,
        seed=seed,
        parts_per_s=pace,
        port=port,
        page=page,
        language=language.value,
        releases_dir=releases,
        trust_file=trust,
        engine=engine,
        mes=mes,
        mqtt=mqtt,
        opcua=opcua,
    )
    talk = Console(stderr=True)
    with LivePanel(plan, talk) if talk.is_terminal else PlainView(plan) as view:
        summary = asyncio.run(_run(plan, view))
    if as_json:
        print_json(_document(summary))
    else:
        print_summary(summary, Console(), language=language.value)
    say(TEXTS[language]["kept"].format(data=plan.data_dir))


async def _run(plan: "DemoPlan", view: "LineView") -> "DemoSummary":
    """Run it, with the first Ctrl-C ending the line in good order and the second at once."""
    from lineside.workflows.demo import run_demo

    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def end_line(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, before[number])
        loop.call_soon_threadsafe(stop.set)

    before: dict[int, Any] = {number: signal.signal(number, end_line) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return await run_demo(plan, view=view, stop=stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _document(summary: "DemoSummary") -> dict[str, Any]:
    from lineside.inspection.verdict import Verdict
    from lineside.workflows.demo import Outcome

    detector, rate = summary.detector_rate, summary.rate
    estimate = rate.estimate
    return {
        "parts": summary.parts,
        "verdicts": {verdict.value: summary.verdicts.get(verdict, 0) for verdict in Verdict},
        "truth": {
            "defective": summary.defective,
            "good": summary.parts - summary.defective,
            "faint": summary.faint,
            "marked": summary.marked,
        },
        "outcomes": {outcome.value: summary.outcomes.get(outcome, 0) for outcome in Outcome},
        "detector_rate": {
            "estimate": detector.estimate,
            "lower": detector.lower,
            "upper": detector.upper,
            "confidence": detector.confidence,
            "method": "Wilson score interval",
            "ng": detector.events,
            "inspected": detector.units,
            "holds_truth": summary.is_truth_in_detector_rate,
        },
        "rate": {
            "estimate": estimate.point,
            "lower": estimate.lower,
            "upper": estimate.upper,
            "confidence": estimate.confidence,
            "method": "confirmed parts and the posterior of escapes",
            "inspected": estimate.inspected,
            "not_inspected": estimate.not_inspected,
            "confirmed": estimate.confirmed,
            "unconfirmed": estimate.unconfirmed,
            "audited": rate.audited,
            "escapes_found": rate.escapes_found,
            "contract_upper_bound": estimate.contract_upper_bound,
            "recall_prior": rate.recall_prior,
            "notes": list(estimate.notes),
            "holds_truth": summary.is_truth_in_rate,
        },
        "true_rate": {
            "set": summary.defect_rate,
            "of_this_run": summary.true_rate,
            "of_inspected": summary.true_rate_inspected,
        },
        "reviews": summary.reviews,
        "delivered": [asdict(sink) for sink in summary.sinks],
        "latency_ms": {"p50": summary.latency_p50_ms, "p99": summary.latency_p99_ms},
        "duration_s": round(summary.duration_s, 3),
        "seed": summary.seed,
        "run_id": summary.run_id,
        "data": str(summary.data_dir),
    }
