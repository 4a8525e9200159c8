"""A running app whose watch for drift is called by the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drifting_line import START, DriftingPlant, watched_plant
from lineside.serving.clock import ManualClock


@pytest.fixture
def drifting(tmp_path: Path, either_database: None) -> Iterator[DriftingPlant]:
    """A plant with short periods, on each database."""
    clock = ManualClock(START)
    with watched_plant(tmp_path, clock) as plant:
        yield DriftingPlant(plant, clock)


@pytest.fixture
def quick_drifting(tmp_path: Path) -> Iterator[DriftingPlant]:
    """The same on SQLite only, where the database makes no difference."""
    clock = ManualClock(START)
    with watched_plant(tmp_path, clock) as plant:
        yield DriftingPlant(plant, clock)
