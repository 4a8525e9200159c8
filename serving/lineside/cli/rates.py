"""`lineside rates`: defect rates of a server's lines, with how sure they are."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say

_PATIENCE_S = 60.0


class ByName(StrEnum):
    """What rates are told apart by; a test holds them against the server's."""

    STATION = "station"
    LINE = "line"
    LOT = "lot"
    PRODUCT = "product"
    CLASS = "class"
    SHIFT = "shift"
    DEPLOYMENT = "deployment"


class RecallName(StrEnum):
    """What is believed of the recall beforehand; a test holds them against the server's."""

    GOLDEN = "golden"
    VAGUE = "vague"


def rates(
    server: ServerOption,
    key: Annotated[
        str,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key that may read rates; better in the variable, where no process list shows it.",
        ),
    ],
    by: Annotated[ByName | None, typer.Option(help="One rate for each of these.")] = None,
    bucket: Annotated[
        str | None, typer.Option(help="One rate for each hour, shift, day, lot, or parts:N, such as parts:500.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="ISO 8601 with offset; the present production day by default.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="ISO 8601 with offset; now by default.")] = None,
    station: Annotated[str | None, typer.Option(help="Only parts of this station.")] = None,
    line: Annotated[str | None, typer.Option(help="Only parts of this line.")] = None,
    lot: Annotated[str | None, typer.Option(help="Only parts of this lot.")] = None,
    product: Annotated[str | None, typer.Option(help="Only parts of this product.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="The rate of parts with this defect.")] = None,
    release: Annotated[str | None, typer.Option(help="Only parts that the release of this digest judged.")] = None,
    shift: Annotated[str | None, typer.Option(help="Only parts of shifts of this name.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.", min=0.5, max=0.999)] = 0.95,
    recall: Annotated[
        RecallName, typer.Option(help="vague: leave the golden set out, where nothing watches the recall.")
    ] = RecallName.GOLDEN,
    out: Annotated[Path | None, typer.Option(help="Write the figure: .svg or .png.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to print and to file.", dir_okay=False)] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show defect rates with their intervals: what people confirmed, and the escapes that the audit stands for.

    The detector rate beside them is the raw share of NG parts; it is no defect rate.
    """
    asked = {
        "by": None if by is None else by.value,
        "bucket": bucket,
        "from": since,
        "to": until,
        "station": station,
        "line": line,
        "lot": lot,
        "product": product,
        "class_name": class_name,
        "release_digest": release,
        "shift": shift,
        "confidence": str(confidence),
        "recall": recall.value,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    found = ask(server, key, lambda client: client.rates(**given), patience_s=_PATIENCE_S)
    from lineside.serving.rates.schemas import RatesOut
    from lineside.workflows.rating import RATE_COLUMNS, process_text, rate_rows, rates_figure, write_rates_page

    answer = RatesOut.model_validate(found)
    if out is not None:
        from lineside.workflows.figures import save_figure

        save_figure(rates_figure(answer), out)
        say(f"figure: {out}")
    if html is not None:
        from lineside.serving.clock import SystemClock

        write_rates_page(answer, html, written_at=SystemClock().now())
        say(f"page: {html}")
    if as_json:
        print_json(found)
        return
    say(f"{answer.asked.start.isoformat()} to {answer.asked.end.isoformat()}")
    print_table(RATE_COLUMNS, rate_rows(answer))
    if answer.process is not None:
        say(process_text(answer.process))
    for note in answer.total.notes:
        say(f"note: {note}")
