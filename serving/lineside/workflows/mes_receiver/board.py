"""What the receiver's page shows: results, orders and holds as the messages tell them, as JSON."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

from lineside.workflows.mes_receiver.mailbox import Mailbox

_RESULTS: Final = 40
_FAILED: Final = 25
_ORDERS: Final = 20
_HOLDS: Final = 30

_RESULT: Final = "SELECT r.*, d.kind AS disposition FROM results r LEFT JOIN dispositions d ON d.inspection_id = r.id "


def board(mailbox: Mailbox) -> Mapping[str, Any]:
    """Everything that the page shows.

    Raises:
        MailboxUnusable: the database cannot be read.
    """
    return {
        "messages": _counts(mailbox),
        "verdicts": {
            row["verdict"]: row["n"] for row in mailbox.rows("SELECT verdict, count(*) n FROM results GROUP BY verdict")
        },
        "results": [_result(row) for row in mailbox.rows(f"{_RESULT} ORDER BY r.sequence DESC LIMIT ?", _RESULTS)],
        "failed": [
            _result(row)
            for row in mailbox.rows(
                f"{_RESULT} WHERE r.verdict = 'NG' ORDER BY r.sequence DESC LIMIT ?",
                _FAILED,
            )
        ],
        "orders": [
            {**_plain(row), "judged": _judged(mailbox, row["order_id"], row["station"])}
            for row in mailbox.rows("SELECT * FROM orders WHERE order_id <> '' ORDER BY sequence DESC LIMIT ?", _ORDERS)
        ],
        "holds": [
            _plain(row)
            for row in mailbox.rows("SELECT * FROM holds ORDER BY state = 'held' DESC, sequence DESC LIMIT ?", _HOLDS)
        ],
    }


def _counts(mailbox: Mailbox) -> Mapping[str, Any]:
    rows = mailbox.rows("SELECT * FROM counters ORDER BY type")
    return {
        "stored": sum(row["messages"] for row in rows),
        "repeats": sum(row["repeats"] for row in rows),
        "last_received_at": max((row["last_received_at"] for row in rows), default=None),
        "by_type": {row["type"]: row["messages"] for row in rows},
    }


def _judged(mailbox: Mailbox, order_id: str, station: str) -> Mapping[str, int]:
    """Parts of an order by the verdict of their last attempt."""
    rows = mailbox.rows(
        "SELECT verdict, count(*) n FROM (SELECT verdict, max(attempt) FROM results WHERE order_id = ? AND station = ? "
        "GROUP BY part_id) GROUP BY verdict",
        order_id,
        station,
    )
    return {row["verdict"]: row["n"] for row in rows}


def _result(row: sqlite3.Row) -> Mapping[str, Any]:
    defects = json.loads(row["defects"])
    return {
        **_plain(row),
        "is_simulated": bool(row["is_simulated"]),
        "reasons": json.loads(row["reasons"]),
        "defects": [{"class_name": each["class_name"], "size_mm": each.get("size_mm")} for each in defects],
    }


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over its values
