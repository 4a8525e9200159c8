"""What every benchmark is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Say = Callable[[str], None]
"""Tells the person who waits what is being done."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a benchmark is to run.

    Attributes:
        folder: for its files; empty, its own, removed afterwards.
        say: for progress.
        is_quick: a fraction of the rounds, for a first look; the figures in the docs are never quick ones.
    """

    folder: Path
    say: Say
    is_quick: bool = False

    def some(self, whole: int, quick: int) -> int:
        """The number for a whole run, or the one for a quick run."""
        return quick if self.is_quick else whole
