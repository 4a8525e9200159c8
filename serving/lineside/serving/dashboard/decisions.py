"""The panel of what reaches others and what waits for a decision: delivery, holds, proposals, and what to type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final

from lineside.serving.dashboard.card_table import card_table
from lineside.serving.dashboard.delivery import delivery_lines
from lineside.serving.dashboard.wording import Wording
from lineside.serving.delivery.schemas import DeliveryOut
from lineside.serving.holds import HoldOut
from lineside.serving.proposals import ProposalKind, ProposalOut, ProposalState
from lineside.serving.services import Services

_LISTED: Final = 5


@dataclass(frozen=True, slots=True)
class ShownDecisions:
    """What the panel says.

    Attributes:
        delivery: how every sink stands.
        holds: what is held back now, oldest first.
        worked_on: the stations where each held lot is worked on now, by the hold's identifier.
        proposals: open ones, newest first; one more than is listed at most.
    """

    delivery: DeliveryOut
    holds: Sequence[HoldOut]
    worked_on: Mapping[str, Sequence[str]]
    proposals: Sequence[ProposalOut]


async def shown_decisions(services: Services) -> ShownDecisions:
    """Ask the server's own services, as a request would.

    Raises:
        LinesideError: the ledger cannot be read.
    """
    worked_on: dict[str, list[str]] = {}
    for station in services.stations.all():
        for hold in services.holds.concerning(station.id):
            if hold.lot is not None:
                worked_on.setdefault(hold.id, []).append(station.id)
    return ShownDecisions(
        await services.delivery.overview(),
        services.holds.standing(),
        worked_on,
        await services.proposals.proposals(state=ProposalState.PROPOSED, limit=_LISTED + 1),
    )


def decisions_panel(shown: ShownDecisions, wording: Wording) -> str:
    """Sinks, holds and proposals as tables; one quiet line names those of which there are none."""
    lines, quiet = [delivery_lines(shown.delivery, wording)], []
    if not shown.delivery.items:
        quiet.append(wording("sinks_none"))
    for rows, names, none, more in (
        (_holds(shown, wording), ("held", "reason", "held_since", "to_type"), "held_none", "lineside holds list"),
        (
            [_proposal(each, wording) for each in shown.proposals],
            ("proposed", "reason", "proposed_since", "to_type"),
            "proposed_none",
            "lineside proposals list",
        ),
    ):
        if not rows:
            quiet.append(wording(none))
            continue
        lines.append(card_table([wording(name) for name in names], rows[:_LISTED]))
        if len(rows) > _LISTED:
            lines.append(f'<div class="ls-hint">{escape(wording("and_more"))} <code>{more}</code></div>')
    if shown.holds or shown.proposals:
        quiet.append(wording("commands_hint"))
    if quiet:
        lines.append(f'<div class="ls-hint ls-work">{escape(" ".join(quiet))}</div>')
    return "".join(lines)


def _holds(shown: ShownDecisions, wording: Wording) -> list[tuple[str, ...]]:
    """Newest first, as commands list them."""
    rows: list[tuple[str, ...]] = []
    for hold in reversed(shown.holds):
        what = _parts_of(hold.station, hold.lot, wording)
        stations = shown.worked_on.get(hold.id, ())
        if stations:
            what += f' <span class="ls-hint">{escape(wording("held_at", stations=", ".join(stations)))}</span>'
        why = escape(wording("why"))
        command = f'<code>lineside holds release {escape(hold.id)} --reason "{why}"</code>'
        rows.append((what, escape(hold.reason), _when(hold.at, hold.by), command))
    return rows


def _proposal(proposal: ProposalOut, wording: Wording) -> tuple[str, ...]:
    kind = f'<span class="ls-chip">{escape(wording(f"proposal_{proposal.kind.value}"))}</span>'
    name = escape(proposal.id)
    command = f"<code>lineside proposals approve {name}</code> "
    command += f'<span class="ls-hint">{escape(wording("or_dismiss"))}</span>'
    change = _change(proposal.kind, proposal.change, wording)
    when = _when(proposal.proposed_at, proposal.proposed_by)
    return f"{kind} {change}", escape(proposal.reason), when, command


def _change(kind: ProposalKind, change: Mapping[str, Any], wording: Wording) -> str:
    """What approving would change, in words; escaped."""
    match kind:
        case ProposalKind.HOLD:
            return _parts_of(change.get("station"), change.get("lot"), wording)
        case ProposalKind.ORDER:
            order = change["order"]
            text = wording("change_order", station=change["station"], order=order["order_id"], product=order["product"])
            if order.get("lot") is not None:
                text += ", " + wording("held_lot", lot=order["lot"])
            return escape(text)
        case ProposalKind.THRESHOLD:
            moved = ", ".join(f"{wording.defect_class(name)} {least:g}" for name, least in change["thresholds"].items())
            return escape(wording("change_threshold", recipe=change["recipe_id"], thresholds=moved))
        case ProposalKind.SECOND_STATION:
            return escape(wording("change_second_station", station=change["station"]))


def _parts_of(station: str | None, lot: str | None, wording: Wording) -> str:
    return escape(wording("held_station", station=station) if lot is None else wording("held_lot", lot=lot))


def _when(at: datetime, by: str) -> str:
    return f'{at.astimezone():%m-%d %H:%M} <span class="ls-hint">{escape(by)}</span>'
