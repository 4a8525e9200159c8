"""Events as the ledger has them, and what a sink is built from, for tests of delivery to one receiver."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineside.client import LinesideClient
from lineside.serving.clock import Clock, ManualClock
from lineside.serving.delivery import SinkContext
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Event, Ledger

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


def told(
    number: int = 1,
    *,
    type: str = "inspection.v1",  # noqa: A002 - the field's name
    station: str | None = "aoi-1",
    data: Mapping[str, Any] | None = None,
) -> Event:
    """One event; the number is its place in the log and part of its id."""
    return Event(
        id=f"01890000-0000-7000-8000-{number:012d}",
        plant="plant-1",
        sequence=number,
        type=type,
        station=station,
        occurred_at=NOON,
        recorded_at=NOON,
        data={"part_id": f"P-{number:05d}", "verdict": "NG"} if data is None else data,
        previous_hash="0" * 64,
        hash="1" * 64,
    )


@contextmanager
def sink_context(folder: Path, *, clock: Clock | None = None) -> Iterator[SinkContext]:
    """What a sink is given, over an empty ledger of its own; the client reaches nobody."""
    chosen = clock or ManualClock(NOON)
    state_dir = folder / "state"
    state_dir.mkdir()
    with Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}", plant="plant-1", clock=chosen) as ledger:
        yield SinkContext(
            name="mes",
            plant="plant-1",
            clock=chosen,
            ledger=ledger,
            client=LinesideClient("http://127.0.0.1:9", "no key"),
            lines=StationLines(ledger),
            state_dir=state_dir,
            folder=folder,
            is_simulated=True,
        )
