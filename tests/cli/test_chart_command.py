"""`lineside chart` against a running server."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import cv2
import pytest

from lineside.cli.chart import CountedName, KindName, RuleSetName
from lineside.serving.charts.schemas import ChartChoice, Counted
from lineside.serving.charts.schemas import RuleSetName as ServedRuleSet
from lineside.serving.rates.projection import read_position
from lineside.serving.security import Role
from live_server import LiveServer, live_server
from plant import RECIPE, bad_board, good_board

Lineside = Callable[..., Any]


@dataclass(frozen=True)
class Charted:
    """A server that has judged ten parts, two of them NG and confirmed.

    Attributes:
        server: it.
        words: how the command reaches it.
    """

    server: LiveServer
    words: tuple[str, ...]


@pytest.fixture(scope="module")
def charted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charted]:
    with live_server(tmp_path_factory.mktemp("plant")) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        for number in range(10):
            board = bad_board if number in {3, 7} else good_board
            answer = server.post(board(number), f"P{number}").json()
            if answer["verdict"] == "NG":
                said = {"kind": "confirmed", "source": "operator", "reviewer": "Kim", "at": answer["judged_at"]}
                path = f"/v1/inspections/{answer['id']}/reviews"
                server.http.post(path, json=said, headers=server.authorization()).raise_for_status()
        yield Charted(server, ("--server", server.url, "--api-key", server.keys[Role.VIEWER]))


def wait_for_cells(charted: Charted) -> None:
    """Follow the ledger to its end: the projector runs on the server's own loop, as in a plant."""
    services = charted.server.services
    for _ in range(2000):
        position = services.ledger.read_blocking(lambda connection: read_position(connection, services.settings.plant))
        if position is not None and position.sequence >= services.ledger.last_sequence:
            return
        threading.Event().wait(0.02)
    raise AssertionError("the cells do not follow the ledger")


def test_the_points_are_printed_and_the_talk_goes_to_stderr(charted: Charted, lineside: Lineside) -> None:
    wait_for_cells(charted)
    ran = lineside("chart", "p", "--station", "aoi-1", "--by", "day", *charted.words)
    assert ran.code == 0, ran.err
    cells = ran.out.splitlines()[-1].split("\t")
    assert (cells[0], cells[2], cells[6], cells[7]) == ("p", "20 %", "2", "10")
    assert "p chart of confirmed defective parts, by production day, phase I" in ran.err


def test_the_json_is_the_servers_answer(charted: Charted, lineside: Lineside) -> None:
    wait_for_cells(charted)
    ran = lineside("chart", "--by", "day", "--json", *charted.words)
    answer = json.loads(ran.out)
    assert [chart["kind"] for chart in answer["charts"]] == ["p-prime", "ewma"]
    assert answer["charts"][0]["points"][-1]["count"] == 2


@pytest.mark.parametrize("name", ["chart.svg", "chart.png"])
def test_a_figure_is_written(charted: Charted, lineside: Lineside, tmp_path: Path, name: str) -> None:
    ran = lineside("chart", "p", "--by", "day", "--out", tmp_path / name, *charted.words)
    assert ran.code == 0, ran.err
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"<?xml") or cv2.imread(str(tmp_path / name)) is not None


def test_a_page_is_written_that_names_chart_points_and_notes(
    charted: Charted, lineside: Lineside, tmp_path: Path
) -> None:
    wait_for_cells(charted)
    page = tmp_path / "chart.html"
    ran = lineside("chart", "p", "--station", "aoi-1", "--by", "day", "--html", page, *charted.words)
    assert ran.code == 0, ran.err
    text = page.read_text("utf-8")
    assert "Control chart of station aoi-1" in text
    assert "p chart of confirmed defective parts, by production day" in text
    assert "limits estimated from these points (phase I)" in text
    assert ">20 %<" in text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(("p", "--station", "none"), "no station 'none'", id="a station that is not there"),
        pytest.param(("p", "--by", "week"), "by", id="windows that are not there"),
        pytest.param(("g-r", "--counted", "detector"), "confirmed defective parts", id="gaps of the detector's calls"),
        pytest.param(("p", "--by", "day", "--out", "chart.jpg"), "ends in .svg or .png", id="a figure of another kind"),
    ],
)
def test_a_refusal_is_one_line_and_ends_with_1(
    charted: Charted,
    lineside: Lineside,
    words: tuple[str, ...],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = lineside("chart", *words, *charted.words)
    assert (ran.code, ran.out) == (1, "")
    assert expected in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_command_offers_what_the_server_has() -> None:
    assert {each.value for each in KindName} == {each.value for each in ChartChoice}
    assert {each.value for each in CountedName} == {each.value for each in Counted}
    assert {each.value for each in RuleSetName} == set(get_args(ServedRuleSet))
