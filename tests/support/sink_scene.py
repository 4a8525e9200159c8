"""A ledger with stations and events in it, and what a sink is given to work with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from lineside.client import LinesideClient
from lineside.inspection.verdict import Verdict
from lineside.serving.clock import ManualClock
from lineside.serving.delivery.context import SinkContext
from lineside.serving.delivery.station_lines import StationLines
from lineside.serving.ledger import Event, Ledger, Transaction
from lineside.serving.ledger.events import read_after
from lineside.serving.ledger.tables import stations
from rate_ledger import Part, write_part

PLANT = "plant-1"


@dataclass
class SinkScene:
    """A plant's ledger, open to write, and the context of one sink that reads it.

    Attributes:
        ledger: the writer's.
        clock: of ledger and sink.
        context: for the sink under test.
    """

    ledger: Ledger
    clock: ManualClock
    context: SinkContext
    parts: int = field(default=0)

    def enrol(self, station: str, *, line: str = "line-1") -> None:
        """Put a station on a line."""
        row = {
            "plant": PLANT,
            "id": station,
            "name": station,
            "line": line,
            "digest_required": True,
            "settings": {},
            "updated_at": self.clock.now(),
        }
        self.ledger.write_blocking(lambda transaction: transaction.connection.execute(insert(stations), row))

    def judge(self, verdict: Verdict = Verdict.OK, *, station: str = "aoi-1", classes: tuple[str, ...] = ()) -> Event:
        """Judge the next part, a second after the last."""
        self.clock.advance(1.0)
        self.parts += 1
        part = Part(f"P{self.parts:05d}", verdict, self.clock.now(), station=station, classes=classes)
        write_part(self.ledger, part)
        return self.last()

    def happen(self, type_: str, data: Mapping[str, Any], *, station: str | None = "aoi-1") -> Event:
        """Append any other event."""
        self.clock.advance(1.0)

        def append(transaction: Transaction) -> Event:
            return transaction.append_event(type_, station=station, occurred_at=transaction.now(), data=data)

        return self.ledger.write_blocking(append)

    def last(self) -> Event:
        """The last event."""
        return self.after(self.ledger.last_sequence - 1)[0]

    def after(self, sequence: int) -> tuple[Event, ...]:
        """The events that follow."""
        return self.ledger.read_blocking(
            lambda connection: read_after(connection, PLANT, sequence=sequence, limit=1000)
        )


@contextmanager
def sink_scene(folder: Path, *, url: str | None = None, name: str = "broker") -> Iterator[SinkScene]:
    """A scene with the stations aoi-1 and aoi-2 on line-1.

    Args:
        folder: for the ledger (where no `url` is given) and the sink's state.
        url: of an empty ledger database.
        name: of the sink.
    """
    clock = ManualClock(datetime(2026, 3, 2, 6, 0, tzinfo=UTC))
    at = url or f"sqlite:///{folder / 'ledger.sqlite'}"
    state = folder / "state"
    state.mkdir()
    with (
        Ledger.open(at, plant=PLANT, clock=clock) as ledger,
        Ledger.open_readonly(at, plant=PLANT, clock=clock) as reading,
    ):
        context = SinkContext(
            name=name,
            plant=PLANT,
            clock=clock,
            ledger=reading,
            client=LinesideClient("http://127.0.0.1:9", key="unused"),
            lines=StationLines(reading),
            state_dir=state,
            folder=folder,
            is_simulated=False,
        )
        scene = SinkScene(ledger, clock, context)
        for station in ("aoi-1", "aoi-2"):
            scene.enrol(station)
        yield scene
