"""Who may open a ledger, and what with."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import (
    Event,
    Ledger,
    LedgerClosed,
    LedgerLocked,
    LedgerReadOnly,
    LedgerSchemaMismatch,
    LedgerUnavailable,
    LedgerUrlRefused,
    Transaction,
    verify_chain,
)
from lineside.serving.ledger.tables import api_keys


def append(transaction: Transaction) -> Event:
    return transaction.append_event("tested.v1", station=None, occurred_at=transaction.now(), data={})


def add_key(transaction: Transaction) -> None:
    transaction.connection.execute(
        insert(api_keys).values(
            id=transaction.new_id(), name="k", role="viewer", key_hmac="0" * 64, created_at=transaction.now()
        )
    )


def count_keys(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(api_keys)).scalar_one()


def test_a_second_writer_of_a_plant_is_refused_until_the_first_closes(
    ledger_url: str, ledger: Ledger, clock: ManualClock
) -> None:
    ledger.write_blocking(append)
    with pytest.raises(LedgerLocked, match=r"plant-1.*stop that server first"):
        Ledger.open(ledger_url, plant="plant-1", clock=clock)

    ledger.close()

    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as second:
        assert second.write_blocking(append).sequence == 2


def test_a_closed_ledger_says_so_to_who_still_reads(ledger: Ledger) -> None:
    ledger.close()
    with pytest.raises(LedgerClosed, match="ending"):
        asyncio.run(ledger.read(count_keys))


def test_another_plant_has_a_chain_of_its_own_in_the_same_database(
    ledger_url: str, ledger: Ledger, clock: ManualClock
) -> None:
    ledger.write_blocking(append)
    with Ledger.open(ledger_url, plant="plant-2", clock=clock) as other:
        assert other.write_blocking(append).sequence == 1
        assert ledger.write_blocking(append).sequence == 2
        assert verify_chain(other).checked == 1
    assert verify_chain(ledger).checked == 2


def test_beside_a_server_keys_can_be_written_but_no_events(ledger_url: str, ledger: Ledger, clock: ManualClock) -> None:
    with Ledger.open_beside(ledger_url, plant="plant-1", clock=clock) as beside:
        beside.write_blocking(add_key)
        with pytest.raises(LedgerReadOnly, match="beside the writer"):
            beside.write_blocking(append)
    assert ledger.read_blocking(count_keys) == 1
    assert ledger.write_blocking(append).sequence == 1


def test_keys_can_be_made_before_the_first_server_start(ledger_url: str, clock: ManualClock) -> None:
    with Ledger.open_beside(ledger_url, plant="plant-1", clock=clock) as beside:
        beside.write_blocking(add_key)
    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as server:
        assert server.read_blocking(count_keys) == 1


def test_a_readonly_ledger_reads_beside_the_writer_and_writes_nothing(
    ledger_url: str, ledger: Ledger, clock: ManualClock
) -> None:
    ledger.write_blocking(append)
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as reader:
        assert verify_chain(reader).checked == 1
        with pytest.raises(LedgerReadOnly):
            reader.write_blocking(append)


def test_an_empty_database_is_no_ledger_to_read(ledger_url: str, clock: ManualClock) -> None:
    with pytest.raises(LedgerSchemaMismatch, match="start the server"):
        Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock)


def test_a_database_of_a_later_version_is_refused(ledger_url: str, clock: ManualClock) -> None:
    with Ledger.open(ledger_url, plant="plant-1", clock=clock) as ledger:
        ledger.write_blocking(
            lambda transaction: (
                transaction.connection.execute(text("UPDATE alembic_version SET version_num = '9999'")) and None
            )
        )
    for opened in (Ledger.open, Ledger.open_readonly, Ledger.open_beside):
        with pytest.raises(LedgerSchemaMismatch, match=r"'9999'.*later version"):
            opened(ledger_url, plant="plant-1", clock=clock)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/lineside", "not a url"], ids=str)
def test_a_url_that_cannot_hold_a_ledger_is_refused(url: str, clock: ManualClock) -> None:
    with pytest.raises(LedgerUrlRefused, match="expected"):
        Ledger.open(url, plant="plant-1", clock=clock)


def test_a_folder_that_is_not_there_is_reported(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(LedgerUnavailable, match="No such file"):
        Ledger.open(f"sqlite:///{tmp_path / 'missing' / 'l.sqlite'}", plant="plant-1", clock=clock)


def test_a_postgresql_that_is_not_there_is_reported(clock: ManualClock) -> None:
    with pytest.raises(LedgerUnavailable, match="cannot be used"):
        Ledger.open("postgresql://127.0.0.1:1/lineside", plant="plant-1", clock=clock)
