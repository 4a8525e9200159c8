"""`lineside holds`: what is held back, holding parts back, and letting them go on."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer

from lineside.cli.asking import ServerOption, ask
from lineside.cli.mes_options import JsonOption, KeyOption
from lineside.cli.output import print_json, print_table, say

holds_app = typer.Typer(
    name="holds",
    help="Hold back a station's or a lot's parts, whatever their verdict, and let them go on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class HoldStateChoice(StrEnum):
    """Which holds to show."""

    HELD = "held"
    RELEASED = "released"
    ALL = "all"


StationOption = Annotated[str | None, typer.Option(help="A station's parts.")]
LotOption = Annotated[str | None, typer.Option(help="A lot's parts.")]


@holds_app.command(name="list")
def list_holds(
    server: ServerOption,
    key: KeyOption,
    state: Annotated[HoldStateChoice, typer.Option(help="Which holds.")] = HoldStateChoice.HELD,
    station: StationOption = None,
    lot: LotOption = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most, the newest.")] = 100,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show what is held back and why, the newest first."""
    wanted = None if state is HoldStateChoice.ALL else state.value
    found = ask(server, key, lambda client: client.holds(state=wanted, station=station, lot=lot, limit=limit))
    if as_json:
        print_json(found)
        return
    print_table(("id", "what", "state", "since", "by", "reason"), [_row(each) for each in found])


@holds_app.command(name="set")
def set_hold(
    server: ServerOption,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger and to the MES.")],
    station: StationOption = None,
    lot: LotOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Hold back the parts of one station or of one lot. No verdict is altered."""
    if (station is None) == (lot is None):
        raise typer.BadParameter("give one of --station and --lot")
    held = ask(server, key, lambda client: client.hold(station=station, lot=lot, reason=reason))
    if as_json:
        print_json(held)
        return
    say(f"{_what(held)} is held since {held['at']}: {held['reason']} (hold {held['id']})")


@holds_app.command()
def release(
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="Its id, as `lineside holds list` shows it.")],
    server: ServerOption,
    key: KeyOption,
    reason: Annotated[str, typer.Option(help="Why; it goes into the ledger and to the MES.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Let held parts go on."""
    released = ask(server, key, lambda client: client.release_hold(hold, reason=reason))
    if as_json:
        print_json(released)
        return
    say(f"{_what(released)} is released")


def _what(hold: Mapping[str, Any]) -> str:
    return f"station {hold['station']}" if hold["lot"] is None else f"lot {hold['lot']}"


def _row(hold: Mapping[str, Any]) -> tuple[str, ...]:
    return (hold["id"], _what(hold), hold["state"], hold["at"], hold["by"], hold["reason"])
