"""Between a runner and whoever keeps its cursor: what it is told, and what it reports."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from lineside.serving.delivery.sinks import Proof


class DeliveryState(StrEnum):
    """How a sink stands."""

    DELIVERING = "delivering"
    """Events go through, or none waits."""
    WAITING = "waiting"
    """The last one did not go through; it is tried again by itself."""
    PERSON_NEEDED = "person_needed"
    """Nothing goes through before a person acts; tried again slowly."""
    STOPPED = "stopped"
    """Nobody tries."""


class Outcome(StrEnum):
    """What became of an event that the desk must know by itself, not only by the position."""

    PARKED = "parked"
    """It can never be delivered as it is."""
    RESENT = "resent"
    """A person had it sent again, and its proof came."""


@dataclass(frozen=True, slots=True)
class SinkDescription:
    """A sink, as the desk knows it.

    Attributes:
        name: its own.
        kind: what it speaks.
        proof: what it can prove.
        filter: which events it wants, as the file writes it.
        start: where it begins if it was never there: "head", "beginning" or an instant in ISO 8601.
    """

    name: str
    kind: str
    proof: Proof
    filter: Mapping[str, Any]
    start: str


@dataclass(frozen=True, slots=True)
class TroubleReport:
    """Why nothing goes through.

    Attributes:
        reason: what was found.
        since: when it began.
        attempts: tries so far.
        next_try_at: when the next one comes; None where nobody tries.
        what_to_do: for a person; None where it ends by itself.
    """

    reason: str
    since: datetime
    attempts: int
    next_try_at: datetime | None
    what_to_do: str | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """One event's end, where the position alone does not tell it.

    Attributes:
        sequence: the event's.
        outcome: what became of it.
        reason: why it was parked; None otherwise.
        attempts: how often it was tried.
    """

    sequence: int
    outcome: Outcome
    reason: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class SinkReport:
    """How a sink stands now.

    Attributes:
        sink: its name.
        epoch: of the orders that it follows.
        position: each wanted event up to it is delivered, parked or skipped.
        delivered: events delivered since the sink first began; one that went twice counts twice.
        state: how it stands.
        trouble: why nothing goes through; None while all is well.
        settlements: since the last report that was taken, some at most.
    """

    sink: str
    epoch: int
    position: int
    delivered: int
    state: DeliveryState
    trouble: TroubleReport | None
    settlements: tuple[Settlement, ...]


@dataclass(frozen=True, slots=True)
class Orders:
    """Where a sink stands by its desk, and what people want of it.

    Attributes:
        epoch: counts the rewinds; with another one than before, `position` is where to go on.
        position: as stored.
        began_after: events up to this one are from before the sink.
        delivered: as stored.
        resend: events to send again by themselves, some at most.
        skip: events behind the position that are not to be delivered.
    """

    epoch: int
    position: int
    began_after: int
    delivered: int
    resend: tuple[int, ...]
    skip: frozenset[int]


class Desk(Protocol):
    """Keeps cursors; what it was told once stays told."""

    async def enrol(self, sink: SinkDescription) -> Orders:
        """Where a sink goes on, or begins.

        Raises:
            LinesideError: the desk cannot be asked now.
        """
        ...

    async def report(self, report: SinkReport) -> Orders:
        """Store how a sink stands.

        Raises:
            LinesideError: it was not stored, or nobody knows whether; the next report says it again.
        """
        ...
