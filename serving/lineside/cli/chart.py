"""`lineside chart`: control charts of a server's lines, as a table, a figure or a page."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.serving.charts.schemas import ChartsOut

_PATIENCE_S = 60.0


class KindName(StrEnum):
    """The charts there are; a test holds them against the server's."""

    DEFAULT = "default"
    P = "p"
    NP = "np"
    C = "c"
    U = "u"
    P_PRIME = "p-prime"
    U_PRIME = "u-prime"
    EWMA = "ewma"
    CUSUM = "cusum"
    G_R = "g-r"
    T = "t"


class CountedName(StrEnum):
    """Whose count."""

    PROCESS = "process"
    DETECTOR = "detector"


class RuleSetName(StrEnum):
    """Which rules tell a signal."""

    LIMITS = "limits"
    WESTERN_ELECTRIC = "western-electric"
    NELSON = "nelson"


def chart(
    server: ServerOption,
    key: Annotated[
        str,
        typer.Option(
            "--api-key",
            envvar="LINESIDE_API_KEY",
            help="API key that may read rates; better in the variable, where no process list shows it.",
        ),
    ],
    kind: Annotated[
        KindName, typer.Argument(metavar="[KIND]", help="default (p-prime and ewma), or one of the charts.")
    ] = KindName.DEFAULT,
    station: Annotated[str | None, typer.Option(help="Only parts of this station.")] = None,
    line: Annotated[str | None, typer.Option(help="Only parts of this line.")] = None,
    lot: Annotated[str | None, typer.Option(help="Only parts of this lot.")] = None,
    product: Annotated[str | None, typer.Option(help="Only parts of this product.")] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Only defects of this class.")] = None,
    by: Annotated[
        str, typer.Option(help="What a point is of: hour, shift, day, lot, or parts:N, such as parts:500.")
    ] = "hour",
    since: Annotated[
        str | None, typer.Option("--from", help="ISO 8601 with offset; some 50 points before --to by default.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="ISO 8601 with offset; now by default.")] = None,
    counted: Annotated[
        CountedName, typer.Option(help="process: what people confirmed. detector: all that it called.")
    ] = CountedName.PROCESS,
    baseline: Annotated[
        str | None, typer.Option(help="Hold the points against this frozen baseline: NAME or NAME@VERSION.")
    ] = None,
    rules: Annotated[RuleSetName, typer.Option(help="Which rules tell a signal.")] = RuleSetName.WESTERN_ELECTRIC,
    out: Annotated[Path | None, typer.Option(help="Write the figure: .svg or .png.", dir_okay=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to print and to file.", dir_okay=False)] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show control charts of confirmed defects, or of what the detector called, with signals and what happened.

    Points that people excluded, and points whose calls nobody has settled yet, are told apart. A signal says that the
    process is not what it was; it does not say why.
    """
    asked = {
        "station": station,
        "line": line,
        "lot": lot,
        "product": product,
        "class_name": class_name,
        "by": by,
        "from": since,
        "to": until,
        "counted": counted.value,
        "baseline": baseline,
        "rules": rules.value,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    found = ask(server, key, lambda client: client.charts(kind.value, **given), patience_s=_PATIENCE_S)
    from lineside.serving.charts.schemas import ChartsOut

    answer = ChartsOut.model_validate(found)
    if out is not None:
        from lineside.workflows.charting import charts_figure
        from lineside.workflows.figures import save_figure

        save_figure(charts_figure(answer), out)
        say(f"figure: {out}")
    if html is not None:
        from lineside.serving.clock import SystemClock
        from lineside.workflows.charting import write_charts_page

        write_charts_page(answer, html, written_at=SystemClock().now())
        say(f"page: {html}")
    if as_json:
        print_json(found)
    else:
        _show(answer)


def _show(answer: "ChartsOut") -> None:
    from lineside.workflows.charting import POINT_COLUMNS, chart_title, point_rows

    for one in answer.charts:
        say(f"{chart_title(one, by=answer.by)}, phase {one.phase}")
        for note in one.notes:
            say(f"  {note}")
        print_table(("chart", *POINT_COLUMNS), [(one.kind.value, *row) for row in point_rows(one)])
    for each in answer.annotations:
        say(f"{each.at:%Y-%m-%d %H:%M} UTC  {each.kind}: {each.text}")
