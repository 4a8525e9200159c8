"""The PLC's watch over the station: a heartbeat that does not change is a station that is not there."""


class HeartbeatWatch:
    """Alive from the first change on, until none comes for too long.

    Args:
        timeout_s: how long it may stand.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._last: int | None = None
        self._changed_s: float | None = None
        self.is_alive = False

    def scan(self, heartbeat: int | None, now_s: float) -> bool:
        """Look at it in this scan; gives whether the station is alive.

        Args:
            heartbeat: None while the station has said nothing at all.
            now_s: the PLC's clock.
        """
        if heartbeat is not None and heartbeat != self._last:
            # The first value may be what a dead station left behind: only a change is life.
            self._changed_s = None if self._last is None else now_s
            self._last = heartbeat
        self.is_alive = self._changed_s is not None and now_s - self._changed_s <= self._timeout_s
        return self.is_alive
