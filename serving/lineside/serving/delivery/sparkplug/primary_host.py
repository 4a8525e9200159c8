"""The primary host: whom an edge node waits for, and whose going ends its session."""

from enum import StrEnum
from typing import Any

from lineside.inspection.canonical_json import parse_json
from lineside.serving.delivery.sparkplug.errors import StateUnreadable
from lineside.serving.delivery.sparkplug.topics import state_topic


class HostNews(StrEnum):
    """What a STATE message means to the node."""

    ONLINE = "online"
    OFFLINE = "offline"
    STALE = "stale"
    """Older than the last one that counted: passed over."""


class PrimaryHost:
    """What is known of one host in one session (specification 3.0, 5.4).

    What was heard does not outlive the session: a host whose clock once ran ahead is believed again in the next one.

    Args:
        host: its id; the last level of its STATE topic.
    """

    def __init__(self, host: str) -> None:
        self._topic = state_topic(host)
        self._timestamp_ms: int | None = None
        self._is_online = False

    @property
    def topic(self) -> str:
        """Where it speaks."""
        return self._topic

    @property
    def is_online(self) -> bool:
        """Whether its last word was that it is there; not before it said anything."""
        return self._is_online

    def hears(self, payload: bytes) -> HostNews:
        """Take in a STATE message of this host.

        A timestamp below that of the last message that counted makes it stale; an equal one counts.

        Raises:
            StateUnreadable: it is not `{"online": ..., "timestamp": ...}`.
        """
        online, timestamp_ms = _read(payload)
        if self._timestamp_ms is not None and timestamp_ms < self._timestamp_ms:
            return HostNews.STALE
        self._timestamp_ms = timestamp_ms
        self._is_online = online
        return HostNews.ONLINE if online else HostNews.OFFLINE

    def forget(self) -> None:
        """A new session begins."""
        self._timestamp_ms = None
        self._is_online = False


def _read(payload: bytes) -> tuple[bool, int]:
    try:
        state: Any = parse_json(payload)
    except ValueError as error:
        raise StateUnreadable(
            f"STATE {payload[:80]!r} is no JSON: version 3.0 asks for online and timestamp"
        ) from error
    online = state.get("online") if isinstance(state, dict) else None
    timestamp_ms = state.get("timestamp") if isinstance(state, dict) else None
    if not isinstance(online, bool) or not isinstance(timestamp_ms, int) or isinstance(timestamp_ms, bool):
        raise StateUnreadable(f"STATE {payload[:80]!r}: expected a boolean 'online' and a whole-number 'timestamp'")
    return online, timestamp_ms
