"""The PLC's table of permits by acquisition id. What is not in it, or no longer good, does not pass."""

from dataclasses import dataclass

from lineside.station.rig.line.truth import Why
from lineside.station.rig.records import Lane


@dataclass(slots=True)
class _Entry:
    permit: bool = False
    lane: Lane | None = None
    came_s: float = 0.0
    is_void: bool = False


class PermitTable:
    """Permits of the parts between trigger and gate.

    Args:
        age_s: how long a permit is good for after it came.
        has_reinspect_lane: whether there is a third lane.
    """

    def __init__(self, *, age_s: float, has_reinspect_lane: bool) -> None:
        self._age_s = age_s
        self._has_reinspect_lane = has_reinspect_lane
        self._entries: dict[int, _Entry] = {}

    def expect(self, acquisition_id: int) -> None:
        """A part was triggered; whatever an earlier part of the same id left is forgotten."""
        self._entries[acquisition_id] = _Entry()

    def put(self, acquisition_id: int, *, permit: bool, lane: Lane, now_s: float) -> bool:
        """A result came.

        A second result for the same part that says something else makes both void: one of them is wrong.

        Returns:
            Whether it was taken: not for a part that is not between trigger and gate, nor for a voided one.
        """
        entry = self._entries.get(acquisition_id)
        if entry is None or entry.is_void:
            return False
        if entry.lane is not None and (entry.permit, entry.lane) != (permit, lane):
            entry.is_void = True
            return False
        entry.permit, entry.lane, entry.came_s = permit, lane, now_s
        return True

    def withdraw(self, acquisition_id: int) -> None:
        """The station takes a permit back while its result still stands; without one nothing changes."""
        entry = self._entries.get(acquisition_id)
        if entry is not None and entry.permit:
            entry.is_void = True

    def void_all(self) -> None:
        """Nothing that is under way may pass any more, whatever still comes for it."""
        for entry in self._entries.values():
            entry.is_void = True

    def take(self, acquisition_id: int, *, now_s: float) -> tuple[Lane, Why]:
        """Where a part goes that is at the gate, and why; its entry is used up."""
        entry = self._entries.pop(acquisition_id, None)
        if entry is None or entry.lane is None:
            return (Lane.REJECT, Why.NO_PERMIT if entry is None or not entry.is_void else Why.VOIDED)
        if entry.is_void:
            return (Lane.REJECT, Why.VOIDED)
        if now_s - entry.came_s > self._age_s:
            return (Lane.REJECT, Why.EXPIRED)
        if entry.permit and entry.lane is Lane.PASS:
            return (Lane.PASS, Why.PERMIT)
        if entry.lane is Lane.REINSPECT and self._has_reinspect_lane:
            return (Lane.REINSPECT, Why.REINSPECT)
        return (Lane.REJECT, Why.NO_PERMIT)

    def forget(self, acquisition_id: int) -> None:
        """A part is no longer between trigger and gate."""
        self._entries.pop(acquisition_id, None)
