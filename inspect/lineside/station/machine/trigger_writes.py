"""Which triggers stand on the station's disk: the PLC is told of no other."""

from collections import Counter


class TriggerWrites:
    """Counts, by acquisition id, what was begun to be written and what came of it.

    A PLC that counts anew gives an id to a second part while the first one's record is still on its way: an id stands
    on disk once all that was begun for it does. Where one of several was refused nobody can tell which: none then
    counts, until the id is given out while no answer for it is owed.

    Args:
        timeout_s: a disk that ends no write for so long hangs.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._under_way: Counter[int] = Counter()  # without those of which there are none
        self._refused: set[int] = set()
        self._since_s = 0.0

    def begin(self, acquisition_id: int, *, is_first: bool, now_s: float) -> None:
        """A trigger was taken, and goes to the disk.

        Args:
            acquisition_id: its number.
            is_first: whether no answer is owed for an earlier one of that number.
            now_s: monotonic.
        """
        if is_first:
            self._under_way.pop(acquisition_id, None)
            self._refused.discard(acquisition_id)
        if not self._under_way:
            self._since_s = now_s
        self._under_way[acquisition_id] += 1

    def written(self, acquisition_id: int, *, now_s: float) -> None:
        """One of that number is on disk."""
        self._end(acquisition_id, now_s)

    def failed(self, acquisition_id: int, *, now_s: float) -> None:
        """The disk refused a part's trigger, or a later record of it."""
        if acquisition_id in self._under_way:
            self._refused.add(acquisition_id)
            self._end(acquisition_id, now_s)

    def has(self, acquisition_id: int) -> bool:
        """Whether the newest trigger of that number is on disk for certain."""
        return acquisition_id not in self._under_way and acquisition_id not in self._refused

    @property
    def are_under_way(self) -> bool:
        """Whether any trigger is not yet on disk, and may still come to be."""
        return bool(self._under_way)

    def trouble(self, now_s: float) -> str | None:
        """Why the disk is not to be counted on; None while it takes what it is given."""
        if not self._under_way or now_s - self._since_s <= self._timeout_s:
            return None
        number = self._under_way.total()
        triggers = "1 trigger waits" if number == 1 else f"{number} triggers wait"
        return f"the disk has taken nothing for {self._timeout_s:g} s: {triggers} for it, and none is acknowledged"

    def _end(self, acquisition_id: int, now_s: float) -> None:
        if acquisition_id not in self._under_way:
            return
        self._since_s = now_s
        self._under_way[acquisition_id] -= 1
        if self._under_way[acquisition_id] == 0:
            del self._under_way[acquisition_id]
