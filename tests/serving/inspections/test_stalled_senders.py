"""Senders that stop in the middle of a body, over a real socket: they must not cost others their place."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lineside.serving.security import Role
from live_server import LiveServer, live_server
from plant import RECIPE, good_board


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    with live_server(tmp_path, queue_bound=2) as server:
        assert server.put_recipe("board", RECIPE).status_code == 200
        assert server.put_station("aoi-1", recipe={"id": "board", "version": 1}).status_code == 200
        yield server


def begin_to_post(server: LiveServer, part_id: str) -> socket.socket:
    """Send the head of a request and the first byte of its body."""
    parts = urlsplit(server.url)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=30)
    head = (
        f"POST /v1/inspections?station=aoi-1&part_id={part_id} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {server.keys[Role.STATION]}\r\nContent-Type: image/png\r\nContent-Length: 1000\r\n"
        "Content-Digest: sha-256=:AAAA:\r\n\r\n\x89"
    )
    connection.sendall(head.encode("latin-1"))
    return connection


def wait_until_inside(server: LiveServer, count: int) -> None:
    while server.services.inspections.admission.inside != count:
        pass


def test_a_sender_that_stalls_loses_its_place(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineside.serving.bodies._PATIENCE_S", 0.3)
    with begin_to_post(server, "a") as first, begin_to_post(server, "b") as second:
        for connection in (first, second):
            assert connection.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert server.post(good_board(1), "c").json()["verdict"] == "OK"
    assert server.attempts_of("a") == []


def test_a_sender_that_hangs_up_leaves_its_place_and_nothing_behind(
    server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with begin_to_post(server, "a"), begin_to_post(server, "b"):
        wait_until_inside(server, 2)
        assert server.post(good_board(1), "c").status_code == 503
    wait_until_inside(server, 0)
    assert server.post(good_board(2), "d").json()["verdict"] == "OK"
    assert server.attempts_of("a") == []
    assert server.services.inspections.open_attempts == 0
    assert "request_failed" not in capsys.readouterr().out
