"""Handles that methods give out with results and recipes.

The standard lets a server keep what a handle stands for until the client gives it back. Here the ledger keeps it in any
case, so a handle only tells whether the client was given it; the oldest are forgotten.
"""

from collections import OrderedDict
from typing import Final

_MOST_HANDLES: Final = 10_000
_LARGEST: Final = 2**32 - 1


class Handles:
    """Numbers that were given out and not given back."""

    def __init__(self) -> None:
        self._open: OrderedDict[int, None] = OrderedDict()
        self._last = 0

    def give(self) -> int:
        """A new handle, never 0."""
        self._last = self._last % _LARGEST + 1
        self._open[self._last] = None
        if len(self._open) > _MOST_HANDLES:
            self._open.popitem(last=False)
        return self._last

    def take_back(self, handle: int) -> bool:
        """Whether that handle was given out, which it is no more."""
        return self._open.pop(handle, self) is None
