"""Which part is where, as a PLC knows it: a shift register of encoder counts, and what to do when it is lost."""

from dataclasses import dataclass
from enum import Enum, auto


class AtGate(Enum):
    """What the gate's sensor sees, where it is not one known part."""

    NOT_TRIGGERED = auto()
    UNTRACKED = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True)
class _Tracked:
    count: int
    acquisition_id: int | None


class ShiftRegister:
    """The parts between trigger and gate, by their counts.

    Parts keep their order on a belt. When the counts cannot be believed any more, as many of the next parts at the
    gate as were under way are lost; a part that was taken off meanwhile makes that one too many, which costs a good
    part and lets no bad one pass.

    Args:
        gate_counts: from the trigger's sensor to the gate's.
        window_counts: how far off a part may be there.
    """

    def __init__(self, *, gate_counts: float, window_counts: float) -> None:
        self._gate = gate_counts
        self._window = window_counts
        self._parts: list[_Tracked] = []
        self._lost = 0

    def enter(self, count: int, acquisition_id: int | None) -> None:
        """A part was at the trigger's sensor; None where it was not triggered."""
        self._parts.append(_Tracked(count, acquisition_id))

    def lose(self) -> tuple[int, ...]:
        """The counts are not to be believed: gives the ids of the parts under way, none of which may pass."""
        self._lost += len(self._parts)
        ids = _ids(self._parts)
        self._parts = []
        return ids

    def at_gate(self, count: int) -> tuple[int | AtGate, tuple[int, ...]]:
        """The gate's sensor sees a part.

        Args:
            count: of now.

        Returns:
            The acquisition id of the part that the counts put there, or what it is instead; and the ids of parts
            that can pass no more: they should have come by, or could be the one that is there as well as another.
        """
        if self._lost > 0:
            self._lost -= 1
            return AtGate.LOST, ()
        here = [part for part in self._parts if abs(count - part.count - self._gate) <= self._window]
        overdue = [part for part in self._parts if count - part.count - self._gate > self._window]
        gone = {*here, *overdue}
        self._parts = [part for part in self._parts if part not in gone]
        if not here:
            return AtGate.UNTRACKED, (*_ids(overdue), *self.lose())  # the counts and the belt have parted
        if len(here) > 1:
            return AtGate.UNTRACKED, _ids([*overdue, *here])  # which of them it is cannot be told
        (part,) = here
        return (AtGate.NOT_TRIGGERED if part.acquisition_id is None else part.acquisition_id), _ids(overdue)


def _ids(parts: list[_Tracked]) -> tuple[int, ...]:
    return tuple(part.acquisition_id for part in parts if part.acquisition_id is not None)
