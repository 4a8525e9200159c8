"""What a sink is: one peer that events are delivered to."""

from enum import StrEnum
from typing import Protocol, runtime_checkable

from lineside.serving.ledger import Event


class Proof(StrEnum):
    """What a sink can know of an event once `deliver` returns; reconciliation speaks in these words."""

    ACKNOWLEDGED = "acknowledged"
    """The receiver said that it has it."""
    HANDED_OVER = "handed_over"
    """A broker took it; whether anybody read it is not known here."""
    RECOVERABLE = "recoverable"
    """It was offered, and whoever missed it can ask for it again."""
    PULLED = "pulled"
    """It lies ready, and peers come for it."""


class Sink(Protocol):
    """One peer. Made by its kind's `build`, which connects nothing; the runner opens, uses and closes it.

    One event loop runs every sink: none may block it. A call that takes longer than the runner's limit is cancelled,
    and the sink is closed and opened again; so it is after `ConnectionLost`. After any other trouble it stays open, and
    the same event comes again after a wait.
    """

    @property
    def proof(self) -> Proof:
        """What `deliver` can prove."""
        ...

    @property
    def lanes(self) -> int:
        """How many stations' events may be under way at once; 1 keeps the whole plant's order.

        Within a station events always go one after another, in order.
        """
        ...

    async def open(self) -> None:
        """Connect.

        Raises:
            Trouble: it does not connect now.
        """
        ...

    async def deliver(self, event: Event) -> None:
        """Deliver one event that the sink's filter wants; returns once the proof came.

        The same event comes again, with the same id, after a failure, a restart, or when a person asks for it.

        Raises:
            Trouble: there is no proof.
        """
        ...

    async def close(self) -> None:
        """Disconnect; never raises, bounded in time, harmless when repeated or when it never was open."""
        ...


@runtime_checkable
class Idle(Protocol):
    """A sink with work of its own between events: births, states, heartbeats."""

    async def idle(self) -> None:
        """Called at least each second while no event is under way and the sink is open.

        Raises:
            Trouble: as `deliver`; `Poison` means nothing here and counts as `TryAgain`.
        """
        ...


@runtime_checkable
class Checkable(Protocol):
    """A sink that `lineside delivery check` can try without disturbing the one that runs."""

    async def check(self) -> None:
        """Connect with the settings as they are, deliver nothing, leave no trace, disconnect.

        Raises:
            Trouble: what does not work.
        """
        ...
