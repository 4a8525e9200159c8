"""What a host would see of a plant up to one event of its log: the last value of every metric, and the counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from lineside.serving.delivery.sparkplug.edge_node import Reading
from lineside.serving.delivery.sparkplug.meanings import Said, said_by, verdict_of
from lineside.serving.ledger import Event

Told = Mapping[str | None, Mapping[str, Reading]]
"""Readings by station; None is the plant itself."""

VERDICTS: Final = ("OK", "NG", "NOT_INSPECTED")


@dataclass(frozen=True, slots=True)
class Tally:
    """How many inspections there were up to an event.

    Attributes:
        sequence: that event's number.
        counts: by station and verdict, since the ledger began.
    """

    sequence: int
    counts: Mapping[str, Mapping[str, int]]


@dataclass(slots=True)
class Picture:
    """The plant as it stood behind one event.

    Attributes:
        sequence: that event's number; 0 before the first.
        readings: the last value of each metric, by station; None is the plant itself.
        counts: inspections by station and verdict, since the ledger began.
    """

    sequence: int
    readings: dict[str | None, dict[str, Reading]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def apply(self, event: Event) -> Told:
        """Take in the next event; returns what it says, counts included.

        An event that lies behind says only what stands in it: the counts of back then are not known any more.
        """
        told = {station: _read(said, event.occurred_at) for station, said in said_by(event).items()}
        if event.sequence <= self.sequence:
            return told
        self.sequence = event.sequence
        verdict = verdict_of(event)
        if verdict is not None and event.station is not None:
            self._count(event.station, verdict)
            told[event.station] |= self.counted(event.station, event.occurred_at)
        elif event.type == "rate.v1" and event.station is not None and self._began_behind_signal(event.station, told):
            told[event.station]["Chart/In Control"] = Reading(value=True, at=event.occurred_at)
        for station, readings in told.items():
            self.readings.setdefault(station, {}).update(readings)
        return told

    def counted(self, station: str, at: datetime) -> dict[str, Reading]:
        """The station's counts as readings."""
        counts = self.counts.get(station, {})
        return {f"Counts/{verdict}": Reading(counts.get(verdict, 0), at) for verdict in VERDICTS}

    @property
    def tally(self) -> Tally:
        """The counts, to be kept."""
        return Tally(self.sequence, {station: dict(of) for station, of in self.counts.items()})

    def copy(self) -> Self:
        """One that goes its own way from here."""
        return type(self)(
            self.sequence,
            {station: dict(readings) for station, readings in self.readings.items()},
            {station: dict(counts) for station, counts in self.counts.items()},
        )

    def _count(self, station: str, verdict: str) -> None:
        counts = self.counts.setdefault(station, {})
        counts[verdict] = counts.get(verdict, 0) + 1

    def _began_behind_signal(self, station: str | None, told: Told) -> bool:
        """Whether the window just closed began when the last signal's point was over."""
        ended = self.readings.get(station, {}).get("Chart/Point End")
        if ended is None or not isinstance(ended.value, datetime):
            return True
        began = told[station]["Rate/Window Start"].value
        return isinstance(began, datetime) and began >= ended.value


def _read(said: Said, at: datetime) -> dict[str, Reading]:
    return {name: Reading(value, at) for name, value in said.items()}
