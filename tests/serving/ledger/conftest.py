"""A ledger for each test, on a SQLite file and on a real PostgreSQL server."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Ledger

PLANT = "plant-1"


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a known instant."""
    return ManualClock(datetime(2026, 3, 2, 6, 0, tzinfo=UTC))


@pytest.fixture
def ledger(ledger_url: str, clock: ManualClock) -> Iterator[Ledger]:
    """An open, empty ledger."""
    with Ledger.open(ledger_url, plant=PLANT, clock=clock) as opened:
        yield opened
