"""`lineside delivery` against a running server and a real receiver."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lineside.serving.security import Role
from live_server import LiveServer, live_server

Lineside = Callable[..., Any]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with one sink that parked its second event and stands at its third."""
    with live_server(tmp_path_factory.mktemp("server")) as server:
        for number in range(4):
            server.put_station(f"aoi-{number}").raise_for_status()
        described = {"kind": "webhook", "proof": "acknowledged", "from": "beginning"}
        own = server.authorization(Role.DELIVERY)
        server.http.put("/v1/delivery/mes", json=described, headers=own).raise_for_status()
        yield server


@pytest.fixture(autouse=True)
def _reported(server: LiveServer) -> None:
    """The sink stands as every test expects it to."""
    trouble = {
        "reason": "401 Unauthorized",
        "since": NOW.isoformat(),
        "attempts": 3,
        "next_try_at": NOW.isoformat(),
        "what_to_do": "compare the secrets",
    }
    report = {
        "sink": "mes",
        "epoch": 0,
        "position": 3,
        "delivered": 2,
        "state": "person_needed",
        "trouble": trouble,
        "settlements": [{"sequence": 2, "outcome": "parked", "reason": "cannot read that", "attempts": 1}],
    }
    answer = server.http.post("/v1/delivery/reports", json=report, headers=server.authorization(Role.DELIVERY))
    answer.raise_for_status()


def run(lineside: Lineside, server: LiveServer, *words: object) -> Any:
    return lineside("delivery", *words, "--server", server.url, "--api-key", server.keys[Role.QUALITY])


def test_status_shows_each_sink_and_what_to_do(
    lineside: Lineside, server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.services.delivery.supervisor, "sink_names", frozenset({"mes"}))  # the file names it
    ran = run(lineside, server, "status")
    assert ran.code == 0
    assert ran.out.split("\t")[:3] == ["mes", "webhook", "acknowledged"]
    assert "mes: tried again by itself at 20" in ran.err
    assert "mes: to do: compare the secrets" in ran.err
    found = json.loads(run(lineside, server, "status", "--json").out)
    assert found["items"][0]["parked"] == 1


def test_parked_events_are_listed_with_the_reason(lineside: Lineside, server: LiveServer) -> None:
    ran = run(lineside, server, "parked", "mes")
    assert ran.out.startswith("2\t")
    assert ran.out.rstrip().endswith("cannot read that")


def test_what_is_parked_is_sent_again(lineside: Lineside, server: LiveServer) -> None:
    assert json.loads(run(lineside, server, "resend", "mes", "--parked", "--json").out)["events"] == 1
    ran = run(lineside, server, "resend", "mes", "--sequence", 1, "--sequence", 2)
    assert (ran.code, ran.err.splitlines()[-1].split(";")[0]) == (0, "2 events go to mes again")


def test_an_event_is_skipped_with_a_reason(lineside: Lineside, server: LiveServer) -> None:
    ran = run(lineside, server, "skip", "mes", "--sequence", 4, "--reason", "a test part")
    assert (ran.code, ran.err) == (0, "1 events are skipped for mes\n")
    refused = run(lineside, server, "skip", "mes", "--sequence", 3, "--reason", "a test part")
    assert refused.code == 1
    assert "only parked and waiting events can be skipped" in refused.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("resend", "mes"), 2, "give one of"),
        (("resend", "mes", "--parked", "--from", 1), 2, "give one of"),
        (("resend", "mes", "--since", "yesterday"), 1, "expected an instant with its offset"),
        (("resend", "mes", "--since", "2026-05-04T06:00:00"), 1, "expected an instant with its offset"),
        (("resend", "fax", "--parked"), 1, "no sink 'fax' ever delivered here; known: mes"),
    ],
)
def test_orders_that_make_no_sense_are_refused(
    lineside: Lineside, server: LiveServer, words: tuple[object, ...], code: int, says: str
) -> None:
    ran = run(lineside, server, *words)
    assert ran.code == code
    assert says in ran.err


def test_reconcile_names_the_gaps_and_ends_with_1(lineside: Lineside, server: LiveServer) -> None:
    period = ("--from", (NOW - timedelta(hours=1)).isoformat(), "--to", (NOW + timedelta(hours=1)).isoformat())
    ran = run(lineside, server, "reconcile", *period)
    assert ran.code == 1
    assert "0 attempts, 0 frames, 0 verdicts, 0 events" in ran.err
    assert "waiting at mes" in ran.err
    before = ("--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z")
    assert run(lineside, server, "reconcile", *before).code == 0


def test_check_reads_the_file_and_tries_each_sink(lineside: Lineside, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("whsec_" + base64.b64encode(b"k" * 32).decode())
    file = tmp_path / "delivery.yaml"
    file.write_text(
        "schema: lineside.delivery/1\nsinks:\n"
        '  - {name: away, kind: webhook, url: "http://127.0.0.1:1/", secret_files: [secret]}\n'
        '  - {name: bare, kind: webhook, url: "http://127.0.0.1:1/", secret_files: [none]}\n'
    )
    ran = lineside("delivery", "check", file, "--data", tmp_path / "data", "--json")
    found = {each["sink"]: each["problem"] for each in json.loads(ran.out)}
    assert ran.code == 1
    assert found["away"] is not None
    assert "none" in found["bare"]
    assert not (tmp_path / "data").exists()
    read_only = lineside("delivery", "check", file, "--data", tmp_path / "data", "--no-connect", "--json")
    assert json.loads(read_only.out)[0]["problem"] is None
    file.write_text("schema: lineside.delivery/1\n")
    refused = lineside("delivery", "check", file)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "sinks: required, but not there" in refused.err
