"""`lineside drift` against a running server."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drifting_line import SHORT_PERIODS, Line, line_bodies, write_parts
from lineside.serving.drift import store
from lineside.serving.security import Role
from live_server import LiveServer, live_server

Lineside = Callable[..., Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server whose station went through a reference period and then lost some light."""
    with live_server(tmp_path, **SHORT_PERIODS) as server:
        server.put_station("aoi-1").raise_for_status()
        _wait_for(server, lambda: _watch_has_begun(server))
        write_parts(server.services.ledger, line_bodies(500, Line(), first=1))
        write_parts(server.services.ledger, line_bodies(200, Line(light=114.0), first=501))
        _wait_for(server, lambda: _is_in_alarm(server))
        yield server


def _wait_for(server: LiveServer, has_come: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if has_come():
            return
        pause.wait(0.1)
    raise AssertionError(f"the watch of {server.url} did not come so far within a minute")


def _watch_has_begun(server: LiveServer) -> bool:
    ledger = server.services.ledger
    return ledger.read_blocking(lambda connection: store.cursor(connection, ledger.plant)) is not None


def _is_in_alarm(server: LiveServer) -> bool:
    items = server.http.get("/v1/drift", headers=server.authorization()).json()["items"]
    return bool(items) and (items[0]["state"], items[0]["parts_since"]) == ("alarm", 300)


def test_the_state_of_a_station_is_listed_and_its_alarm_ended(server: LiveServer, lineside: Lineside) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    listed = lineside("drift", "list", *words)
    (row,) = [line.split("\t") for line in listed.out.splitlines()]
    assert row[1:6] == ["aoi-1", "BRD", "blobs 1.0.0", "alarm", "300"]
    assert "default/mean fell from 120" in row[7]
    assert "a class that the model does not know" in listed.err
    found = json.loads(lineside("drift", "list", *words, "--station", "aoi-1", "--json").out)
    assert found["items"][0]["alarm"]["id"] == row[6]
    ended = lineside("drift", "acknowledge", row[6], *words, "--reason", "lamp changed")
    assert (ended.code, "is acknowledged" in ended.err) == (0, True)
    assert lineside("drift", "list", *words).out.split("\t")[4] == "looking"


def test_what_the_server_refuses_is_one_line(server: LiveServer, lineside: Lineside) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    ran = lineside("drift", "acknowledge", "nothing", *words, "--reason", "a trial")
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "no drift alarm 'nothing'" in ran.err
