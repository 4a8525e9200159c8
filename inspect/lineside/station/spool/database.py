"""The spool's SQLite file: opened so that what was committed survives a power cut, its failures given their names.

WAL with `synchronous=FULL` syncs the log at every commit (sqlite.org/pragma.html#pragma_synchronous).
"""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from lineside.station.spool.errors import DiskFull, SpoolBroken, SpoolMissing

FILE_NAME: Final = "spool.sqlite3"
_VERSION: Final = 2
_BUSY_S: Final = 10.0

_SCHEMA: Final = """
CREATE TABLE parts (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,  -- the spool's own order, whatever the clock says
    id TEXT NOT NULL UNIQUE,
    acquisition_id INTEGER NOT NULL,
    encoder INTEGER NOT NULL,
    triggered_at TEXT NOT NULL,
    trigger_digest TEXT NOT NULL,
    part_id TEXT,
    lot TEXT,
    asked TEXT,
    verdict TEXT,
    verdict_digest TEXT,
    verdict_state TEXT CHECK (verdict_state IN ('waiting', 'settled', 'parked')),
    judged_by TEXT CHECK (judged_by IN ('server', 'station')),
    inspection_id TEXT UNIQUE,
    lane TEXT,
    disposition_digest TEXT,
    disposition_state TEXT CHECK (disposition_state IN ('waiting', 'settled', 'parked'))
);
CREATE INDEX parts_unfinished ON parts (sequence) WHERE verdict IS NULL OR lane IS NULL;
CREATE TABLE queue (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('inspection', 'disposition', 'report')),
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'parked')),
    trouble TEXT,
    recorded_at TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX queue_state ON queue (state, sequence);
CREATE TABLE pictures (
    digest TEXT PRIMARY KEY,
    size_bytes INTEGER NOT NULL,
    worth INTEGER NOT NULL,
    sequence INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX pictures_worth ON pictures (worth, sequence, size_bytes);
CREATE TABLE picture_uses (
    id TEXT NOT NULL,
    view TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (id, view)
) WITHOUT ROWID;
CREATE INDEX picture_uses_digest ON picture_uses (digest);
CREATE TABLE counters (name TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (station TEXT NOT NULL);
"""


@contextmanager
def disk(what: str) -> Iterator[None]:
    """Give the disk's and SQLite's failures their names.

    Args:
        what: was being done, for the message.

    Raises:
        DiskFull: no space, or no quota, is left.
        SpoolBroken: anything else failed.
    """
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise DiskFull(f"{what}: the disk is full; free space there") from error
        raise SpoolBroken(f"{what}: {error}; look at the disk, then start the station again") from error
    except OSError as error:
        if isinstance(error, DiskFull | SpoolBroken):
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"{what}: the disk is full; free space there") from error
        raise SpoolBroken(f"{what}: {error}; look at the disk, then start the station again") from error


def connect(folder: Path) -> sqlite3.Connection:
    """Open the spool's file for writing, make it where it is missing.

    Raises:
        DiskFull, SpoolBroken: the disk does not let us.
    """
    with disk(f"opening the spool in {folder}"):
        connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False, timeout=_BUSY_S)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            _make(connection, folder)
        except BaseException:
            connection.close()
            raise
        return connection


def connect_reader(folder: Path) -> sqlite3.Connection:
    """Open the spool's file to look into it, beside a station that writes.

    Raises:
        SpoolMissing: there is none.
        SpoolBroken: it cannot be read.
    """
    if not (folder / FILE_NAME).is_file():
        raise SpoolMissing(f"no spool in {folder}: has the station run there yet?")
    with disk(f"reading the spool in {folder}"):
        connection = sqlite3.connect(folder / FILE_NAME, isolation_level=None, timeout=_BUSY_S)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA query_only=ON")
            _check_version(connection, folder)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Everything in it, durable when it ends, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def count(connection: sqlite3.Connection, name: str, by: int) -> None:
    """Count something up, within a transaction."""
    connection.execute(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET count = count + excluded.count",
        (name, by),
    )


def _make(connection: sqlite3.Connection, folder: Path) -> None:
    with transaction(connection):
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _SCHEMA.split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={_VERSION}")
    _check_version(connection, folder)


def _check_version(connection: sqlite3.Connection, folder: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found != _VERSION:
        raise SpoolBroken(
            f"the spool in {folder} has version {found}, this program writes {_VERSION}: empty it with the program "
            "that filled it"
        )
