"""Group commit, from the side of those who write."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import (
    Event,
    Ledger,
    LedgerBusy,
    LedgerClosed,
    LedgerUnavailable,
    Transaction,
    verify_chain,
)
from lineside.serving.ledger.tables import catalogues, events


def append(number: int) -> Callable[[Transaction], Event]:
    """An operation that appends one event."""
    return lambda transaction: transaction.append_event(
        "tested.v1", station="station-1", occurred_at=transaction.now(), data={"number": number}
    )


def add_catalogue(identifier: str) -> Callable[[Transaction], None]:
    """An operation that inserts one row outside the chain."""

    def operation(transaction: Transaction) -> None:
        transaction.connection.execute(
            insert(catalogues).values(
                id=identifier, version=1, text="", digest="0" * 64, created_at=transaction.now(), created_by="test"
            )
        )

    return operation


def numbers(connection: Connection) -> list[int]:
    """What the stored events carry, in order."""
    return [data["number"] for data in connection.scalars(select(events.c.data).order_by(events.c.sequence))]


@contextmanager
def busy_writer(ledger: Ledger) -> Iterator[None]:
    """Hold the writer in a group of its own, so that what is written meanwhile forms the next one."""
    began, may_end = threading.Event(), threading.Event()

    def hold(_transaction: Transaction) -> None:
        began.set()
        may_end.wait()

    holder = threading.Thread(target=ledger.write_blocking, args=(hold,))
    holder.start()
    began.wait()
    try:
        yield
    finally:
        may_end.set()
        holder.join()


def test_a_write_returns_what_its_operation_returned(ledger: Ledger, clock: ManualClock) -> None:
    written = ledger.write_blocking(append(7))

    assert (written.sequence, written.plant, written.type) == (1, "plant-1", "tested.v1")
    assert written.recorded_at == clock.now()
    assert asyncio.run(ledger.events_after(0)) == (written,)


def test_events_are_numbered_without_a_gap_whoever_writes(ledger: Ledger) -> None:
    async def write_all() -> list[Event]:
        return await asyncio.gather(*(ledger.write(append(number)) for number in range(200)))

    written = asyncio.run(write_all())

    assert sorted(event.sequence for event in written) == list(range(1, 201))
    assert [event.id for event in sorted(written, key=lambda e: e.sequence)] == sorted(e.id for e in written)
    assert verify_chain(ledger).checked == 200


def test_what_waits_together_is_committed_once(ledger: Ledger) -> None:
    commits: list[Connection] = []

    def count(connection: Connection) -> None:
        commits.append(connection)

    event.listen(Engine, "commit", count)
    try:

        async def write_ten_behind_one() -> None:
            with busy_writer(ledger):
                tasks = [asyncio.ensure_future(ledger.write(append(number))) for number in range(10)]
                await asyncio.sleep(0)  # each task queues its operation
            await asyncio.gather(*tasks)

        asyncio.run(write_ten_behind_one())
    finally:
        event.remove(Engine, "commit", count)

    assert len(commits) == 2  # the one that held the writer, and the ten


def test_one_operation_that_raises_leaves_the_others_of_its_group(ledger: Ledger) -> None:
    def fail_after_writing(transaction: Transaction) -> None:
        append(1)(transaction)
        raise LookupError("no such order")

    async def write_three() -> list[object]:
        with busy_writer(ledger):
            tasks = [asyncio.ensure_future(ledger.write(op)) for op in (append(0), fail_after_writing, append(2))]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, failed, last = asyncio.run(write_three())

    assert isinstance(failed, LookupError)
    assert isinstance(first, Event)
    assert isinstance(last, Event)
    assert (first.sequence, last.sequence) == (1, 2)
    assert ledger.read_blocking(numbers) == [0, 2]
    assert verify_chain(ledger).is_intact


def test_a_violated_constraint_reaches_its_own_caller_only(ledger: Ledger) -> None:
    async def write_duplicates() -> list[object]:
        with busy_writer(ledger):
            operations = (add_catalogue("pcb"), add_catalogue("pcb"), add_catalogue("web"))
            tasks = [asyncio.ensure_future(ledger.write(operation)) for operation in operations]
            await asyncio.sleep(0)
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, duplicate, other = asyncio.run(write_duplicates())

    assert (first, other) == (None, None)
    assert isinstance(duplicate, IntegrityError)
    assert ledger.read_blocking(lambda connection: connection.scalar(select(func.count()).select_from(catalogues))) == 2


def test_a_full_queue_is_refused_at_once_and_nothing_of_it_written(ledger_url: str, clock: ManualClock) -> None:
    async def fill(ledger: Ledger) -> None:
        with busy_writer(ledger):
            waiting = [asyncio.ensure_future(ledger.write(append(number))) for number in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(LedgerBusy, match="3 writes wait and 3 may"):
                await ledger.write(append(99))
        await asyncio.gather(*waiting)

    with Ledger.open(ledger_url, plant="plant-1", clock=clock, queue_bound=3) as ledger:
        asyncio.run(fill(ledger))
        assert sorted(ledger.read_blocking(numbers)) == [0, 1, 2]


def test_a_wait_cancelled_before_its_group_begins_withdraws_the_write(ledger: Ledger) -> None:
    async def cancel_while_queued() -> None:
        with busy_writer(ledger):
            task = asyncio.ensure_future(ledger.write(append(1)))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(cancel_while_queued())
    ledger.write_blocking(append(2))

    assert ledger.read_blocking(numbers) == [2]


def test_close_writes_what_waits_and_then_refuses(ledger_url: str, clock: ManualClock) -> None:
    ledger = Ledger.open(ledger_url, plant="plant-1", clock=clock)

    async def close_behind_three() -> None:
        with busy_writer(ledger):
            tasks = [asyncio.ensure_future(ledger.write(append(number))) for number in range(3)]
            await asyncio.sleep(0)
            closing = threading.Thread(target=ledger.close)
            closing.start()
        await asyncio.gather(*tasks)
        await asyncio.to_thread(closing.join)

    asyncio.run(close_behind_three())

    with pytest.raises(LedgerClosed):
        ledger.write_blocking(append(3))
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as reopened:
        assert sorted(reopened.read_blocking(numbers)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("type_", "data", "message"),
    [
        pytest.param("tested.v1", {"size_mm": float("nan")}, "JSON", id="nan"),
        pytest.param("tested.v1", {"name": "\ud800"}, "surrogates", id="no_unicode"),
        pytest.param("tested", {}, "version", id="no_version"),
        pytest.param("tested.v0", {}, "version", id="version_zero"),
    ],
)
def test_an_event_that_cannot_be_kept_is_refused_without_a_gap(
    ledger: Ledger, type_: str, data: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ledger.write_blocking(
            lambda transaction: transaction.append_event(type_, station=None, occurred_at=transaction.now(), data=data)
        )
    assert ledger.write_blocking(append(1)).sequence == 1


def test_a_naive_instant_is_refused(ledger: Ledger, clock: ManualClock) -> None:
    naive = clock.now().replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        ledger.write_blocking(
            lambda transaction: transaction.append_event("tested.v1", station=None, occurred_at=naive, data={})
        )


def test_a_read_sees_one_snapshot_and_does_not_stop_the_writer(ledger: Ledger) -> None:
    ledger.write_blocking(append(1))

    def count_write_count(connection: Connection) -> tuple[list[int], list[int]]:
        before = numbers(connection)
        ledger.write_blocking(append(2))
        return before, numbers(connection)

    assert ledger.read_blocking(count_write_count) == ([1], [1])
    assert ledger.read_blocking(numbers) == [1, 2]


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    def write(connection: Connection) -> None:
        connection.execute(events.delete())

    ledger.write_blocking(append(1))
    with pytest.raises((DBAPIError, LedgerUnavailable)):
        ledger.read_blocking(write)
    assert ledger.read_blocking(numbers) == [1]


def test_a_waiter_wakes_when_the_event_is_durable(ledger: Ledger) -> None:
    async def wait_then_write() -> tuple[bool, bool]:
        waiting = asyncio.ensure_future(ledger.wait_for_event(0, timeout_s=30))
        await asyncio.sleep(0)
        assert not waiting.done()
        await ledger.write(append(1))
        return await waiting, await ledger.wait_for_event(1, timeout_s=0.01)

    assert asyncio.run(wait_then_write()) == (True, False)
    assert ledger.last_sequence == 1


def test_identifiers_and_text_beyond_ascii_come_back_as_they_went(ledger: Ledger) -> None:
    data = {"한도견본": "\u0000 'quoted' \" ; DROP TABLE events; --", "size_mm": 0.1 + 0.2, "list": [None, True, -0.0]}
    ledger.write_blocking(
        lambda transaction: transaction.append_event(
            "tested.v1", station="스테이션 1", occurred_at=transaction.now(), data=data
        )
    )
    (stored,) = asyncio.run(ledger.events_after(0))
    assert (stored.data, stored.station) == (data, "스테이션 1")
    assert verify_chain(ledger).is_intact
