"""What consumers got, held against the ledger: lost, twice, in order, and how late."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, select

from benchmarks.delivery_peers import Arrival, mqtt_arrivals, sparkplug_arrivals, webhook_arrivals
from benchmarks.delivery_site import Peers
from benchmarks.server import Line
from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import events

PLANT = "plant-1"
CONSUMERS = ("webhook", "mqtt", "sparkplug")
"""Sinks at whose other end somebody wrote down what came."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An inspection's event in the ledger."""

    sequence: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Audit:
    """How one consumer fared, of the inspections.

    Attributes:
        wanted: events in the ledger.
        lost: of them, those that never came.
        again: arrivals of an event that was there already, with the same id.
        otherwise: arrivals of a place in the log under another id, or of what the ledger does not have.
        disordered: first arrivals before which a later event of the same station had come.
        lags_s: from the moment an event was recorded to its first arrival.
    """

    wanted: int
    lost: int
    again: int
    otherwise: int
    disordered: int
    lags_s: tuple[float, ...]

    def lag_s(self, percent: float) -> float:
        """A percentile of the lags."""
        return float(np.percentile(self.lags_s, percent)) if self.lags_s else float("nan")


def audits(line: Line, peers: Peers, *, after: int = 0) -> Mapping[str, Audit]:
    """Hold every consumer against the ledger.

    Args:
        line: its server may be running.
        peers: who noted.
        after: only inspections behind this place in the log.
    """
    wanted = recorded_inspections(line, after=after)
    found = {
        "webhook": webhook_arrivals(peers.received),
        "mqtt": mqtt_arrivals(peers.heard),
        "sparkplug": sparkplug_arrivals(peers.heard),
    }
    return {name: audit(wanted, arrivals) for name, arrivals in found.items()}


def audit(wanted: Mapping[str, Recorded], arrivals: Sequence[Arrival]) -> Audit:
    """Hold one consumer's arrivals against the inspections of the ledger.

    Args:
        wanted: by the event's id.
        arrivals: in their order; events of other kinds are passed over.
    """
    sequences = {recorded.sequence for recorded in wanted.values()}
    counts: Counter[str] = Counter()
    newest: dict[str | None, int] = {}
    lags_s: list[float] = []
    disordered = otherwise = 0
    for arrival in arrivals:
        if arrival.sequence not in sequences:
            continue
        recorded = wanted.get(arrival.event_id)
        if recorded is None or recorded.sequence != arrival.sequence:
            otherwise += 1
            continue
        counts[arrival.event_id] += 1
        if counts[arrival.event_id] > 1:
            continue
        lags_s.append(max(0.0, arrival.at_s - recorded.recorded_at.timestamp()))
        disordered += arrival.sequence < newest.get(arrival.station, 0)
        newest[arrival.station] = max(arrival.sequence, newest.get(arrival.station, 0))
    return Audit(
        wanted=len(wanted),
        lost=len(wanted) - len(counts),
        again=counts.total() - len(counts),
        otherwise=otherwise,
        disordered=disordered,
        lags_s=tuple(lags_s),
    )


def recorded_inspections(line: Line, *, after: int = 0) -> dict[str, Recorded]:
    """Every inspection's event behind a place in the log, by id."""

    def query(connection: Connection) -> dict[str, Recorded]:
        wanted = select(events.c.id, events.c.sequence, events.c.recorded_at).where(
            events.c.type == "inspection.v1", events.c.sequence > after
        )
        return {row.id: Recorded(row.sequence, row.recorded_at) for row in connection.execute(wanted)}

    url = f"sqlite:///{(line.data_dir / 'ledger.sqlite3').resolve()}"
    ledger = Ledger.open_readonly(url, plant=PLANT, clock=SystemClock())
    try:
        return ledger.read_blocking(query)
    finally:
        ledger.close()
