"""Results go to the PLC one at a time in four phases: valid with an id, acknowledged with the same id, both dropped.

Before a result is shown, the acknowledgement of the one before must be gone: one that still stands would be taken for
the new result's. What stands never changes: a permit that is taken back is withdrawn first, and once the PLC's
acknowledgement is off, the same id is told again without one; a PLC that took both lets neither pass. The same voids a
permit that it may have taken for another part, to which it gave the number just then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lineside.station.machine.parts import TrackedPart
from lineside.station.rig.records import Inputs


@dataclass(frozen=True, slots=True)
class OddAck:
    """An acknowledgement that answers nothing; in words why."""

    acquisition_id: int
    message: str


class ResultHandshake:
    """Shows results and sees them taken.

    Args:
        timeout_s: how long the PLC may take for a phase.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self.shown: TrackedPart | None = None
        self._is_permit_shown = False
        self._timeout_s = timeout_s
        self._since_s = 0.0
        self._odd: int | None = None
        self._was_told = False
        self._must_fall = True
        """Whether the acknowledgement has to be seen dropped first; at the start it may stand from an earlier life."""

    def hear(
        self, inputs: Inputs, *, is_anyone_waiting: bool, now_s: float
    ) -> tuple[TrackedPart | None, OddAck | None]:
        """Look at the PLC's answer to what stood until now; before anything else is decided in a scan.

        Args:
            inputs: of this scan.
            is_anyone_waiting: whether another result is to be shown.
            now_s: monotonic.

        Returns:
            The part whose result the PLC has taken in this scan, and what is odd about its acknowledgement.
        """
        taken, odd = None, None
        if not inputs.results_ack:
            self._must_fall, self._odd = False, None
        elif self.shown is not None and not self._must_fall:
            if inputs.results_ack_id == self.shown.acquisition_id:
                taken, self.shown, self._must_fall = self.shown, None, True
                taken.was_taken = True
                self._since_s, self._was_told = now_s, False
            elif inputs.results_ack_id != self._odd:
                self._odd = inputs.results_ack_id
                odd = OddAck(
                    inputs.results_ack_id,
                    f"the PLC acknowledges result {inputs.results_ack_id} while {self.shown.acquisition_id} stands",
                )
        if odd is None and not self._was_told and now_s - self._since_s > self._timeout_s:
            if self.shown is not None:
                odd = OddAck(
                    self.shown.acquisition_id,
                    f"the PLC has not taken result {self.shown.acquisition_id} for {self._timeout_s:g} s",
                )
            elif self._must_fall and is_anyone_waiting:
                odd = OddAck(
                    inputs.results_ack_id, f"the acknowledgement of result {inputs.results_ack_id} still stands"
                )
            self._was_told = odd is not None
        return taken, odd

    def show(self, waiting: Sequence[TrackedPart], *, now_s: float) -> None:
        """Choose what stands at the outputs; after everything else is decided in a scan.

        Args:
            waiting: parts with a decided lane, the most urgent first.
            now_s: monotonic.
        """
        if self.shown is not None and self.shown.may_pass != self._is_permit_shown:
            self.shown, self._must_fall = None, True
        elif self.shown is None and not self._must_fall and waiting:
            self.shown, self._since_s, self._was_told = waiting[0], now_s, False
            self._is_permit_shown = self.shown.may_pass
            self.shown.was_permit_shown = self.shown.was_permit_shown or self.shown.may_pass

    def withdraw(self, part: TrackedPart) -> None:
        """A result that nobody takes is shown no more."""
        if self.shown is part:
            self.shown = None

    def forget(self) -> None:
        """The PLC was away: nothing that it says counts until its acknowledgement was seen dropped."""
        self.shown, self._must_fall, self._odd = None, True, None
