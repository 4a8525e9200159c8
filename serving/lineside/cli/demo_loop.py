"""`lineside demo loop`."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.output import print_json, print_table, say


class ArmName(StrEnum):
    """How the label budget is spent."""

    PICKED = "picked"
    RANDOM = "random"


def loop(
    out: Annotated[Path, typer.Option(help="Folder of everything, new or empty.", file_okay=False)] = Path("loop-demo"),
    budget: Annotated[int, typer.Option(help="Parts that somebody labels.", min=1, max=400)] = 40,
    seed: Annotated[int, typer.Option(help="Of the line, the queue, the labels and the training.", min=0)] = 1,
    arm: Annotated[
        ArmName, typer.Option(help="Spend the budget by the queue (`picked`) or by lot (`random`).")
    ] = ArmName.PICKED,
    parts: Annotated[
        int, typer.Option(help="Parts of the changed process before the labels, and again after.", min=20)
    ] = 600,
    errors: Annotated[float, typer.Option(help="Share of wrong readings.", min=0.0, max=1.0)] = 0.03,
    epochs: Annotated[int, typer.Option(help="Passes over the training images.", min=1)] = 12,
    minutes: Annotated[float, typer.Option(help="Limit of the training.", min=0.1)] = 6.0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Show the labelling loop: a process changes, people label what the queue picks, a better model goes live.

    A virtual line runs until its bath etches too little; thin films of copper then escape the starter. The queue picks
    parts, Label Studio (started here) shows them to a scripted person who knows the truth and errs now and then, the
    labels are pulled, `retrain` trains, the gate judges with its usual limits, and the same line goes on. Needs the
    extras training and labelling, and half an hour on two idle cores. A refused gate is reported: exit code 3.
    """
    from lineside.cli.release_gate import NOT_PASSED
    from lineside.workflows.demo.loop.page import write_loop_page
    from lineside.workflows.demo.loop.plan import Arm, LoopPlan
    from lineside.workflows.demo.loop.running import run_loop

    plan = LoopPlan(
        out=out,
        arm=Arm(arm.value),
        budget=budget,
        seed=seed,
        parts_before=parts,
        parts_after=parts,
        annotator_errors=errors,
        epochs=epochs,
        minutes=minutes,
    )
    summary = asyncio.run(run_loop(plan, say=say))
    page = write_loop_page(summary, out)
    if as_json:
        print_json(summary.to_json())
    else:
        print_table(("the line", "parts", "escapes", "of films", "false calls"), summary.rows)
    for refusal in summary.refusals:
        say(f"the gate: {refusal}")
    say(f"what was learnt from which labels: {summary.retrain_page}")
    say(f"the loop in one page: {page}")
    if not summary.is_promoted:
        raise typer.Exit(NOT_PASSED)
