"""The ledger: durable, grouped writes; snapshot reads; a chain of events."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, OperationalError

from lineside.serving.clock import Clock
from lineside.serving.identifiers import IdentifierSource
from lineside.serving.ledger import schema
from lineside.serving.ledger.commit_signal import CommitSignal
from lineside.serving.ledger.databases import Database, database_at
from lineside.serving.ledger.errors import LedgerClosed, LedgerReadOnly, LedgerSchemaMismatch, LedgerUnavailable
from lineside.serving.ledger.events import GENESIS, ChainHead, Event, read_after, read_head
from lineside.serving.ledger.transaction import Transaction
from lineside.serving.ledger.writer import GroupWriter, OpenSession

T = TypeVar("T")

DEFAULT_QUEUE_BOUND = 1024
"""Writes that may wait: about a third of a second's worth at 3,000 single-row commits a second."""

DEFAULT_READER_THREADS = 4


class Ledger:
    """One plant's ledger in one database. Open it with `open`, `open_beside` or `open_readonly`.

    An operation is a function from a `Transaction` to a value. `write` returns that value after the
    transaction is on disk; if it raises, nothing of the operation counts as written. Operations run on the
    writer's thread and should do database work only.
    """

    def __init__(
        self,
        database: Database,
        *,
        plant: str,
        clock: Clock,
        writer: GroupWriter | None,
        signal: CommitSignal | None,
        release_lock: Callable[[], None],
        reader_threads: int,
        identifiers: IdentifierSource,
    ) -> None:
        self._plant = plant
        self._clock = clock
        self._identifiers = identifiers
        self._writer = writer
        self._signal = signal
        self._release_lock = release_lock
        self._readers = ThreadPoolExecutor(reader_threads, thread_name_prefix="ledger-reader")
        self._reader_engine = database.reader_engine(reader_threads)
        self._is_closed = False

    @classmethod
    def open(
        cls,
        url: str,
        *,
        plant: str,
        clock: Clock,
        queue_bound: int = DEFAULT_QUEUE_BOUND,
        reader_threads: int = DEFAULT_READER_THREADS,
    ) -> Self:
        """Open as the plant's one writer; creates or upgrades the schema.

        Args:
            url: `sqlite:////path/to/file` (the folder must exist) or `postgresql://user:password@host/database`.
            plant: whose ledger; part of every event.
            clock: what `recorded_at` and the identifiers are told by.
            queue_bound: writes that may wait before `LedgerBusy`.
            reader_threads: reads that may run at once.

        Raises:
            LedgerUrlRefused: the URL names nothing that can hold a ledger.
            LedgerLocked: another process writes this plant's events there.
            LedgerSchemaMismatch: a later version of this program wrote the database.
            LedgerUnavailable: the database cannot be reached or written.
        """
        database = database_at(url)
        release_lock = _translated(lambda: database.hold_writer_lock(plant))
        try:
            return cls._open_writing(
                database,
                plant=plant,
                clock=clock,
                chained=True,
                release_lock=release_lock,
                queue_bound=queue_bound,
                reader_threads=reader_threads,
            )
        except BaseException:
            release_lock()
            raise

    @classmethod
    def open_beside(cls, url: str, *, plant: str, clock: Clock) -> Self:
        """Open beside a running server, to change tables outside the chain (keys): no events can be appended.

        Raises:
            LedgerLocked: the schema must be upgraded first and a server is running.
            LedgerUrlRefused, LedgerSchemaMismatch, LedgerUnavailable: as `open`.
        """
        database = database_at(url)
        if not _translated(lambda: _schema_is_current(database)):
            with cls.open(url, plant=plant, clock=clock):
                pass  # upgrades under the writer lock
        return cls._open_writing(
            database,
            plant=plant,
            clock=clock,
            chained=False,
            release_lock=lambda: None,
            queue_bound=DEFAULT_QUEUE_BOUND,
            reader_threads=1,
        )

    @classmethod
    def open_readonly(cls, url: str, *, plant: str, clock: Clock, reader_threads: int = DEFAULT_READER_THREADS) -> Self:
        """Open to read, beside a running server or without one.

        Raises:
            LedgerSchemaMismatch: the database is empty, or of another version.
            LedgerUrlRefused, LedgerUnavailable: as `open`.
        """
        database = database_at(url)
        ledger = cls(
            database,
            plant=plant,
            clock=clock,
            writer=None,
            signal=None,
            release_lock=lambda: None,
            reader_threads=reader_threads,
            identifiers=IdentifierSource(clock),
        )
        try:
            ledger.read_blocking(_require_current_schema)
        except BaseException:
            ledger.close()
            raise
        return ledger

    @classmethod
    def _open_writing(
        cls,
        database: Database,
        *,
        plant: str,
        clock: Clock,
        chained: bool,
        release_lock: Callable[[], None],
        queue_bound: int,
        reader_threads: int,
    ) -> Self:
        identifiers = IdentifierSource(clock)
        engine = database.writer_engine()

        def open_session() -> OpenSession:
            connection = engine.connect()
            try:
                with connection.begin():
                    if chained:
                        database.claim(connection, plant)
                        head = read_head(connection, plant)
                return OpenSession(connection, head if chained else None)
            except BaseException:
                connection.invalidate()
                connection.close()
                raise

        def begin_operation(connection: Connection, head: ChainHead | None) -> Transaction:
            return Transaction(connection, plant=plant, clock=clock, identifiers=identifiers, head=head)

        if chained:
            _translated(lambda: _upgrade(database))
        session = _translated(open_session)
        signal = CommitSignal((session.head or GENESIS).sequence) if chained else None
        writer = GroupWriter(
            open_session,
            begin_operation=begin_operation,
            on_commit=lambda head: signal.announce(head.sequence) if signal else None,
            queue_bound=queue_bound,
        )
        writer.start(session)
        return cls(
            database,
            plant=plant,
            clock=clock,
            writer=writer,
            signal=signal,
            release_lock=release_lock,
            reader_threads=reader_threads,
            identifiers=identifiers,
        )

    @property
    def plant(self) -> str:
        """Whose ledger this is."""
        return self._plant

    def new_id(self) -> str:
        """A new identifier: UUIDv7 in text form, greater than every one before."""
        return str(self._identifiers.uuid7())

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Run an operation and wait until it is durable; never blocks the event loop.

        A cancelled wait withdraws the operation if its group has not begun; else it is written all the same.

        Raises:
            LedgerBusy: too many writes wait.
            LedgerUnavailable: the database could not make it durable.
            LedgerClosed, LedgerReadOnly: this ledger cannot write.
            Exception: whatever the operation raised; it is undone, the others of its group stand.
        """
        return await asyncio.wrap_future(self._writing().submit(operation))

    def write_blocking(self, operation: Callable[[Transaction], T]) -> T:
        """As `write`, for callers without an event loop."""
        return self._writing().submit(operation).result()

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a reader thread, in one snapshot of what is durable.

        Raises:
            LedgerUnavailable: the database cannot be reached.
            LedgerClosed: it was closed.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_blocking, query)
        except RuntimeError as error:  # the pool takes no more
            if not self._is_closed:
                raise
            raise LedgerClosed("the ledger is closed: the server is ending") from error

    def read_blocking(self, query: Callable[[Connection], T]) -> T:
        """As `read`, on the caller's thread."""
        try:
            with self._reader_engine.connect() as connection, connection.begin():
                return query(connection)
        except (OperationalError, InterfaceError) as error:
            raise _unusable(error) from error

    async def events_after(self, sequence: int, *, limit: int = 500) -> tuple[Event, ...]:
        """Up to `limit` of the plant's events that follow `sequence`, in order."""
        return await self.read(lambda connection: read_after(connection, self._plant, sequence=sequence, limit=limit))

    async def wait_for_event(self, after_sequence: int, *, timeout_s: float) -> bool:
        """Wait until an event after `after_sequence` is durable; False if none came in time.

        Raises:
            LedgerReadOnly: this process is not the plant's writer and hears of no commits.
        """
        return await self._hearing().wait_past(after_sequence, timeout_s=timeout_s)

    @property
    def last_sequence(self) -> int:
        """The sequence number of the last durable event, 0 before the first.

        Raises:
            LedgerReadOnly: this process is not the plant's writer; ask the database.
        """
        return self._hearing().sequence

    def close(self) -> None:
        """Write what waits, then let go of everything; harmless when repeated."""
        self._is_closed = True
        if self._writer is not None:
            self._writer.close()
        self._readers.shutdown()
        self._reader_engine.dispose()
        self._release_lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _writing(self) -> GroupWriter:
        if self._writer is None:
            raise LedgerReadOnly("this ledger was opened to read only; the server writes, through its API")
        return self._writer

    def _hearing(self) -> CommitSignal:
        if self._signal is None:
            raise LedgerReadOnly("this process is not the plant's writer and hears of no commits: read the events")
        return self._signal


def _schema_is_current(database: Database) -> bool:
    with database.writer_engine().connect() as connection:
        return schema.is_current(connection)


def _require_current_schema(connection: Connection) -> None:
    if not schema.is_current(connection):
        raise LedgerSchemaMismatch(
            "the ledger's schema is not up to date: start the server of this version once to upgrade it"
        )


def _upgrade(database: Database) -> None:
    with database.writer_engine().begin() as connection:
        database.serialise_migration(connection)
        if not schema.is_current(connection):
            schema.upgrade(connection)
    database.made_durable()


def _translated(action: Callable[[], T]) -> T:
    try:
        return action()
    except (OperationalError, InterfaceError, OSError) as error:
        raise _unusable(error) from error


def _unusable(error: Exception) -> LedgerUnavailable:
    cause = getattr(error, "orig", None) or error
    return LedgerUnavailable(f"the ledger's database cannot be used ({type(cause).__name__}: {cause})")
