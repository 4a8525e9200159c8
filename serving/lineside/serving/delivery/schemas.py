"""The JSON of delivery: how sinks stand, what is parked, what people want, and what the delivery process reports."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.serving.delivery.desk import (
    DeliveryState,
    Orders,
    Outcome,
    Settlement,
    SinkDescription,
    SinkReport,
    TroubleReport,
)
from lineside.serving.delivery.settings import FilterSettings, SinkName, start_of
from lineside.serving.delivery.sinks import Proof
from lineside.serving.fields import Instant, Name, Prose

Sequence = Annotated[int, Field(ge=1, le=2**63 - 1)]
_Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
MOST_AT_ONCE = 1000
"""Events that one request names."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class TroubleOut(_Shape):
    """Why nothing goes through, and what is done about it."""

    reason: Prose
    since: Instant
    attempts: Annotated[int, Field(ge=0, le=2**31 - 1)]
    next_try_at: Instant | None
    what_to_do: Prose | None

    @classmethod
    def of(cls, trouble: TroubleReport) -> Self:
        """The trouble as JSON, its texts cut to what is stored."""
        return cls(
            reason=_prose(trouble.reason),
            since=trouble.since,
            attempts=trouble.attempts,
            next_try_at=trouble.next_try_at,
            what_to_do=None if trouble.what_to_do is None else _prose(trouble.what_to_do),
        )

    def to_record(self) -> TroubleReport:
        """As the desk knows it."""
        return TroubleReport(self.reason, self.since, self.attempts, self.next_try_at, self.what_to_do)


class LagOut(_Shape):
    """How far a sink is behind the log."""

    events: int
    seconds: float


class SinkOut(_Shape):
    """How one sink stands.

    `position`: each wanted event up to it is delivered, parked or skipped. `lag.events` counts all events behind it,
    wanted or not; `lag.seconds` is the age of the first of them.
    """

    name: str
    kind: str
    proof: Proof
    filter: Mapping[str, Any]
    is_configured: bool
    state: DeliveryState
    trouble: TroubleOut | None
    began_after: int
    position: int
    lag: LagOut
    delivered: int
    parked: int
    to_resend: int
    reported_at: datetime


class DeliveryOut(_Shape):
    """Every sink that the plant has or had, and whether the process that delivers is there."""

    head: int
    process: str
    items: tuple[SinkOut, ...]


class ParkedState(StrEnum):
    """What a person decided about an event."""

    PARKED = "parked"
    RESEND = "resend"
    RESENT = "resent"
    SKIPPED = "skipped"


class ParkedOut(_Shape):
    """An event that a sink refused for good, or that a person had sent again or skipped."""

    sequence: int
    event_id: str
    type: str
    station: str | None
    state: ParkedState
    reason: str | None
    attempts: int
    parked_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    note: str | None


class ParkedList(_Shape):
    """Such events, oldest first; ask on with the last `sequence` as `after`."""

    items: tuple[ParkedOut, ...]


class ResendIn(_Shape):
    """What to send again, said in one way: these events, all parked ones, or everything from a place on."""

    sequences: Annotated[tuple[Sequence, ...], Field(max_length=MOST_AT_ONCE)] | None = None
    parked: bool = False
    from_: Sequence | None = Field(default=None, alias="from")
    since: Instant | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        given = [bool(self.sequences), self.parked, self.from_ is not None, self.since is not None]
        if sum(given) != 1:
            raise ValueError("expected one of sequences (some), parked (true), from, since")
        return self


class SkipIn(_Shape):
    """Events that are not to be delivered, and why."""

    sequences: Annotated[tuple[Sequence, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    reason: Prose


class DecidedOut(_Shape):
    """What was ordered; the sink does it within about a second."""

    sink: str
    events: int
    position: int


class SinkIn(_Shape):
    """A sink that the delivery process runs."""

    kind: Name
    proof: Proof
    filter: FilterSettings = FilterSettings()
    from_: Name = Field(default="head", alias="from")

    @model_validator(mode="after")
    def _begins_somewhere(self) -> Self:
        start_of(self.from_)
        return self

    @classmethod
    def of(cls, sink: SinkDescription) -> Self:
        """The description as JSON."""
        said = {"kind": sink.kind, "proof": sink.proof, "filter": dict(sink.filter), "from": sink.start}
        return cls.model_validate(said)

    def to_record(self, name: str) -> SinkDescription:
        """As the desk knows it."""
        return SinkDescription(name, self.kind, self.proof, self.filter.model_dump(mode="json"), self.from_)


class SettlementModel(_Shape):
    """One event's end, where the position alone does not tell it."""

    sequence: Sequence
    outcome: Outcome
    reason: Prose | None
    attempts: Annotated[int, Field(ge=0, le=2**31 - 1)]

    @classmethod
    def of(cls, settled: Settlement) -> Self:
        """The settlement as JSON."""
        reason = None if settled.reason is None else _prose(settled.reason)
        return cls(sequence=settled.sequence, outcome=settled.outcome, reason=reason, attempts=settled.attempts)

    def to_record(self) -> Settlement:
        """As the desk knows it."""
        return Settlement(self.sequence, self.outcome, self.reason, self.attempts)


class ReportIn(_Shape):
    """How the delivery process says that a sink stands."""

    sink: SinkName
    epoch: Annotated[int, Field(ge=0, le=2**31 - 1)]
    position: _Count
    delivered: _Count
    state: DeliveryState
    trouble: TroubleOut | None
    settlements: Annotated[tuple[SettlementModel, ...], Field(max_length=MOST_AT_ONCE)] = ()

    @classmethod
    def of(cls, report: SinkReport) -> Self:
        """The report as JSON."""
        return cls(
            sink=report.sink,
            epoch=report.epoch,
            position=report.position,
            delivered=report.delivered,
            state=report.state,
            trouble=None if report.trouble is None else TroubleOut.of(report.trouble),
            settlements=tuple(SettlementModel.of(settled) for settled in report.settlements),
        )

    def to_record(self) -> SinkReport:
        """As the desk knows it."""
        return SinkReport(
            sink=self.sink,
            epoch=self.epoch,
            position=self.position,
            delivered=self.delivered,
            state=self.state,
            trouble=None if self.trouble is None else self.trouble.to_record(),
            settlements=tuple(settled.to_record() for settled in self.settlements),
        )


class OrdersOut(_Shape):
    """Where a sink stands by the ledger, and what people want of it."""

    epoch: int
    position: int
    began_after: int
    delivered: int
    resend: tuple[int, ...]
    skip: tuple[int, ...]

    @classmethod
    def of(cls, orders: Orders) -> Self:
        """The orders as JSON."""
        return cls(
            epoch=orders.epoch,
            position=orders.position,
            began_after=orders.began_after,
            delivered=orders.delivered,
            resend=orders.resend,
            skip=tuple(sorted(orders.skip)),
        )

    def to_record(self) -> Orders:
        """As the runner knows them."""
        return Orders(self.epoch, self.position, self.began_after, self.delivered, self.resend, frozenset(self.skip))


_LONGEST = 1000


def _prose(text: str) -> str:
    """A message as it is stored: one line, printable, of bounded length."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain[:_LONGEST] or "no reason given"
