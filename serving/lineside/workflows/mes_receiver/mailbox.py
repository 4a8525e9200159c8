"""What the receiver keeps: every message once, and what the messages amount to, in one SQLite file.

A message is stored together with what it changes, in one transaction that is on the disk before the sender is answered.
The same message again changes nothing, and an older one does not undo a newer one: each row remembers the place in the
plant's log that it was last told from. Nothing is ever thrown away: about 3 KB for each inspection, until somebody
removes the file.
"""

import json
import sqlite3
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from lineside.workflows.mes_receiver.errors import MailboxUnusable, MessageUnreadable
from lineside.workflows.mes_receiver.messages import Message

_BUSY_S: Final = 10.0

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY, type TEXT NOT NULL, source TEXT NOT NULL, subject TEXT, sequence INTEGER NOT NULL,
  at TEXT NOT NULL, received_at TEXT NOT NULL, repeats INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (
  type TEXT PRIMARY KEY, messages INTEGER NOT NULL, repeats INTEGER NOT NULL, last_received_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS results (
  id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, station TEXT NOT NULL, part_id TEXT NOT NULL,
  attempt INTEGER NOT NULL, verdict TEXT NOT NULL, product TEXT, lot TEXT, order_id TEXT, judged_at TEXT NOT NULL,
  is_simulated INTEGER NOT NULL, defects TEXT NOT NULL, reasons TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS results_by_order ON results (order_id, station, part_id, attempt, verdict);
CREATE INDEX IF NOT EXISTS results_by_sequence ON results (sequence);
CREATE INDEX IF NOT EXISTS failed_by_sequence ON results (verdict, sequence);
CREATE TABLE IF NOT EXISTS dispositions (
  inspection_id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, kind TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
  station TEXT NOT NULL, order_id TEXT NOT NULL, sequence INTEGER NOT NULL, state TEXT NOT NULL, product TEXT, lot TEXT,
  quantity INTEGER, at TEXT NOT NULL, PRIMARY KEY (station, order_id)
);
CREATE TABLE IF NOT EXISTS holds (
  key TEXT PRIMARY KEY, sequence INTEGER NOT NULL, station TEXT, lot TEXT, hold_id TEXT, state TEXT NOT NULL,
  reason TEXT NOT NULL, changed_by TEXT NOT NULL, at TEXT NOT NULL
);
"""

_COUNT: Final = """
INSERT INTO counters (type, messages, repeats, last_received_at) VALUES (:type, :new, 1 - :new, :received_at)
ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, repeats = repeats + excluded.repeats,
  last_received_at = excluded.last_received_at
"""

_SET: Final[Mapping[str, str]] = {"quantity": "quantity=coalesce(excluded.quantity, quantity)"}
"""How a row changes where it does not simply take the newer value: only the order itself says its quantity."""

_WRITE: Final[Mapping[str, str]] = {
    table: f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)}) "  # noqa: S608 - our own names
    f"ON CONFLICT DO UPDATE SET {', '.join(_SET.get(name, f'{name}=excluded.{name}') for name in columns)} "
    f"WHERE excluded.sequence > {table}.sequence"
    for table, columns in {
        "results": (
            *("id", "sequence", "station", "part_id", "attempt", "verdict", "product", "lot", "order_id"),
            *("judged_at", "is_simulated", "defects", "reasons"),
        ),
        "dispositions": ("inspection_id", "sequence", "kind"),
        "orders": ("station", "order_id", "sequence", "state", "product", "lot", "quantity", "at"),
        "holds": ("key", "sequence", "station", "lot", "hold_id", "state", "reason", "changed_by", "at"),
    }.items()
}


class Mailbox:
    """Messages and what they amount to; safe to use from several threads.

    Args:
        path: the file; made if missing.

    Raises:
        MailboxUnusable: it cannot be opened, or is something else.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=32
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise MailboxUnusable(f"{path}: {error}; expected the receiver's own database, or none yet") from error

    def __enter__(self) -> Self:
        """The open mailbox."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._connection.close()

    def store(self, message: Message, *, received_at: datetime) -> bool:
        """Keep a message; once this returns it is on the disk.

        Returns:
            Whether it is new; False where it was here already.

        Raises:
            MessageUnreadable: its data lacks what its type has; nothing is kept of it.
            MailboxUnusable: the disk does not take it.
        """
        row = {
            "id": message.id,
            "type": message.type,
            "source": message.source,
            "subject": message.subject,
            "sequence": message.sequence,
            "at": message.at.isoformat(),
            "received_at": received_at.isoformat(),
            "data": _json(message.data),
        }
        try:
            change = _change(message)
        except (KeyError, TypeError, ValueError) as error:
            raise MessageUnreadable(f"a message of type {message.type} without its fields: {error}") from error
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                stored = self._connection.execute(
                    "INSERT INTO messages (id, type, source, subject, sequence, at, received_at, data) VALUES "
                    "(:id, :type, :source, :subject, :sequence, :at, :received_at, :data) ON CONFLICT DO NOTHING",
                    row,
                )
                is_new = stored.rowcount == 1
                self._connection.execute(_COUNT, {**row, "new": int(is_new)})
                if not is_new:
                    self._connection.execute("UPDATE messages SET repeats = repeats + 1 WHERE id = :id", row)
                elif change is not None:
                    table, values = change
                    self._connection.execute(_WRITE[table], values)
        except sqlite3.Error as error:
            raise MailboxUnusable(f"{self._path}: {error}") from error
        return is_new

    def rows(self, query: str, *values: str | int) -> list[sqlite3.Row]:
        """What a query finds.

        Raises:
            MailboxUnusable: the database cannot be read.
        """
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise MailboxUnusable(f"{self._path}: {error}") from error


def _change(message: Message) -> tuple[str, Mapping[str, Any]] | None:
    """The table and the row that a message changes; None for what is only kept."""
    row = _ROWS.get(message.type)
    if row is None:
        return None
    table, read = row
    return table, {"sequence": message.sequence, "at": message.at.isoformat(), **read(message.data)}


def _result(data: Mapping[str, Any]) -> Mapping[str, Any]:
    same = ("id", "station", "part_id", "attempt", "verdict", "product", "lot", "order_id", "judged_at", "is_simulated")
    return {
        **{name: data[name] for name in same},
        "defects": _json(data["defects"]),
        "reasons": _json([reason["code"] for reason in data["reasons"]]),
    }


def _disposition(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"inspection_id": data["inspection_id"], "kind": data["kind"]}


def _order(data: Mapping[str, Any]) -> Mapping[str, Any]:
    context = data["context"]
    return {
        "station": data["station"],
        # a station may also run a product without an order: such a change of context is no order of the MES
        "order_id": context["order_id"] or "",
        "state": data["state"],
        "product": context["product"],
        "lot": context["lot"],
        "quantity": data["quantity"],
    }


def _hold(data: Mapping[str, Any]) -> Mapping[str, Any]:
    station, lot, hold_id = data.get("station"), data.get("lot"), data.get("hold_id")
    return {
        "key": hold_id or f"{station}\n{lot}",
        "station": station,
        "lot": lot,
        "hold_id": hold_id,
        "state": data["state"],
        "reason": data["reason"],
        "changed_by": data["changed_by"],
    }


_ROWS: Final = {
    "inspection.v1": ("results", _result),
    "disposition.v1": ("dispositions", _disposition),
    "order.v1": ("orders", _order),
    "hold.v1": ("holds", _hold),
}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
