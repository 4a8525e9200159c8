"""The event stream over a real socket, as the typed client and a browser follow it."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from lineside.serving.clock import SystemClock
from lineside.serving.errors import NotAuthenticated
from lineside.serving.events import EventFilter, event_stream
from lineside.serving.ledger import Ledger
from lineside.serving.security import Role
from lineside.serving.shutdown import Shutdown, begin_shutdown
from plant import Plant, good_board, open_plant

pytestmark = pytest.mark.usefixtures("either_database")

PATIENCE_S = 30.0  # how long a test waits for what must come; nothing is timed


@dataclass(frozen=True)
class Served:
    """A plant whose app also listens on a real socket."""

    plant: Plant
    url: str


class StartedServer(uvicorn.Server):
    """Uvicorn that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets=sockets)
        self.listens.set()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with open_plant(tmp_path) as plant:
        quieten(plant)
        config = uvicorn.Config(plant.app, port=0, lifespan="off", log_config=None, timeout_graceful_shutdown=20)
        server = StartedServer(config)
        portal = plant.http.portal  # type: ignore[attr-defined]  # TestClient's loop: the app's services live on it
        running = portal.start_task_soon(server._serve)  # `serve` would take the signals away from pytest
        assert server.listens.wait(PATIENCE_S)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Served(plant, f"http://127.0.0.1:{port}")
        portal.call(begin_shutdown, plant.app)
        server.should_exit = True
        running.result(PATIENCE_S)


def quieten(plant: Plant) -> None:
    """Have the watch tell the station's first state, and nothing beside the test's own events after it."""
    plant.services.signals.stop()
    for settle in (plant.services.rate_projector.settle, plant.services.signals.settle):
        plant.http.portal.call(settle)  # type: ignore[attr-defined]  # TestClient's


def read_events(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    """The next events of a stream as fields by name; fewer if it ends."""
    events: list[dict[str, Any]] = []
    fields: dict[str, Any] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif not line:
            if "data" in fields:
                events.append({**fields, "data": json.loads(fields["data"])})
                if len(events) == count:
                    return events
            fields = {}
    return events


@contextmanager
def follow(
    served: Served, query: str = "", *, role: Role = Role.MES, last_event_id: str | None = None
) -> Iterator[Iterator[str]]:
    """The lines of a stream."""
    headers = served.plant.headers(role) | ({} if last_event_id is None else {"Last-Event-ID": last_event_id})
    with httpx.stream("GET", f"{served.url}/v1/events{query}", headers=headers, timeout=PATIENCE_S) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.iter_lines()


def post_parts(served: Served, *numbers: int) -> None:
    for number in numbers:
        assert served.plant.post(good_board(number), part_id=f"p{number}").status_code == 200


def test_events_come_in_order_old_ones_first_and_new_ones_as_they_happen(served: Served) -> None:
    post_parts(served, 1, 2)
    with follow(served, "?after=0") as lines:
        post_parts(served, 3)
        events = read_events(lines, 6)
    assert [int(event["id"]) for event in events] == [1, 2, 3, 4, 5, 6]
    assert [event["event"] for event in events[:3]] == ["recipe.v1", "station.v1", "station_state.v1"]
    assert [event["event"] for event in events[3:]] == ["inspection.v1"] * 3
    assert [event["data"]["data"]["part_id"] for event in events[3:]] == ["p1", "p2", "p3"]


def test_a_client_resumes_where_it_was(served: Served) -> None:
    post_parts(served, 1, 2, 3)
    with follow(served, last_event_id="3") as lines:
        assert [event["id"] for event in read_events(lines, 2)] == ["4", "5"]


def test_without_a_place_to_resume_only_new_events_come(served: Served) -> None:
    post_parts(served, 1)
    with follow(served) as lines:
        post_parts(served, 2)
        assert read_events(lines, 1)[0]["data"]["data"]["part_id"] == "p2"


def test_a_client_gets_only_the_types_it_asks_for(served: Served) -> None:
    post_parts(served, 1)
    with follow(served, "?after=0&type=inspection.v1&type=hold.v1") as lines:
        assert read_events(lines, 1)[0]["event"] == "inspection.v1"


def test_a_stations_key_hears_of_its_own_station_only(served: Served) -> None:
    plant = served.plant
    plant.http.put("/v1/stations/aoi-2", json={"name": "AOI 2"}, headers=plant.headers())
    post_parts(served, 1)
    with follow(served, "?after=0", role=Role.STATION) as lines:
        events = read_events(lines, 2)
    assert [event["data"]["station"] for event in events] == ["aoi-1", "aoi-1"]


@pytest.mark.parametrize("query", ["?after=-1", "?after=x", f"?after={2**63}"])
def test_a_place_that_cannot_be_is_refused(served: Served, query: str) -> None:
    answer = httpx.get(f"{served.url}/v1/events{query}", headers=served.plant.headers())
    assert answer.status_code == 422


def test_a_stream_ends_cleanly_when_the_server_does(served: Served) -> None:
    with follow(served, "?after=0") as lines:
        read_events(lines, 3)
        served.plant.http.portal.call(begin_shutdown, served.plant.app)  # type: ignore[attr-defined]  # TestClient's
        assert read_events(lines, 1) == []  # an orderly end: httpx raises for a broken one


@asynccontextmanager
async def a_ledger(folder: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger.open(f"sqlite:///{folder / 'ledger.sqlite3'}", plant="p", clock=SystemClock())
    try:
        yield ledger
    finally:
        ledger.close()


async def append(ledger: Ledger, count: int) -> None:
    now = SystemClock().now()
    for number in range(count):
        await ledger.write(
            lambda transaction, number=number: transaction.append_event(  # type: ignore[misc]  # bound at once
                "test.v1", station=None, occurred_at=now, data={"number": number}
            )
        )


async def still_allowed() -> None:
    """A key that holds."""


def test_a_quiet_line_is_kept_open_by_comments_that_carry_the_place(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        async with a_ledger(tmp_path) as ledger:
            await append(ledger, 3)
            stream = event_stream(
                ledger,
                EventFilter(frozenset({"nothing.v1"})),
                after=0,
                shutdown=Shutdown(),
                check_access=still_allowed,
                heartbeat_s=0.01,
            )
            return [await anext(stream) for _ in range(3)]

    assert asyncio.run(scenario()) == ["retry: 2000\n\n", *[": heartbeat\nid: 3\n\n"] * 2]


def test_a_stream_ends_when_its_key_does(tmp_path: Path) -> None:
    async def revoked() -> None:
        raise NotAuthenticated("revoked")

    async def scenario() -> list[str]:
        async with a_ledger(tmp_path) as ledger:
            await append(ledger, 1)
            stream = event_stream(
                ledger, EventFilter(), after=0, shutdown=Shutdown(), check_access=revoked, heartbeat_s=0.01
            )
            return [chunk async for chunk in stream]

    chunks = asyncio.run(scenario())
    assert len([chunk for chunk in chunks if "event: test.v1" in chunk]) == 1


def test_a_long_log_is_read_in_parts_and_none_is_lost(tmp_path: Path) -> None:
    async def scenario() -> list[str]:
        shutdown = Shutdown()
        async with a_ledger(tmp_path) as ledger:
            await append(ledger, 350)
            stream = event_stream(ledger, EventFilter(), after=0, shutdown=shutdown, check_access=still_allowed)
            found = []
            async for chunk in stream:
                if chunk.startswith("id: "):
                    found.append(chunk.split("\n")[0])
                if len(found) == 350:
                    shutdown.begin()
            return found

    assert asyncio.run(scenario()) == [f"id: {number}" for number in range(1, 351)]
