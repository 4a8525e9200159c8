import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lineside.serving.clock import ManualClock
from lineside.serving.errors import KeyRefused, StationRefused, UnknownKey
from lineside.serving.ledger import Ledger, tables
from lineside.serving.security import KeyService, Principal, Role, SessionSigner, read_or_create_secret

START = datetime(2026, 1, 1, tzinfo=UTC)
PEPPER = b"p" * 32


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def ledger(tmp_path: Path, clock: ManualClock) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", plant="p", clock=clock) as ledger:
        yield ledger


@pytest.fixture
def keys(ledger: Ledger, clock: ManualClock) -> KeyService:
    return KeyService(ledger, clock=clock, pepper=PEPPER)


def find(keys: KeyService, secret: str, address: str = "10.0.0.1") -> Principal | None:
    return asyncio.run(keys.find(secret, address=address))


def test_a_new_key_names_its_holder_and_is_stored_only_as_an_hmac(keys: KeyService, ledger: Ledger) -> None:
    made = keys.create("camera cabinet 3", Role.STATION, station="aoi-1")
    assert made.secret.startswith("lsk_")
    assert made.secret not in repr(made)
    assert find(keys, made.secret) == Principal(made.key.id, "camera cabinet 3", Role.STATION, "aoi-1")
    rows = ledger.read_blocking(lambda connection: connection.execute(tables.api_keys.select()).mappings().all())
    assert made.secret not in str([dict(row) for row in rows])


def test_no_two_keys_are_alike(keys: KeyService) -> None:
    secrets = {keys.create(f"key {number}", Role.VIEWER).secret for number in range(20)}
    assert len(secrets) == 20
    assert {len(secret) for secret in secrets} == {47}


def test_a_key_of_another_pepper_is_unknown(ledger: Ledger, clock: ManualClock, keys: KeyService) -> None:
    made = KeyService(ledger, clock=clock, pepper=b"q" * 32).create("other", Role.ADMIN)
    assert find(keys, made.secret) is None


def test_a_revocation_by_another_process_holds_within_a_second(
    tmp_path: Path, keys: KeyService, clock: ManualClock
) -> None:
    made = keys.create("old laptop", Role.ADMIN)
    assert find(keys, made.secret) is not None
    with Ledger.open_beside(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", plant="p", clock=clock) as beside:
        KeyService(beside, clock=clock, pepper=PEPPER).revoke(made.key.id)
    clock.advance(1.0)
    assert find(keys, made.secret) is None


def test_a_key_made_by_another_process_is_good_at_once(tmp_path: Path, keys: KeyService, clock: ManualClock) -> None:
    assert find(keys, keys.create("first", Role.VIEWER).secret) is not None
    clock.advance(0.1)
    with Ledger.open_beside(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", plant="p", clock=clock) as beside:
        made = KeyService(beside, clock=clock, pepper=PEPPER).create("second", Role.VIEWER)
    assert find(keys, made.secret) is not None


def test_an_expired_key_is_refused(keys: KeyService, clock: ManualClock) -> None:
    made = keys.create("auditor", Role.VIEWER, expires_at=START + timedelta(hours=1))
    assert find(keys, made.secret) is not None
    clock.advance(3600)
    assert find(keys, made.secret) is None


def test_many_bad_keys_block_an_address_but_never_a_valid_key(keys: KeyService, clock: ManualClock) -> None:
    made = keys.create("station", Role.STATION, station="aoi-1")
    for _ in range(20):
        assert find(keys, "lsk_" + "x" * 43) is None
    assert keys.failures.is_blocked("10.0.0.1")
    assert not keys.failures.is_blocked("10.0.0.2")
    assert find(keys, made.secret) is not None
    clock.advance(60)
    assert not keys.failures.is_blocked("10.0.0.1")


@pytest.mark.parametrize(
    ("name", "role", "station"),
    [
        pytest.param("", Role.ADMIN, None, id="without a name"),
        pytest.param("x", Role.STATION, None, id="a station's key without a station"),
        pytest.param("x", Role.ADMIN, "aoi-1", id="another role with a station"),
    ],
)
def test_a_key_that_means_nothing_is_not_made(keys: KeyService, name: str, role: Role, station: str | None) -> None:
    with pytest.raises(KeyRefused):
        keys.create(name, role, station=station)
    assert not keys.has_keys()


def test_revoking_what_does_not_exist_says_so(keys: KeyService) -> None:
    with pytest.raises(UnknownKey, match="keys list"):
        keys.revoke("nobody")


def test_a_stations_key_acts_for_its_own_station_only() -> None:
    principal = Principal("id", "cabinet", Role.STATION, "aoi-1")
    principal.require_station("aoi-1")
    with pytest.raises(StationRefused, match="aoi-2"):
        principal.require_station("aoi-2")
    Principal("id", "mes", Role.MES).require_station("aoi-2")


def test_a_session_ends_by_time_by_revocation_and_by_forgery(keys: KeyService, clock: ManualClock) -> None:
    made = keys.create("page", Role.VIEWER)
    cookie = keys.sessions.issue(made.key.id)
    assert asyncio.run(keys.find_session(cookie)) == made.key.principal
    payload, _, signature = cookie.partition(".")
    for forged in (f"{payload}.", f".{signature}", f"{payload[:-1]}A.{signature}", "", ".", "a.b.c", "x" * 5000):
        assert asyncio.run(keys.find_session(forged)) is None
    other = SessionSigner(b"z" * 32, clock=clock, hours=1)
    assert asyncio.run(keys.find_session(other.issue(made.key.id))) is None
    clock.advance(12 * 3600)
    assert asyncio.run(keys.find_session(cookie)) is None
    fresh = keys.sessions.issue(made.key.id)
    keys.revoke(made.key.id)
    assert asyncio.run(keys.find_session(fresh)) is None


def test_a_secret_file_is_private_stable_and_never_guessed(tmp_path: Path) -> None:
    first = read_or_create_secret(tmp_path / "pepper")
    assert read_or_create_secret(tmp_path / "pepper") == first
    assert read_or_create_secret(tmp_path / "other") != first
    assert (tmp_path / "pepper").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["other", "pepper"]
    (tmp_path / "pepper").write_bytes(b"short")
    with pytest.raises(ValueError, match="5 bytes"):
        read_or_create_secret(tmp_path / "pepper")
