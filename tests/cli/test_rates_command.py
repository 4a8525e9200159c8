"""`lineside rates` and `lineside known-parts` against a running server."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blob_detector import TinyRelease
from lineside.cli.rates import ByName, RecallName
from lineside.serving.rates.priors import RecallBelief
from lineside.serving.rates.schemas import IntervalOut, ProcessOut
from lineside.serving.rates.service import By
from lineside.serving.security import Role
from lineside.workflows.rating import process_text
from live_server import LiveServer, live_server
from plant import RECIPE, bad_board, good_board

Lineside = Callable[..., Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    (tmp_path / "releases").mkdir()
    TinyRelease().write(tmp_path / "releases" / "blobs")
    with live_server(tmp_path, unsigned_releases=True) as server:
        server.put_recipe("board", RECIPE).raise_for_status()
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield server


def test_the_names_of_the_command_are_those_of_the_server() -> None:
    assert [name.value for name in ByName] == [by.value for by in By]
    assert [name.value for name in RecallName] == [recall.value for recall in RecallBelief]


def test_rates_are_a_table_a_page_a_figure_and_json(server: LiveServer, lineside: Lineside, tmp_path: Path) -> None:
    for number in range(6):
        body = bad_board(number) if number % 3 == 0 else good_board(number)
        server.post(body, part_id=f"P-{number}").raise_for_status()
    words = ("--server", server.url, "--api-key", server.keys[Role.VIEWER])
    page, figure = tmp_path / "rates.html", tmp_path / "rates.svg"
    _until_counted(server, lineside, words, parts=6)
    table = lineside("rates", *words, "--by", "product", "--html", str(page), "--out", str(figure))
    assert table.code == 0, table.err
    lines = [line.split("\t") for line in table.out.splitlines() if "\t" in line]
    assert [(line[0], line[1]) for line in lines] == [("BRD", "6"), ("all", "6")]
    assert "detector rate" in page.read_text("utf-8").lower()
    assert figure.read_text("utf-8").lstrip().startswith("<?xml")
    refused = lineside("rates", *words, "--bucket", "fortnight")
    assert (refused.code, "expected hour, shift, day" in refused.err) == (1, True)


def test_what_lots_say_of_lots_to_come_is_one_line() -> None:
    share = IntervalOut(events=6, units=40, estimate=0.15, lower=0.0, upper=0.9, confidence=0.95)
    said = process_text(ProcessOut(escape_share=share, design_effect=7.3, effective_units=5.5, lots=2))
    assert "15 % (0 % to 90 %) from 40 reads of 2 lots, design effect 7.3" in said


def test_a_known_part_leaves_the_rates(server: LiveServer, lineside: Lineside) -> None:
    words = ("--server", server.url, "--api-key", server.keys[Role.QUALITY])
    server.post(bad_board(1), part_id="rabbit").raise_for_status()
    server.post(good_board(2), part_id="P-1").raise_for_status()
    said = lineside("known-parts", "put", "rabbit", "defective", "--class", "short", "--note", "sample 7", *words)
    assert "part rabbit is known to be defective" in said.err
    _until_counted(server, lineside, words, parts=1)
    listed = [line for line in lineside("known-parts", "list", *words).out.splitlines() if "\t" in line]
    assert listed == ["rabbit\tdefective\tshort\t-\tsample 7"]
    good = lineside("known-parts", "put", "rabbit", "good", "--class", "short", *words)
    assert (good.code, "good part has no defect classes" in good.err) == (1, True)


def _until_counted(server: LiveServer, lineside: Lineside, words: tuple[str, ...], *, parts: int) -> None:
    """Wait until the cells hold everything in the log: the server counts on its own."""
    last = server.event_count()
    for _ in range(300):
        answer = json.loads(_document(lineside("rates", *words, "--json").out))
        if answer["as_of_sequence"] >= last and not answer["rebuilding"]:
            assert answer["total"]["inspected"] == parts
            return
        time.sleep(0.1)
    raise AssertionError(f"the cells stand at event {answer['as_of_sequence']} of {last}")


def _document(out: str) -> str:
    """The JSON document of an output that may begin with lines of the server's log."""
    return out[out.index("\n{\n") + 1 :] if not out.startswith("{") else out
