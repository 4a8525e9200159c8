"""Whether the server answers: while it does not, no part waits for it, and one task asks until it is back."""

from typing import Final

import structlog

from lineside.client.clock import Clock

_log = structlog.get_logger("lineside.station")

ASK_AWAY_S: Final = 0.5
"""How often a server that is away is asked."""


class ServerWatch:
    """What is known of the server; written by whoever spoke to it last.

    Args:
        clock: the station's.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._away_since_s: float | None = None

    @property
    def is_away(self) -> bool:
        """Whether the last one who asked got no answer."""
        return self._away_since_s is not None

    def note_away(self, why: str) -> None:
        """No answer came; said once."""
        if self._away_since_s is None:
            self._away_since_s = self._clock.monotonic()
            _log.warning("server_away", why=why)

    def note_answer(self) -> None:
        """An answer came, whatever it says; said once."""
        if self._away_since_s is not None:
            away_s = self._clock.monotonic() - self._away_since_s
            self._away_since_s = None
            _log.info("server_back", away_s=round(away_s, 3))
