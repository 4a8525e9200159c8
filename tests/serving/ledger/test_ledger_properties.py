"""Whatever is written, fails and is reopened in whatever order: the ledger holds what was acknowledged."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Ledger, Transaction, verify_chain
from lineside.serving.ledger.events import read_after
from lineside.serving.ledger.tables import idempotency

finite_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), children, max_size=3)
    ),
    max_leaves=6,
)
event_data = st.dictionaries(st.sampled_from(["note", "한", "size_mm", "z"]), finite_json, max_size=3)
keys = st.sampled_from(["a", "b", "c"])


class LedgerMachine(RuleBasedStateMachine):
    """A ledger on SQLite beside a plain list and dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="ledger-")
        self.clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
        self.expected: list[dict[str, Any]] = []
        self.answers: dict[str, str] = {}
        self.open()

    def open(self) -> None:
        url = f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}"
        self.ledger = Ledger.open(url, plant="plant-1", clock=self.clock)

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule(data=st.lists(event_data, min_size=1, max_size=3), seconds=st.floats(0, 10))
    def append(self, data: list[dict[str, Any]], seconds: float) -> None:
        self.clock.advance(seconds)

        def append_all(transaction: Transaction) -> None:
            for one in data:
                transaction.append_event("tested.v1", station=None, occurred_at=transaction.now(), data=one)

        self.ledger.write_blocking(append_all)
        self.expected += data

    @rule(data=event_data)
    def fail_after_appending(self, data: dict[str, Any]) -> None:
        def append_and_fail(transaction: Transaction) -> None:
            transaction.append_event("tested.v1", station=None, occurred_at=transaction.now(), data=data)
            raise KeyError("no such order")

        try:
            self.ledger.write_blocking(append_and_fail)
        except KeyError:
            return
        raise AssertionError("the operation's error did not reach its caller")

    @rule(key=keys, answer=st.text(st.characters(exclude_categories=["Cs"]), max_size=5))
    def answer_once(self, key: str, answer: str) -> None:
        def remember(transaction: Transaction) -> None:
            transaction.append_event(
                "answered.v1", station=None, occurred_at=transaction.now(), data={"answer": answer}
            )
            transaction.connection.execute(
                insert(idempotency),
                {
                    "scope": "s",
                    "key": key,
                    "request_digest": "0" * 64,
                    "status": 200,
                    "body": answer,
                    "created_at": transaction.now(),
                },
            )

        try:
            self.ledger.write_blocking(remember)
        except IntegrityError:
            assert key in self.answers
        else:
            assert key not in self.answers
            self.answers[key] = answer
            self.expected.append({"answer": answer})

    @precondition(lambda self: self.expected)
    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.open()

    @invariant()
    def holds_what_was_acknowledged(self) -> None:
        def read(connection: Any) -> tuple[list[Any], dict[str, str]]:
            found = read_after(connection, "plant-1", sequence=0, limit=10_000)
            assert [event.sequence for event in found] == list(range(1, len(found) + 1))
            rows = connection.execute(select(idempotency.c.key, idempotency.c.body))
            return [event.data for event in found], {row.key: row.body for row in rows}

        assert self.ledger.read_blocking(read) == (self.expected, self.answers)
        report = verify_chain(self.ledger)
        assert report.is_intact
        assert report.checked == len(self.expected) == self.ledger.last_sequence


TestLedgerProperties = LedgerMachine.TestCase
TestLedgerProperties.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
