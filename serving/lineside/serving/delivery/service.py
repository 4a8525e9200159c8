"""The server's side of delivery: it keeps the cursors, shows how sinks stand, and takes people's orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from lineside.serving.clock import Clock
from lineside.serving.delivery import store
from lineside.serving.delivery.desk import DeliveryState, Orders, SinkDescription, SinkReport
from lineside.serving.delivery.kinds import described
from lineside.serving.delivery.reconciliation import ReconciliationOut, reconcile
from lineside.serving.delivery.schemas import (
    DecidedOut,
    DeliveryOut,
    LagOut,
    ParkedList,
    ParkedState,
    ResendIn,
    SinkOut,
    SkipIn,
    TroubleOut,
)
from lineside.serving.delivery.supervisor import DeliverySupervisor
from lineside.serving.errors import DeliveryQuestionUnfit
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics

SILENT_AFTER_S: Final = 15.0
"""A process that reports each second and has not for that long is not there, or stands still."""


class DeliveryService:
    """A `Desk` in the server, and what people ask of it.

    Args:
        ledger: open to write.
        clock: time.
        metrics: where lags are shown.
        supervisor: of the process that delivers; knows which sinks the file names.
    """

    def __init__(self, *, ledger: Ledger, clock: Clock, metrics: Metrics, supervisor: DeliverySupervisor) -> None:
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics
        self.supervisor = supervisor
        self._heard_s: dict[str, float] = {}
        self._stored: dict[str, SinkReport] = {}

    async def enrol_configured(self) -> None:
        """Give every sink of the file its place in the log before the first part is judged.

        The process that delivers starts later; what happens until then is not to be missed by a sink that is new.
        """
        new = [described(sink) for sink in self.supervisor.sinks]
        await self._ledger.write(lambda transaction: [store.enrol(transaction, sink) for sink in new])

    async def enrol(self, sink: SinkDescription) -> Orders:
        """Where a sink goes on, or begins."""
        orders = await self._ledger.write(lambda transaction: store.enrol(transaction, sink))
        self._heard_s[sink.name] = self._clock.monotonic()
        self._stored.pop(sink.name, None)
        return orders

    async def report(self, report: SinkReport) -> Orders:
        """Store how a sink stands; one that says nothing new costs no write.

        Raises:
            UnknownSink: nobody enrolled it.
            DeliveryUnfit: it is ahead of the log.
        """
        self.supervisor.heard()
        if self._stored.get(report.sink) == report and not report.settlements:
            plant = self._ledger.plant
            orders = await self._ledger.read(lambda connection: store.orders_of(connection, plant, report.sink))
        else:
            orders = await self._ledger.write(lambda transaction: store.take_report(transaction, report))
            self._stored[report.sink] = report
        self._heard_s[report.sink] = self._clock.monotonic()
        return orders

    async def overview(self) -> DeliveryOut:
        """Every sink that the plant has or had."""
        plant = self._ledger.plant
        head, stored = await self._ledger.read(
            lambda connection: (store.last_sequence(connection, plant), store.all_cursors(connection, plant))
        )
        return DeliveryOut(
            head=head,
            process=self.supervisor.state,
            items=tuple(self._shown(cursor, head=head) for cursor in stored),
        )

    async def show_metrics(self) -> None:
        """Bring the gauges up to date, for whoever reads them next."""
        for sink in (await self.overview()).items:
            self._metrics.sink_stands(
                sink.name,
                state=sink.state.value,
                lag_events=sink.lag.events,
                lag_s=sink.lag.seconds,
                delivered=sink.delivered,
                parked=sink.parked,
            )

    async def parked(self, sink: str, *, state: ParkedState | None, after: int, limit: int) -> ParkedList:
        """Events that people decide or decided about, oldest first.

        Raises:
            UnknownSink: nobody enrolled the sink.
        """
        plant = self._ledger.plant
        items = await self._ledger.read(
            lambda connection: store.parked_page(connection, plant, sink, state=state, after=after, limit=limit)
        )
        return ParkedList(items=tuple(items))

    async def reconciliation(self, *, start: datetime, end: datetime, station: str | None) -> ReconciliationOut:
        """Whether frames, verdicts, events and deliveries of a period agree.

        Args:
            start: aware.
            end: aware, later.
            station: only its; None for the plant.

        Raises:
            DeliveryQuestionUnfit: the period ends before it begins.
        """
        if end <= start:
            raise DeliveryQuestionUnfit(f"the period from {start.isoformat()} to {end.isoformat()} is none: from < to")
        plant = self._ledger.plant
        return await self._ledger.read(
            lambda connection: reconcile(connection, plant, start=start, end=end, station=station)
        )

    async def resend(self, sink: str, wish: ResendIn, *, by: str) -> DecidedOut:
        """Have events sent again, with the same identifiers.

        Raises:
            UnknownSink: nobody enrolled the sink.
            DeliveryUnfit: the log has no such event.
        """

        def order(transaction: Transaction) -> DecidedOut:
            count = self._ordered(transaction, sink, wish, by=by)
            position = store.cursor_row(transaction.connection, transaction.plant, sink).position
            return DecidedOut(sink=sink, events=count, position=position)

        decided = await self._ledger.write(order)
        self._stored.pop(sink, None)
        return decided

    async def skip(self, sink: str, wish: SkipIn, *, by: str) -> DecidedOut:
        """Have parked or waiting events not delivered; by whom and why is kept.

        Raises:
            UnknownSink: nobody enrolled the sink.
            DeliveryUnfit: the log has no such event, or it was delivered.
        """

        def order(transaction: Transaction) -> DecidedOut:
            count = store.skip(transaction, sink, wish.sequences, reason=wish.reason, by=by)
            position = store.cursor_row(transaction.connection, transaction.plant, sink).position
            return DecidedOut(sink=sink, events=count, position=position)

        return await self._ledger.write(order)

    def _ordered(self, transaction: Transaction, sink: str, wish: ResendIn, *, by: str) -> int:
        if wish.sequences:
            return store.resend(transaction, sink, _numbers(wish.sequences), by=by)
        if wish.parked:
            return store.resend_parked(transaction, sink, by=by)
        first = wish.from_
        if wish.since is not None:
            first = store.first_since(transaction.connection, transaction.plant, wish.since)
        return store.rewind(transaction, sink, first=first or 1)

    def _shown(self, cursor: store.StoredCursor, *, head: int) -> SinkOut:
        row = cursor.row
        is_configured = row.sink in self.supervisor.sink_names
        state = DeliveryState(row.state)
        trouble = None if row.trouble is None else TroubleOut.model_validate(row.trouble)
        stopped_because = self._stopped_because(row.sink, is_configured=is_configured, reported_at=row.reported_at)
        if stopped_because is not None:
            state, trouble = DeliveryState.STOPPED, stopped_because
        return SinkOut(
            name=row.sink,
            kind=row.kind,
            proof=row.proof,
            filter=row.filter,
            is_configured=is_configured,
            state=state,
            trouble=trouble,
            began_after=row.began_after,
            position=row.position,
            lag=LagOut(events=max(head - row.position, 0), seconds=self._age_s(cursor.waiting_since)),
            delivered=row.delivered,
            parked=cursor.parked,
            to_resend=cursor.to_resend,
            reported_at=row.reported_at,
        )

    def _stopped_because(self, sink: str, *, is_configured: bool, reported_at: datetime) -> TroubleOut | None:
        """Why nobody delivers to a sink now; None if somebody does."""
        heard_s = self._heard_s.get(sink)
        if is_configured and heard_s is not None and self._clock.monotonic() - heard_s < SILENT_AFTER_S:
            return None
        if is_configured:
            reason = "the delivery process has not reported"
            what_to_do = "wait a moment; if it stays so, the server's log says why"
        else:
            reason = "the delivery file does not name this sink any more"
            what_to_do = "name it again to go on where it stopped, or leave it"
        return TroubleOut(reason=reason, since=reported_at, attempts=0, next_try_at=None, what_to_do=what_to_do)

    def _age_s(self, since: datetime | None) -> float:
        """Seconds since an instant; 0 where the clock stepped back behind it."""
        return 0.0 if since is None else round(max((self._clock.now() - since).total_seconds(), 0.0), 3)


def _numbers(sequences: Sequence[int]) -> Sequence[int]:
    return sorted(set(sequences))
