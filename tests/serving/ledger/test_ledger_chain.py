"""A change to the log does not go unseen."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Ledger, Transaction, verify_chain

COUNT = 5


def fill(url: str, clock: ManualClock, *, count: int = COUNT) -> None:
    def append_all(transaction: Transaction) -> None:
        for number in range(count):
            transaction.append_event(
                "tested.v1", station="s", occurred_at=transaction.now(), data={"number": number, "note": "x" * 50}
            )

    with Ledger.open(url, plant="plant-1", clock=clock) as ledger:
        ledger.write_blocking(append_all)


def tamper(url: str, *statements: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


@pytest.mark.parametrize(
    ("statements", "sound", "fault"),
    [
        pytest.param(("UPDATE events SET data = '{}' WHERE sequence = 3",), 2, "event 3: was changed", id="data"),
        pytest.param(
            ("UPDATE events SET data = '{\"note\": 1}' WHERE sequence = 1",),
            0,
            "event 1: was changed",
            id="not_canonical",
        ),
        pytest.param(("UPDATE events SET station = NULL WHERE sequence = 4",), 3, "event 4: was changed", id="station"),
        pytest.param(("UPDATE events SET type = 'other.v1' WHERE sequence = 4",), 3, "event 4: was changed", id="type"),
        pytest.param(
            ("UPDATE events SET occurred_at = '2020-01-01T00:00:00.000000Z' WHERE sequence = 2",),
            1,
            "event 2: was changed",
            id="time",
        ),
        pytest.param(
            ("DELETE FROM events WHERE sequence = 3",), 2, "event 3: is missing, the next one is 4", id="missing"
        ),
        pytest.param(("DELETE FROM events WHERE sequence = 1",), 0, "event 1: is missing", id="first_missing"),
        pytest.param(
            (
                "UPDATE events SET sequence = 99 WHERE sequence = 2",
                "UPDATE events SET sequence = 2 WHERE sequence = 3",
                "UPDATE events SET sequence = 3 WHERE sequence = 99",
            ),
            1,
            "event 2: does not follow",
            id="swapped",
        ),
    ],
)
def test_a_changed_log_is_found_at_the_first_wrong_event(
    ledger_url: str, clock: ManualClock, statements: tuple[str, ...], sound: int, fault: str
) -> None:
    fill(ledger_url, clock)
    tamper(ledger_url, *statements)
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as ledger:
        report = verify_chain(ledger)
    assert report.checked == report.head.sequence == sound
    assert report.fault is not None
    assert report.fault.startswith(fault)


def test_lost_newest_events_show_against_a_head_noted_elsewhere(ledger_url: str, clock: ManualClock) -> None:
    """The documented limit of a chain: a shorter one is sound as well."""
    fill(ledger_url, clock)
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as ledger:
        noted = verify_chain(ledger).head
    tamper(ledger_url, "DELETE FROM events WHERE sequence = 5")
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as ledger:
        report = verify_chain(ledger)
    assert report.is_intact
    assert report.head != noted


def test_a_chain_of_several_pages_is_read_to_its_end(ledger_url: str, clock: ManualClock) -> None:
    fill(ledger_url, clock, count=2_500)
    with Ledger.open_readonly(ledger_url, plant="plant-1", clock=clock) as ledger:
        assert verify_chain(ledger).checked == 2_500


def test_every_flipped_bit_of_an_event_that_sqlite_passes_is_found(tmp_path: Path, clock: ManualClock) -> None:
    """SQLite has no checksums: its integrity_check passes most single-bit changes of the stored text."""
    path = tmp_path / "ledger.sqlite"
    fill(f"sqlite:///{path}", clock)
    sound = path.read_bytes()
    record = sound.rindex(b"plant-1", 0, sound.index(b'{"note":"xxx'))
    cell_header_bytes = 14  # payload length, row number, and the type of each of the ten columns
    record_bytes = 107 + len('{"note":"","number":0}') + 50 + 2 * 64
    passed_by_sqlite = 0
    for offset in range(record - cell_header_bytes, record + record_bytes):
        damaged = bytearray(sound)
        damaged[offset] ^= 1 << (offset % 8)
        path.write_bytes(damaged)
        if not sqlite_passes(path):
            continue
        passed_by_sqlite += 1
        with Ledger.open_readonly(f"sqlite:///{path}", plant="plant-1", clock=clock) as ledger:
            assert not verify_chain(ledger).is_intact, f"bit {offset % 8} of byte {offset}"
    assert passed_by_sqlite > record_bytes / 2


def sqlite_passes(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()
