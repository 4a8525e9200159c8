"""The two handshakes as a PLC's programme does them, each in four phases.

Trigger: the PLC raises `trigger` with `trigger_id`; the station raises `trigger_ack` with the same id; the PLC drops
`trigger`; the station drops `trigger_ack`. Result: the station raises `results_valid` with `results_id`; the PLC
raises `results_ack` with the same id; the station drops `results_valid`; the PLC drops `results_ack`. Every signal
stands until it is answered, so a scan that misses one sees it in the next.
"""

from enum import Enum, auto

from lineside.station.rig.line.settings import MAX_ACQUISITION_ID
from lineside.station.rig.records import Outputs


class TriggerEnd(Enum):
    """How a trigger's handshake came out."""

    ACKNOWLEDGED = auto()
    UNANSWERED = auto()


class _Phase(Enum):
    IDLE = auto()
    RAISED = auto()
    FALLING = auto()


class TriggerHandshake:
    """One trigger at a time.

    Args:
        first_id: the first acquisition id.
        timeout_s: how long each phase may take.
    """

    def __init__(self, *, first_id: int, timeout_s: float) -> None:
        self.trigger_id = 0
        self._next_id = first_id
        self._timeout_s = timeout_s
        self._phase = _Phase.IDLE
        self._since_s = 0.0
        self._ignored = 0

    @property
    def trigger(self) -> bool:
        """The signal."""
        return self._phase is _Phase.RAISED

    @property
    def is_free(self) -> bool:
        """Whether another trigger may begin."""
        return self._phase is _Phase.IDLE

    def begin(self, now_s: float) -> int:
        """Raise the trigger; gives the acquisition id. Only while `is_free`."""
        self.trigger_id = self._next_id
        self._next_id = self._next_id % MAX_ACQUISITION_ID + 1
        self._enter(_Phase.RAISED, now_s)
        return self.trigger_id

    def scan(self, station: Outputs, now_s: float) -> TriggerEnd | None:
        """Go on; gives how it came out, in the scan in which that is clear."""
        is_overdue = now_s - self._since_s > self._timeout_s
        if self._phase is _Phase.RAISED:
            if station.trigger_ack and station.trigger_ack_id == self.trigger_id and self._ignored == 0:
                self._enter(_Phase.FALLING, now_s)
                return TriggerEnd.ACKNOWLEDGED
            if is_overdue:
                self._ignored = max(self._ignored - 1, 0)
                self._enter(_Phase.FALLING, now_s)
                return TriggerEnd.UNANSWERED
        elif self._phase is _Phase.FALLING and not station.trigger_ack:
            self._enter(_Phase.IDLE, now_s)
        return None

    def abandon(self, now_s: float) -> bool:
        """The station is gone: drop the trigger. Gives whether one was still unanswered."""
        was_raised = self._phase is _Phase.RAISED
        self._enter(_Phase.IDLE, now_s)
        return was_raised

    def lose_acknowledgements(self, number: int) -> None:
        """Plant: the next so many acknowledgements do not arrive."""
        self._ignored = number

    def _enter(self, phase: _Phase, now_s: float) -> None:
        self._phase, self._since_s = phase, now_s


class ResultHandshake:
    """One result at a time."""

    def __init__(self) -> None:
        self.results_ack = False
        self.results_ack_id = 0
        self._lost = 0
        self._taken_id: int | None = None

    def scan(self, station: Outputs) -> bool:
        """Go on; gives whether the station's `results_id` names a result to take in this scan."""
        if not station.results_valid or station.results_id != self._taken_id:
            # Another id while it stands: the moment in which it was off fell between two scans.
            was_standing, self._taken_id, self.results_ack = self._taken_id is not None, None, False
            if not station.results_valid or was_standing:
                return False
            self._taken_id = station.results_id
            if self._lost > 0:
                self._lost -= 1
            else:
                self.results_ack, self.results_ack_id = True, station.results_id
            return True
        return False

    def restart(self) -> None:
        """The station is gone: drop the acknowledgement."""
        self.results_ack = False
        self._taken_id = None

    def lose_acknowledgements(self, number: int) -> None:
        """Plant: the next so many results are taken, and their acknowledgement does not get out."""
        self._lost = number
