"""The panel's half about delivery: who gets the line's events, with which proof, how far behind, and what is wrong."""

from html import escape
from typing import Final

from lineside.serving.dashboard.card_table import card_table
from lineside.serving.dashboard.wording import Wording, clock_time
from lineside.serving.delivery.desk import DeliveryState
from lineside.serving.delivery.schemas import DeliveryOut, SinkOut, TroubleOut

_COLUMNS: Final = ("sink", "sink_proof", "sink_behind", "state", "sink_trouble", "sink_parked")
_CHIPS: Final = {
    DeliveryState.DELIVERING: "ok",
    DeliveryState.WAITING: "ni",
    DeliveryState.PERSON_NEEDED: "ng",
    DeliveryState.STOPPED: "ng",
}
_QUIET: Final = frozenset({"running", "no_sinks"})
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def delivery_lines(shown: DeliveryOut, wording: Wording) -> str:
    """The process where it is not running, then a table of the sinks; nothing where the plant never had a sink.

    Args:
        shown: as `DeliveryService.overview` gives it.
        wording: of the page.
    """
    lines = []
    if shown.process not in _QUIET:
        lines.append(f'<div class="ls-work">{escape(wording(f"process_{shown.process}"))}</div>')
    if shown.items:
        names = [wording(name) for name in _COLUMNS]
        lines.append(card_table(names, [_cells(sink, wording) for sink in shown.items]))
    return "".join(lines)


def age(seconds: float, wording: Wording) -> str:
    """A span of time in its largest fitting unit: tenths of a second below a minute, then whole minutes or hours."""
    if seconds < _MINUTE_S:
        return wording("age_s", count=f"{seconds:.1f}")
    if seconds < _HOUR_S:
        return wording("age_min", count=f"{seconds / _MINUTE_S:.0f}")
    return wording("age_h", count=f"{seconds / _HOUR_S:.1f}")


def _cells(sink: SinkOut, wording: Wording) -> tuple[str, ...]:
    # a sink that the file does not name any more is nobody's trouble
    kind = _CHIPS[sink.state] if sink.is_configured else ""
    return (
        f'<b>{escape(sink.name)}</b> <span class="ls-hint">{escape(sink.kind)}</span>',
        escape(wording(f"proof_{sink.proof.value}")),
        _behind(sink, wording),
        f'<span class="ls-chip {kind}">{escape(wording(f"sink_{sink.state.value}"))}</span>',
        _trouble(sink.trouble, wording),
        _parked(sink),
    )


def _behind(sink: SinkOut, wording: Wording) -> str:
    if not sink.lag.events:
        return escape(wording("sink_up_to_date"))
    return escape(wording("sink_lag", events=sink.lag.events, age=age(sink.lag.seconds, wording)))


def _trouble(trouble: TroubleOut | None, wording: Wording) -> str:
    """What was found, since when, and who has to do what; the server's own sentences stay as they are."""
    if trouble is None:
        return ""
    if trouble.what_to_do is not None:
        then = wording("trouble_to_do", what=trouble.what_to_do)
    elif trouble.next_try_at is not None:
        then = wording("trouble_by_itself", at=clock_time(trouble.next_try_at))
    else:
        then = wording("trouble_again")
    since = wording("trouble_since", since=f"{trouble.since.astimezone():%m-%d %H:%M}", attempts=trouble.attempts)
    return (
        f'<div>{escape(trouble.reason)} <span class="ls-hint">{escape(since)}</span></div>'
        f'<div class="ls-hint">{escape(then)}</div>'
    )


def _parked(sink: SinkOut) -> str:
    if not sink.parked:
        return "0"
    return f'<span class="ls-chip ng">{sink.parked}</span> <code>lineside delivery parked {escape(sink.name)}</code>'
