"""A station reduced to its handshakes: what the rigs' tests put on the other end of the cable."""

from collections.abc import Callable
from dataclasses import dataclass, field

from lineside.station.rig.records import Inputs, Lane, Outputs, StationState


@dataclass
class PlainStation:
    """Acknowledges triggers, judges at once, hands results over one by one.

    Attributes:
        judges: whether the part of an acquisition id may pass; None gives no result at all.
        lane_of_refused: where parts without a permit are sent.
    """

    judges: Callable[[int], bool | None]
    lane_of_refused: Lane = Lane.REJECT
    is_ready: bool = True
    stop_line: bool = False
    permits_given: set[int] = field(default_factory=set)
    triggers: list[int] = field(default_factory=list)
    part_ids: dict[int, str | None] = field(default_factory=dict)
    confirmed: list[tuple[int, Lane]] = field(default_factory=list)
    _heartbeat: int = 0
    _acknowledged: int = 0
    _is_acknowledging: bool = False
    _waiting: list[int] = field(default_factory=list)
    _is_handing_over: bool = False

    def scan(self, inputs: Inputs) -> Outputs:
        """One scan."""
        self._heartbeat = (self._heartbeat + 1) & 0xFFFF
        self.confirmed += [(found.acquisition_id, found.lane) for found in inputs.confirmed]
        if inputs.trigger and not self._is_acknowledging:
            self._acknowledged, self._is_acknowledging = inputs.trigger_id, True
            self.triggers.append(inputs.trigger_id)
            self.part_ids[inputs.trigger_id] = inputs.part_id
            if self.judges(inputs.trigger_id) is not None:
                self._waiting.append(inputs.trigger_id)
        elif not inputs.trigger:
            self._is_acknowledging = False
        if self._is_handing_over and inputs.results_ack and inputs.results_ack_id == self._waiting[0]:
            self._waiting.pop(0)
            self._is_handing_over = False
        elif self._waiting and not inputs.results_ack:
            self._is_handing_over = True
        return self._outputs()

    def _outputs(self) -> Outputs:
        result = self._waiting[0] if self._is_handing_over else 0
        permit = bool(result and self.judges(result))
        if permit:
            self.permits_given.add(result)
        return Outputs(
            state=StationState.READY,
            ready=self.is_ready,
            trigger_ack=self._is_acknowledging,
            trigger_ack_id=self._acknowledged,
            busy=False,
            results_valid=self._is_handing_over,
            results_id=result,
            permit=permit,
            lane=Lane.PASS if permit else self.lane_of_refused,
            heartbeat=self._heartbeat,
            stop_line=self.stop_line,
            missed_acquisition=False,
            alarm=0,
        )
