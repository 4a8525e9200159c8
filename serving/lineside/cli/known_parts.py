"""`lineside known-parts`: parts of known truth, sent through the line to see what it finds."""

from enum import StrEnum
from typing import Annotated

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.deployments import JsonOption
from lineside.cli.output import print_json, print_table, say

known_parts_app = typer.Typer(
    name="known-parts",
    help="Say which parts are known to be defective or good; their inspections are tests, and in no rate.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key of role quality; better in the variable, where no process list shows it.",
    ),
]


class TruthName(StrEnum):
    """What a part is."""

    DEFECTIVE = "defective"
    GOOD = "good"


@known_parts_app.command(name="list")
def list_known_parts(server: ServerOption, key: KeyOption, *, as_json: JsonOption = False) -> None:
    """List every part whose truth is known."""
    found = list(ask(server, key, lambda client: client.known_parts()))
    if as_json:
        print_json(found)
        return
    print_table(
        ("part", "truth", "classes", "valid until", "note"),
        [
            (each["part_id"], each["truth"], ", ".join(each["classes"]), each["valid_until"] or "-", each["note"] or "")
            for each in found
        ],
    )


@known_parts_app.command()
def put(
    part_id: Annotated[str, typer.Argument(metavar="PART", help="The part's identifier.")],
    truth: Annotated[TruthName, typer.Argument(metavar="TRUTH", help="defective or good.")],
    server: ServerOption,
    key: KeyOption,
    classes: Annotated[list[str] | None, typer.Option("--class", help="A defect class that it has.")] = None,
    valid_until: Annotated[
        str | None, typer.Option(help="ISO 8601 with offset, from when the identifier is another part's.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="In words, e.g. which limit sample it is.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Say that a part is defective, or good; its inspections of the past leave the rates as well."""
    stored = ask(
        server,
        key,
        lambda client: client.put_known_part(
            part_id, truth=truth.value, classes=classes or (), valid_until=valid_until, note=note
        ),
    )
    if as_json:
        print_json(stored)
    else:
        say(f"part {stored['part_id']} is known to be {stored['truth']}")
