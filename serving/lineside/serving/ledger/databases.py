"""The two databases a ledger can live in: how to connect durably, and how one writer keeps others out."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from lineside.client.file_lock import FileLock
from lineside.serving.ledger.errors import LedgerLocked, LedgerUrlRefused

_SQLITE_BUSY_TIMEOUT_MS = 10_000
"""How long a statement waits for another process's short write (the command line, a migration)."""

_SQLITE_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # fsync the log on every COMMIT; NORMAL loses acknowledged rows in a power cut
    "fullfsync=ON",  # macOS: its fsync alone does not reach the disk
    "foreign_keys=ON",
    "temp_store=MEMORY",  # what a SAVEPOINT may have to undo is otherwise written to a temporary file
)

_POSTGRES_CONNECTION: dict[str, Any] = {
    # A server that vanished without a word must not hold the writer for the kernel's default of many minutes.
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


class Database(Protocol):
    """One place that can hold a ledger."""

    def hold_writer_lock(self, plant: str) -> Callable[[], None]:
        """Become the one process that appends the plant's events; returns how to let go.

        Raises:
            LedgerLocked: another one is.
        """
        ...

    def claim(self, connection: Connection, plant: str) -> None:
        """Take the part of the writer lock that lives and dies with a connection.

        Raises:
            LedgerLocked: another process's connection holds it.
        """
        ...

    def serialise_migration(self, connection: Connection) -> None:
        """Keep other processes from changing the schema until the transaction ends."""
        ...

    def made_durable(self) -> None:
        """Flush what creating the database changed outside it."""
        ...

    def writer_engine(self) -> Engine:
        """Connections whose COMMIT returns only after the log is on disk."""
        ...

    def reader_engine(self, threads: int) -> Engine:
        """Connections that cannot write and see one snapshot per transaction."""
        ...


def database_at(url: str) -> Database:
    """Find the database a URL names.

    Raises:
        LedgerUrlRefused: neither a SQLite file nor PostgreSQL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise LedgerUrlRefused(
            "the database URL cannot be read; expected 'sqlite:////path/to/ledger.sqlite' or"
            " 'postgresql://user@host/database'"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return SqliteDatabase(parsed)
    if backend == "postgresql":
        return PostgresDatabase(parsed)
    raise LedgerUrlRefused(f"database {backend!r} is not supported; expected sqlite or postgresql")


def _plant_key(plant: str) -> bytes:
    return hashlib.sha256(f"lineside.ledger\0{plant}".encode()).digest()


class SqliteDatabase:
    """A SQLite file in WAL mode with `synchronous=FULL`: COMMIT fsyncs the log before it returns."""

    def __init__(self, url: URL) -> None:
        if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
            raise LedgerUrlRefused(
                f"SQLite database {url.database!r} is no plain file: a ledger must survive a power cut;"
                " expected 'sqlite:////path/to/ledger.sqlite'"
            )
        self._path = Path(url.database)
        self._url = URL.create("sqlite+pysqlite", database=url.database)

    def hold_writer_lock(self, plant: str) -> Callable[[], None]:
        """Lock a file beside the database; the system frees it when the process ends, however it ends."""
        lock_path = self._path.with_name(f"{self._path.name}.writer-{_plant_key(plant).hex()[:8]}.lock")
        lock = FileLock(lock_path)
        if not lock.acquire(note=f"process {os.getpid()} writes plant {plant}\n"):
            raise LedgerLocked(
                f"the ledger of plant {plant!r} at {self._path} is being written by another process"
                f" ({lock.note() or 'unknown'}); stop that server first, or give this one its own data folder"
            )
        return lock.release

    def claim(self, connection: Connection, plant: str) -> None:
        """Nothing: the file lock is enough."""

    def serialise_migration(self, connection: Connection) -> None:
        """Nothing: BEGIN IMMEDIATE already lets one writer in at a time."""

    def made_durable(self) -> None:
        """Fsync the folder, so that the new file's name survives a power cut as its content does."""
        if os.name != "posix":
            return  # Windows cannot open a folder; NTFS journals names itself
        descriptor = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def writer_engine(self) -> Engine:
        """Connections that begin with BEGIN IMMEDIATE: no transaction fails halfway for the write lock."""
        engine = self._engine("BEGIN IMMEDIATE", poolclass=NullPool)

        @event.listens_for(engine, "connect")
        def make_durable(connection: Any, _record: object) -> None:
            for pragma in _SQLITE_WRITER_PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")

        return engine

    def reader_engine(self, threads: int) -> Engine:
        """Connections that read a WAL snapshot and never block the writer."""
        engine = self._engine("BEGIN", pool_size=threads, max_overflow=0)

        @event.listens_for(engine, "connect")
        def refuse_writes(connection: Any, _record: object) -> None:
            connection.execute("PRAGMA query_only=ON")

        return engine

    def _engine(self, begin: str, **pool: Any) -> Engine:
        # pysqlite's own transaction control begins late and breaks SAVEPOINT: isolation_level=None switches
        # it off, and SQLAlchemy's "begin" is made explicit instead.
        engine = create_engine(
            self._url,
            connect_args={"isolation_level": None, "timeout": _SQLITE_BUSY_TIMEOUT_MS / 1000},
            **pool,
        )

        @event.listens_for(engine, "begin")
        def begin_explicitly(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine


class PostgresDatabase:
    """A PostgreSQL database with `synchronous_commit=on` whatever the server's default is."""

    def __init__(self, url: URL) -> None:
        self._url = url.set(drivername="postgresql+psycopg")

    def hold_writer_lock(self, plant: str) -> Callable[[], None]:  # noqa: ARG002 - the Protocol's signature
        """Nothing to hold: `claim` locks on the writer's own connection."""
        return lambda: None

    def claim(self, connection: Connection, plant: str) -> None:
        """Take an advisory lock of the session: the server frees it when the connection ends."""
        key = int.from_bytes(_plant_key(plant)[:8], "big", signed=True)
        if not connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one():
            raise LedgerLocked(
                f"the ledger of plant {plant!r} in database {self._url.database!r} is being written by"
                " another process; stop that server first, or give this one its own plant name"
            )

    def serialise_migration(self, connection: Connection) -> None:
        """Take an advisory lock that the transaction's end frees."""
        key = int.from_bytes(hashlib.sha256(b"lineside.ledger.migration").digest()[:8], "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def made_durable(self) -> None:
        """Nothing: the server does it."""

    def writer_engine(self) -> Engine:
        """One connection at a time; never pooled, so that closing it frees the advisory lock."""
        return self._engine("-c synchronous_commit=on", poolclass=NullPool)

    def reader_engine(self, threads: int) -> Engine:
        """Read-only connections whose transactions see one snapshot."""
        return self._engine(
            "-c default_transaction_read_only=on",
            isolation_level="REPEATABLE READ",
            pool_size=threads,
            max_overflow=0,
            pool_pre_ping=True,
        )

    def _engine(self, options: str, **pool: Any) -> Engine:
        try:
            return create_engine(
                self._url,
                connect_args={**_POSTGRES_CONNECTION, "options": options, "application_name": "lineside"},
                **pool,
            )
        except ModuleNotFoundError as error:
            raise LedgerUrlRefused(
                "PostgreSQL needs its driver: pip install 'lineside[postgres]' (missing: " + str(error.name) + ")"
            ) from error
