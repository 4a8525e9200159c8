"""What an operation may do while the writer runs it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from lineside.serving.clock import Clock
from lineside.serving.identifiers import IdentifierSource
from lineside.serving.ledger.errors import LedgerReadOnly
from lineside.serving.ledger.events import ChainHead, Event, append


class Transaction:
    """One operation's view of the transaction that it shares with its group.

    Everything done through it is undone together if the operation raises; the others of the group stand. An
    operation must not commit, roll back or keep the connection. It runs once; what it returns reaches its
    caller only after the group is durable.

    Attributes:
        connection: the writer's connection; what this operation does with it can be undone alone.
        plant: the plant whose ledger this is.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        plant: str,
        clock: Clock,
        identifiers: IdentifierSource,
        head: ChainHead | None,
    ) -> None:
        self.connection = connection
        self.plant = plant
        self._clock = clock
        self._identifiers = identifiers
        self._head = head

    @property
    def head(self) -> ChainHead | None:
        """The chain's end as this operation leaves it; None where events may not be appended."""
        return self._head

    def new_id(self) -> str:
        """A new identifier: UUIDv7 in text form, greater than every one before."""
        return str(self._identifiers.uuid7())

    def now(self) -> datetime:
        """The present instant, UTC."""
        return self._clock.now()

    def append_event(
        self,
        type: str,  # noqa: A002 - the field's name
        *,
        station: str | None,
        occurred_at: datetime,
        data: Mapping[str, Any],
    ) -> Event:
        """Append an event to the plant's chain.

        Args:
            type: what happened, with the version of its data: "inspection.v1".
            station: where, None if at no station.
            occurred_at: when, aware.
            data: JSON values; finite numbers only.

        Raises:
            LedgerReadOnly: this ledger was opened beside the plant's writer.
            ValueError: the type has no version, the instant is naive, or the data is not JSON.
        """
        if self._head is None:
            raise LedgerReadOnly(
                f"cannot append {type!r}: this ledger was opened beside the writer of plant {self.plant!r};"
                " only the process that holds the writer lock (the server) appends events"
            )
        event = append(
            self.connection,
            self._head,
            id=self.new_id(),
            plant=self.plant,
            type=type,
            station=station,
            occurred_at=occurred_at,
            recorded_at=self._clock.now(),
            data=data,
        )
        self._head = ChainHead(event.sequence, event.hash)
        return event
