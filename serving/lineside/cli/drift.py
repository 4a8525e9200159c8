"""`lineside drift`: whether the lines are still what they were, and ending an alarm."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.output import print_json, print_table, say

drift_app = typer.Typer(
    name="drift",
    help="See whether lines, cameras and scores are still what they were, and end an alarm.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key; role quality to end an alarm. Better in the variable, where no process list shows it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ReferenceChoice(StrEnum):
    """What later parts are held against."""

    KEEP = "keep"
    RENEW = "renew"


@drift_app.command(name="list")
def list_drift(
    server: ServerOption,
    key: KeyOption,
    station: Annotated[str | None, typer.Option(help="Only this station.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show how each station stands against its reference period: too_few_parts, looking, ok or alarm."""
    found = ask(server, key, lambda client: client.drift(station=station))
    if as_json:
        print_json(found)
        return
    print_table(
        ("line", "station", "product", "release", "state", "parts since", "alarm", "what"),
        [_row(item) for item in found["items"]],
    )
    if found["failure"] is not None:
        say(f"THE WATCH STANDS STILL, and what it says is old: {found['failure']}")
    for limit in found["cannot_see"]:
        say(f"not seen here: {limit}")


@drift_app.command()
def acknowledge(
    alarm: Annotated[str, typer.Argument(metavar="ALARM", help="Its id, as `lineside drift list` shows it.")],
    server: ServerOption,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="What it was; it goes into the ledger.")],
    reference: Annotated[
        ReferenceChoice,
        typer.Option(help="keep: it is mended, the reference stands. renew: this is the new normal, take a new one."),
    ] = ReferenceChoice.KEEP,
    *,
    as_json: JsonOption = False,
) -> None:
    """End an alarm after looking after it. Certificates that it ended stay ended."""
    found = ask(server, key, lambda client: client.acknowledge_drift(alarm, reason=reason, reference=reference.value))
    if as_json:
        print_json(found)
        return
    say(f"the alarm of {found['raised_at']} at station {found['watched']['station']} is acknowledged")


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
    watched, alarm = item["watched"], item["alarm"]
    parts = str(item["parts_since"])
    if item["reference_frozen_at"] is None:
        parts = f"reference {item['reference_parts']} of {item['reference_parts_wanted']}"
    return (
        watched["line"],
        watched["station"],
        watched["product"],
        f"{watched['release_name']} {watched['release_version']}",
        item["state"],
        parts,
        "-" if alarm is None else alarm["id"],
        "-" if alarm is None else "; ".join(finding["message"] for finding in alarm["findings"]),
    )
