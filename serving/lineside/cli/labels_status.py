"""`lineside labels status|attention|withdraw`: where a labelling project stands, and what needs a person."""

import getpass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.labels_options import JsonOption, KeyOption, ProjectOption
from lineside.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from lineside.client import LinesideClient

ByOption = Annotated[
    str | None, typer.Option("--by", help="Who says so; by default your login name.", show_default=False)
]


def status(server: ServerOption, key: KeyOption, project: ProjectOption, *, as_json: JsonOption = False) -> None:
    """Show how far a project is: picks, the last pull, minutes, and what needs a person."""
    found = ask(server, key, lambda client: client.label_project(project))
    if as_json:
        print_json(found)
        return
    counts = found["counts"]
    lease = found["lease"]
    where = "-" if found["label_studio_url"] is None else f"{found['label_studio_url']}"
    behind = found["change"] - found["revision_change"]
    print_table(
        ("", ""),
        [
            ("project", found["name"]),
            ("label studio", f"{where} project {found['label_studio_project_id'] or '-'}"),
            ("catalogue", _catalogue(found["catalogue"])),
            *((state, str(counts[state])) for state in ("waiting", "pushed", "labelled", "attention", "withdrawn")),
            ("needs a person", str(counts["open_attention"])),
            ("minutes used", f"{found['minutes']:.1f}"),
            ("last pull", found["pulled_at"] or "never"),
            ("webhook's hint", _hint(found)),
            ("revision", f"{found['revision'] or '-'}" + (f", {behind} change(s) behind" if behind else "")),
            ("at work", "nobody" if lease is None else f"{lease['holder']}: {lease['purpose']} until {lease['until']}"),
        ],
    )


def attention(
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    settle: Annotated[
        str | None, typer.Option(metavar="ID", help="Take this entry off the list, with --note.", show_default=False)
    ] = None,
    note: Annotated[str | None, typer.Option(help="How it was settled, in words.")] = None,
    by: ByOption = None,
    *,
    show_all: Annotated[bool, typer.Option("--all", help="Settled entries too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what needs a person, oldest first, or settle an entry."""
    if settle is not None:
        if not (note or "").strip():
            raise typer.BadParameter("say how it was settled", param_hint="--note")
        settled = ask(
            server,
            key,
            lambda client: client.settle_label_attention(settle, by=by or getpass.getuser(), note=str(note)),
        )
        if as_json:
            print_json(settled)
        else:
            say(f"settled: {settled['message']}")
        return

    async def collect(client: "LinesideClient") -> list[dict[str, Any]]:
        return [entry async for entry in client.label_attention(project, show="all" if show_all else "open")]

    entries = ask(server, key, collect)
    if as_json:
        print_json(entries)
        return
    print_table(
        ("id", "since", "what", "pick", "message", "settled"),
        [
            (
                entry["id"],
                entry["raised_at"],
                entry["code"],
                entry["pick_id"] or "-",
                entry["message"],
                "" if entry["settled_at"] is None else f"{entry['settled_by']}: {entry['settled_note']}",
            )
            for entry in entries
        ],
    )
    if not entries:
        say("nothing needs a person")


def withdraw(
    named: Annotated[
        str,
        typer.Argument(metavar="PART", help="The part, or the pick's id as the list of what needs a person has it."),
    ],
    server: ServerOption,
    key: KeyOption,
    project: ProjectOption,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger.")],
    by: ByOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Take the picks of a part back, for good; the reviews that its labels were are withdrawn."""

    async def take_back(client: "LinesideClient") -> list[dict[str, Any]]:
        return [
            await client.withdraw_label_pick(pick["id"], by=by or getpass.getuser(), reason=reason)
            async for pick in client.label_picks(project)
            if named in {pick["id"], pick["part_id"]} and pick["state"] != "withdrawn"
        ]

    withdrawn = ask(server, key, take_back)
    if not withdrawn:
        from lineside.workflows.errors import LabelProjectUnfit

        raise LabelProjectUnfit(f"no pick of project {project!r} is of a part {named!r} or has that id")
    if as_json:
        print_json(withdrawn)
    else:
        say(f"part {withdrawn[0]['part_id']}: {len(withdrawn)} pick(s) taken back")


def _catalogue(named: dict[str, Any] | None) -> str:
    return "-" if named is None else f"{named['id']} version {named['version']}"


def _hint(found: dict[str, Any]) -> str:
    hinted_at = found["hinted_at"]
    if hinted_at is None:
        return "none yet"
    pulled_at = found["pulled_at"]
    is_waiting = pulled_at is None or datetime.fromisoformat(pulled_at) < datetime.fromisoformat(hinted_at)
    return f"{hinted_at}{', not pulled yet' if is_waiting else ''}"
