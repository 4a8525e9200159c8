"""`lineside holds` and `lineside proposals` against a running server."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lineside.serving.security import Role
from live_server import LiveServer, live_server

Lineside = Callable[..., Any]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("server")) as server:
        server.put_station("aoi-1").raise_for_status()
        yield server


def words(server: LiveServer, *, role: Role = Role.QUALITY) -> tuple[str, ...]:
    return ("--server", server.url, "--api-key", server.keys[role])


def test_a_lot_is_held_listed_and_released(server: LiveServer, lineside: Lineside) -> None:
    held = lineside("holds", "set", *words(server), "--lot", "L1", "--reason", "wrong paste")
    assert (held.code, "lot L1 is held since" in held.err) == (0, True)
    listed = lineside("holds", "list", *words(server))
    (row,) = [line.split("\t") for line in listed.out.splitlines()]
    assert row[1:3] + row[4:] == ["lot L1", "held", "test quality", "wrong paste"]
    released = lineside("holds", "release", row[0], *words(server), "--reason", "sorted")
    assert (released.code, released.err) == (0, "lot L1 is released\n")
    assert lineside("holds", "list", *words(server)).out == ""
    (found,) = json.loads(lineside("holds", "list", *words(server), "--state", "all", "--json").out)
    assert (found["id"], found["release_reason"]) == (row[0], "sorted")


@pytest.mark.parametrize("what", [(), ("--lot", "L", "--station", "aoi-1")], ids=["nothing", "two things"])
def test_a_hold_is_of_one_thing(server: LiveServer, lineside: Lineside, what: tuple[str, ...]) -> None:
    refused = lineside("holds", "set", *words(server), "--reason", "r", *what)
    assert (refused.code, "give one of --station and --lot" in refused.err) == (2, True)


def test_a_station_that_there_is_not_is_said_in_one_line(server: LiveServer, lineside: Lineside) -> None:
    refused = lineside("holds", "set", *words(server), "--station", "aoi-9", "--reason", "r")
    assert (refused.code, len(refused.err.splitlines())) == (1, 1)
    assert "no station 'aoi-9'" in refused.err


def test_a_proposal_is_listed_approved_and_another_dismissed(server: LiveServer, lineside: Lineside) -> None:
    for lot in ("L5", "L6"):
        body = {"kind": "hold", "change": {"lot": lot}, "reason": "rate"}
        server.http.post("/v1/proposals", json=body, headers=server.authorization()).raise_for_status()
    listed = lineside("proposals", "list", *words(server))
    second, first = [line.split("\t") for line in listed.out.splitlines()]
    assert (first[1:4], second[2]) == (["hold", '{"lot": "L5"}', "proposed"], '{"lot": "L6"}')
    approved = lineside("proposals", "approve", first[0], *words(server), "--note", "yes", "--json")
    assert json.loads(approved.out)["note"] == "yes"
    assert "lot L5" in lineside("holds", "list", *words(server), "--lot", "L5").out
    dismissed = lineside("proposals", "dismiss", second[0], *words(server))
    assert (dismissed.code, dismissed.err) == (0, f"proposal {second[0]} is dismissed\n")
    again = lineside("proposals", "approve", second[0], *words(server))
    assert (again.code, "was dismissed by test quality" in again.err) == (1, True)
    assert lineside("proposals", "list", *words(server)).out == ""
