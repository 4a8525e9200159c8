"""Disks that fill up and servers that drop the line: nothing acknowledged is lost, and writing resumes."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, text

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Event, Ledger, LedgerLocked, LedgerUnavailable, Transaction, verify_chain
from lineside.serving.ledger.tables import events


def append(transaction: Transaction) -> Event:
    return transaction.append_event(
        "tested.v1", station=None, occurred_at=transaction.now(), data={"note": "x" * 10_000}
    )


def stored_identifiers(connection: Connection) -> set[str]:
    return set(connection.scalars(select(events.c.id)))


def write_until_refused(ledger: Ledger) -> tuple[list[str], LedgerUnavailable]:
    """Write up to 1,000 events; the acknowledged ones, and what ended it."""
    acknowledged: list[str] = []
    try:
        for _ in range(1_000):
            acknowledged.append(ledger.write_blocking(append).id)  # noqa: PERF401 - those before the error count
    except LedgerUnavailable as failure:
        return acknowledged, failure
    pytest.fail("1,000 events fitted")


@contextmanager
def largest_file_bytes(limit: int) -> Iterator[None]:
    """Let no file of this process grow past a size, as a disk without space would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_finds_no_space_fails_its_whole_group_and_writing_resumes(
    tmp_path: Path, clock: ManualClock
) -> None:
    async def write_many(ledger: Ledger) -> list[Event | BaseException]:
        return await asyncio.gather(*(ledger.write(append) for _ in range(50)), return_exceptions=True)

    acknowledged: set[str] = set()
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", plant="plant-1", clock=clock) as ledger:
        acknowledged.add(ledger.write_blocking(append).id)
        with largest_file_bytes(400_000):
            answers = asyncio.run(write_many(ledger))
            failures = [answer for answer in answers if not isinstance(answer, Event)]
            acknowledged |= {answer.id for answer in answers if isinstance(answer, Event)}
            assert failures
            assert all(isinstance(failure, LedgerUnavailable) for failure in failures), failures
            identifiers, failure = write_until_refused(ledger)
            acknowledged |= set(identifiers)
            assert "retry" in str(failure)

        acknowledged.add(ledger.write_blocking(append).id)
        assert acknowledged <= ledger.read_blocking(stored_identifiers)
        assert verify_chain(ledger).is_intact


def test_a_full_database_is_named_and_writing_resumes(tmp_path: Path, clock: ManualClock) -> None:
    """SQLITE_FULL inside an operation: SQLite then gives up the whole transaction, not only the SAVEPOINT."""
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}", plant="plant-1", clock=clock) as ledger:
        pages = ledger.write_blocking(
            lambda transaction: transaction.connection.execute(text("PRAGMA page_count")).scalar_one()
        )
        ledger.write_blocking(
            lambda transaction: transaction.connection.execute(text(f"PRAGMA max_page_count = {pages + 20}")) and None
        )
        acknowledged, failure = write_until_refused(ledger)
        assert "full" in str(failure)
        assert acknowledged
        # The limit was the failed connection's own: the next one has space again.
        acknowledged.append(ledger.write_blocking(append).id)
        assert ledger.read_blocking(stored_identifiers) == set(acknowledged)
        assert verify_chain(ledger).checked == len(acknowledged)


def terminate_writer(connection: Connection) -> None:
    """End the writer's connection from the server's side: it holds the one session-level advisory lock."""
    connection.execute(
        text(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    )


@pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)
def test_a_dropped_connection_is_replaced_and_the_lock_taken_again(ledger_url: str, clock: ManualClock) -> None:
    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as ledger:
        first = ledger.write_blocking(append)
        ledger.read_blocking(terminate_writer)

        with pytest.raises(LedgerUnavailable):
            ledger.write_blocking(append)
        assert ledger.write_blocking(append).sequence == first.sequence + 1
        with pytest.raises(LedgerLocked):
            Ledger.open(ledger_url, plant="plant-1", clock=clock)
        assert verify_chain(ledger).is_intact


@pytest.mark.parametrize("ledger_url", ["postgresql"], indirect=True)
def test_a_writer_that_lost_its_lock_to_another_writes_nothing(ledger_url: str, clock: ManualClock) -> None:
    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as first:
        first.write_blocking(append)
        first.read_blocking(terminate_writer)
        with Ledger.open(ledger_url, plant="plant-1", clock=clock) as second:
            for _ in range(2):  # the dropped connection, then the refused lock
                with pytest.raises(LedgerUnavailable):
                    first.write_blocking(append)
            assert second.write_blocking(append).sequence == 2
            assert verify_chain(second).checked == 2
