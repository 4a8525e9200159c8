"""`lineside delivery`: how sinks stand, sending again, skipping, and whether all agrees."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.delivery_check import check
from lineside.cli.output import print_json, print_table, say
from lineside.inspection.errors import LinesideError

delivery_app = typer.Typer(
    name="delivery",
    help="See whether the MES and the twin get every event, and decide about those that they refused.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
delivery_app.command()(check)

KeyOption = Annotated[
    str,
    typer.Option(
        "--api-key",
        envvar="LINESIDE_API_KEY",
        help="API key; role quality or mes to decide. Better in the variable, where no process list shows it.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SinkArgument = Annotated[str, typer.Argument(metavar="SINK", help="Its name in the delivery file.")]
_INSTANT = "an instant with its offset, e.g. 2026-01-31T06:00:00+09:00"


class InstantRefused(LinesideError, ValueError):
    """Text that is no instant with an offset."""


@delivery_app.command()
def status(server: ServerOption, key: KeyOption, *, as_json: JsonOption = False) -> None:
    """Show each sink: what it can prove, how far it is behind, what is wrong, and how many events wait for a person."""
    found = ask(server, key, lambda client: client.delivery())
    if as_json:
        print_json(found)
        return
    print_table(
        ("sink", "kind", "proof", "state", "behind", "seconds", "delivered", "parked", "position"),
        [_row(item) for item in found["items"]],
    )
    for item in found["items"]:
        trouble = item["trouble"]
        if trouble is not None:
            say(f"{item['name']}: since {trouble['since']}, tried {trouble['attempts']} times: {trouble['reason']}")
            if trouble["next_try_at"] is not None:
                say(f"{item['name']}: tried again by itself at {trouble['next_try_at']}")
            if trouble["what_to_do"] is not None:
                say(f"{item['name']}: to do: {trouble['what_to_do']}")
    if not found["items"]:
        say("no sink ever delivered here: name some in a delivery file and start the server with --delivery")


@delivery_app.command()
def parked(
    sink: SinkArgument,
    server: ServerOption,
    key: KeyOption,
    after: Annotated[int, typer.Option(help="Go on behind this event.", min=0)] = 0,
    *,
    as_json: JsonOption = False,
) -> None:
    """List events that the sink's receiver refused for good, and why."""
    found = ask(server, key, lambda client: client.parked_events(sink, state="parked", after=after, limit=1000))
    if as_json:
        print_json(found)
        return
    print_table(
        ("sequence", "event", "type", "station", "parked at", "attempts", "reason"),
        [
            (
                str(item["sequence"]),
                item["event_id"],
                item["type"],
                item["station"] or "-",
                item["parked_at"] or "-",
                str(item["attempts"]),
                item["reason"] or "-",
            )
            for item in found
        ],
    )


@delivery_app.command()
def resend(
    sink: SinkArgument,
    server: ServerOption,
    key: KeyOption,
    sequences: Annotated[
        list[int] | None, typer.Option("--sequence", help="This event; may be given several times.", min=1)
    ] = None,
    first: Annotated[int | None, typer.Option("--from", help="This event and all behind it.", min=1)] = None,
    since: Annotated[str | None, typer.Option(help=f"All recorded since {_INSTANT}.")] = None,
    *,
    all_parked: Annotated[bool, typer.Option("--parked", help="All that are parked.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send events again, with the same identifiers. Give one of --sequence, --parked, --from, --since."""
    if sum([bool(sequences), all_parked, first is not None, since is not None]) != 1:
        raise typer.BadParameter("give one of --sequence, --parked, --from and --since")
    instant = None if since is None else _instant(since)
    found = ask(
        server,
        key,
        lambda client: client.resend_events(sink, sequences=sequences, parked=all_parked, first=first, since=instant),
    )
    if as_json:
        print_json(found)
        return
    say(f"{found['events']} events go to {sink} again; `lineside delivery status` shows how far it is")


@delivery_app.command()
def skip(
    sink: SinkArgument,
    server: ServerOption,
    key: KeyOption,
    sequences: Annotated[list[int], typer.Option("--sequence", help="This event; may be given several times.", min=1)],
    reason: Annotated[str, typer.Option(help="Why; it is kept, with whose key it was.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Never deliver some parked or waiting events to a sink."""
    found = ask(server, key, lambda client: client.skip_events(sink, sequences, reason=reason))
    if as_json:
        print_json(found)
        return
    say(f"{found['events']} events are skipped for {sink}")


@delivery_app.command()
def reconcile(
    server: ServerOption,
    key: KeyOption,
    start: Annotated[str, typer.Option("--from", help=f"First instant of the period: {_INSTANT}.")],
    end: Annotated[str, typer.Option("--to", help="First instant behind it.")],
    station: Annotated[str | None, typer.Option(help="Only this station.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Hold a period's frames, verdicts, events and deliveries against each other; ends with 1 where they differ."""
    begin, behind = _instant(start), _instant(end)
    found = ask(server, key, lambda client: client.reconciliation(start=begin, end=behind, station=station))
    if as_json:
        print_json(found)
    else:
        say(
            f"{found['attempts']} attempts, {found['frames']} frames, {found['verdicts']} verdicts, "
            f"{found['events']} events"
        )
        print_table(
            ("sink", "wanted", "proof", "delivered", "waiting", "parked", "skipped", "before the sink"),
            [
                (
                    sink["sink"],
                    str(sink["wanted"]),
                    sink["proof"],
                    *(str(sink[name]) for name in ("delivered", "waiting", "parked", "skipped", "before_the_sink")),
                )
                for sink in found["sinks"]
            ],
        )
        for gap in found["gaps"]:
            where = "" if gap["sink"] is None else f" at {gap['sink']}"
            examples = f" ({', '.join(gap['examples'])} ...)" if gap["examples"] else ""
            say(f"gap: {gap['count']} {gap['kind'].replace('_', ' ')}{where}{examples}")
    if not found["agrees"]:
        raise typer.Exit(1)


def _row(item: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        item["name"],
        item["kind"],
        item["proof"],
        item["state"],
        str(item["lag"]["events"]),
        f"{item['lag']['seconds']:.1f}",
        str(item["delivered"]),
        str(item["parked"]),
        str(item["position"]),
    )


def _instant(written: str) -> datetime:
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InstantRefused(f"{written!r}: expected {_INSTANT}")
    return found
