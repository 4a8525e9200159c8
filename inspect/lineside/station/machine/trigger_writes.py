"""Which triggers stand on the station's disk: the PLC is told of no other."""

from collections import Counter


class TriggerWrites:
    """Counts, by acquisition id, what was begun to be written and what came of it.

    A PLC that counts anew gives an id to a second part while the first one's record is still on its way: an id stands on
    disk once all that was begun for it does. Where one of several was refused nobody can tell which: none then counts,
    until the id is given out while no answer for it is owed.
    """

    def __init__(self) -> None:
        self._under_way: Counter[int] = Counter()
        self._refused: set[int] = set()

    def begin(self, acquisition_id: int, *, is_first: bool) -> None:
        """A trigger was taken, and goes to the disk.

        Args:
            acquisition_id: its number.
            is_first: whether no answer is owed for an earlier one of that number.
        """
        if is_first:
            self._under_way[acquisition_id] = 0
            self._refused.discard(acquisition_id)
        self._under_way[acquisition_id] += 1

    def written(self, acquisition_id: int) -> None:
        """One of that number is on disk."""
        if self._under_way[acquisition_id] > 0:
            self._under_way[acquisition_id] -= 1

    def failed(self, acquisition_id: int) -> None:
        """The disk refused a part's trigger, or a later record of it."""
        if self._under_way[acquisition_id] > 0:
            self._under_way[acquisition_id] -= 1
            self._refused.add(acquisition_id)

    def has(self, acquisition_id: int) -> bool:
        """Whether the newest trigger of that number is on disk for certain."""
        return self._under_way[acquisition_id] == 0 and acquisition_id not in self._refused
