"""`lineside labels reviewers`: how well people read at the review place."""

from typing import Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.known_parts import KeyOption
from lineside.cli.labels_options import JsonOption
from lineside.cli.output import print_json, print_table

_NOTHING = "-"
_COLUMNS = (
    "reader",
    "readings",
    "known: missed",
    "known: false alarms",
    "second: missed",
    "second: false alarms",
    "kappa",
    "minutes",
)


def reviewers(
    server: ServerOption,
    key: KeyOption,
    start: Annotated[
        str | None, typer.Option("--from", help="Parts that came then or later, ISO 8601 with offset.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Parts that came before, ISO 8601 with offset.")] = None,
    confidence: Annotated[float, typer.Option(help="Of the intervals.", min=0.5, max=0.999)] = 0.95,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show how well people read: errors on known parts and in blind second readings, agreement, minutes."""
    asked = {name: value for name, value in (("from", start), ("to", end)) if value is not None}
    found = ask(server, key, lambda client: client.reviewers(**asked, confidence=confidence))
    if as_json:
        print_json(found)
        return
    rows = [_row(item["reader"], item) for item in found["items"]]
    print_table(_COLUMNS, [*rows, _row("all", found["total"])])


def _row(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    kappa = figures["kappa"]
    return (
        name,
        str(figures["readings"]),
        _share(figures["known_parts"]["missed"]),
        _share(figures["known_parts"]["false_alarms"]),
        _share(figures["blind_seconds"]["missed"]),
        _share(figures["blind_seconds"]["false_alarms"]),
        _NOTHING
        if kappa is None or kappa["value"] is None
        else f"{kappa['value']:.2f} [{kappa['lower']:.2f}, {kappa['upper']:.2f}] of {kappa['pairs']}",
        f"{figures['minutes']:.1f}",
    )


def _share(wrong: dict[str, Any]) -> str:
    if wrong["share"] is None:
        return _NOTHING
    lower, upper = 100 * wrong["lower"], 100 * wrong["upper"]
    return f"{wrong['wrong']}/{wrong['readings']} [{lower:.1f}, {upper:.1f}] %"
