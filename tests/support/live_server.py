"""A real app over real HTTP: uvicorn on a thread of the test's process, so that a test can look into the ledger."""

import base64
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from sqlalchemy import Connection, func, select

from blob_detector import TinyRelease
from lineside.client import content_digest
from lineside.serving import Settings, create_app
from lineside.serving.ledger.tables import events, inspections
from lineside.serving.security import Role
from lineside.serving.services import Services

_START_WITHIN_S = 60.0


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Serve an app on a free port of this host; gives its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="live-server")
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(_START_WITHIN_S / 0.01)):
        if server.started:
            return
        if not thread.is_alive():
            raise RuntimeError("the app did not start; its log says why")
        pause.wait(0.01)
    raise RuntimeError(f"the app did not start within {_START_WITHIN_S:.0f} s")


@dataclass(frozen=True)
class LiveServer:
    """A running app, spoken to over its socket.

    Attributes:
        url: where it listens.
        http: a client without a key.
        services: the app's own parts, to see what it wrote down.
        keys: a key of each role; the station's is for `aoi-1`.
    """

    url: str
    http: httpx.Client
    services: Services
    keys: Mapping[Role, str] = field(repr=False)

    def authorization(self, role: Role = Role.ADMIN) -> dict[str, str]:
        """The header of a role."""
        return {"Authorization": f"Bearer {self.keys[role]}"}

    def post(
        self,
        body: bytes,
        part_id: str,
        *,
        media_type: str = "image/png",
        station: str = "aoi-1",
        headers: Mapping[str, str | None] | None = None,
        said: Mapping[str, str | int] | None = None,
    ) -> httpx.Response:
        """Hand in a frame as station `aoi-1` does; a header of None is left out."""
        merged: dict[str, str | None] = {
            **self.authorization(Role.STATION),
            "Content-Type": media_type,
            "Content-Digest": content_digest(body),
            **(headers or {}),
        }
        return self.http.post(
            "/v1/inspections",
            params={"station": station, "part_id": part_id, **(said or {})},
            content=body,
            headers={name: value for name, value in merged.items() if value is not None},
        )

    def put_recipe(self, recipe_id: str, text: str) -> httpx.Response:
        """Hand in a recipe."""
        headers = {**self.authorization(), "Content-Type": "application/yaml"}
        return self.http.put(f"/v1/recipes/{recipe_id}", content=text.encode(), headers=headers)

    def put_station(self, station_id: str, **settings: Any) -> httpx.Response:
        """Enrol a station."""
        return self.http.put(
            f"/v1/stations/{station_id}", json={"name": station_id, **settings}, headers=self.authorization()
        )

    def deploy(self, signed: tuple[bytes, bytes]) -> httpx.Response:
        """Have the server carry out a signed deployment."""
        document, signature = (base64.b64encode(content).decode() for content in signed)
        return self.http.post(
            "/v1/deployments", json={"document": document, "signature": signature}, headers=self.authorization()
        )

    def attempts_of(self, part_id: str) -> list[Mapping[str, Any]]:
        """The ledger's rows of a part."""

        def query(connection: Connection) -> list[Mapping[str, Any]]:
            rows = connection.execute(select(inspections).where(inspections.c.part_id == part_id))
            return [dict(row) for row in rows.mappings()]

        return self.services.ledger.read_blocking(query)

    def event_count(self) -> int:
        """How many events the plant's log has."""
        return self.services.ledger.read_blocking(
            lambda connection: int(connection.execute(select(func.count()).select_from(events)).scalar_one())
        )


@contextmanager
def live_server(
    folder: Path, *, releases: Sequence[TinyRelease] = (TinyRelease(),), **settings: Any
) -> Iterator[LiveServer]:
    """Start an app in a folder; starting it there again goes on with what is there.

    Args:
        folder: of data and releases.
        releases: written below the folder where they are not there yet.
        **settings: further fields of `Settings`.
    """
    for release in releases:
        if not (folder / "releases" / release.name).exists():
            release.write(folder / "releases" / release.name)
    chosen = Settings(
        **{
            "data_dir": folder / "data",
            "releases_dir": folder / "releases",
            "unsigned_releases": settings.get("trust_file") is None,
            "engine": "onnxruntime-fp32",
            "threads": 1,
            **settings,
        }
    )
    app = create_app(chosen)
    with listening(app) as url, httpx.Client(base_url=url, timeout=60.0, trust_env=False) as http:
        services: Services = app.state.services
        keys = {
            role: services.keys.create(
                f"test {role.value}", role, station="aoi-1" if role is Role.STATION else None
            ).secret
            for role in Role
        }
        yield LiveServer(url, http, services, keys)
