"""`lineside proposals`: what rules and scenarios propose, and deciding on it."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.mes_options import JsonOption, KeyOption
from lineside.cli.output import print_json, print_table, say

proposals_app = typer.Typer(
    name="proposals",
    help="See what rules and what-if scenarios propose; approve it, which carries it out, or dismiss it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ProposalStateChoice(StrEnum):
    """Which proposals to show."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DISMISSED = "dismissed"
    ALL = "all"


ProposalArgument = Annotated[
    str, typer.Argument(metavar="PROPOSAL", help="Its id, as `lineside proposals list` shows it.")
]
NoteOption = Annotated[str | None, typer.Option(help="What you say to it; it goes into the ledger.")]


@proposals_app.command(name="list")
def list_proposals(
    server: ServerOption,
    key: KeyOption,
    state: Annotated[ProposalStateChoice, typer.Option(help="Which proposals.")] = ProposalStateChoice.PROPOSED,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show proposals, the newest first; with --json, what speaks for each."""
    wanted = None if state is ProposalStateChoice.ALL else state.value
    found = ask(server, key, lambda client: client.proposals(state=wanted, limit=limit))
    if as_json:
        print_json(found)
        return
    print_table(("id", "kind", "change", "state", "by", "at", "reason"), [_row(each) for each in found])


@proposals_app.command()
def approve(
    proposal: ProposalArgument,
    server: ServerOption,
    key: KeyOption,
    note: NoteOption = None,
    gate_report: Annotated[
        str | None, typer.Option(help="Digest of the stored gate report that lets a looser threshold pass.")
    ] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Carry a proposal out. A hold is set, an order given, a threshold brought into force where it is used."""
    approved = ask(server, key, lambda client: client.approve(proposal, note=note, gate_report=gate_report))
    if as_json:
        print_json(approved)
        return
    say(f"proposal {approved['id']} is approved and carried out: {_short(approved['outcome'])}")


@proposals_app.command()
def dismiss(
    proposal: ProposalArgument,
    server: ServerOption,
    key: KeyOption,
    note: NoteOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Leave things as they are."""
    dismissed = ask(server, key, lambda client: client.dismiss(proposal, note=note))
    if as_json:
        print_json(dismissed)
        return
    say(f"proposal {dismissed['id']} is dismissed")


def _short(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _row(proposal: Mapping[str, Any]) -> tuple[str, ...]:
    change = _short(proposal["change"])
    names = ("proposed_by", "proposed_at", "reason")
    return (proposal["id"], proposal["kind"], change, proposal["state"], *(proposal[name] for name in names))
