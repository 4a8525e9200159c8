"""`lineside twin whatif` against a server in a process of its own, whose ledger has a past."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from lineside.serving.clock import SystemClock
from lineside.serving.ledger import Ledger
from lineside.serving.security import Role
from lineside.serving.settings import Settings
from lineside_process import make_key, serving
from twin_history import Past, write_past

pytestmark = pytest.mark.system

Lineside = Callable[..., Any]

PAST = Past(hours=2.0, per_hour=400.0, defective=0.3, audit=1.0)
QUESTION = """\
costs: {escape: 500, false_call: 0.5, rework: 2}
draws: 20
period_hours: 0.7
learn_hours: 1.3
options: [{name: stricter, threshold: 0.3}]
"""


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """What every call begins with: server, key, station, and a file of the question."""
    data = tmp_path_factory.mktemp("whatif") / "data"
    data.mkdir()
    settings = Settings(data_dir=data)
    with Ledger.open(settings.ledger_url, plant=settings.plant, clock=SystemClock()) as ledger:
        ended = write_past(ledger, PAST, start=SystemClock().now() - timedelta(hours=PAST.hours))
    with serving(data, "--no-page") as url:
        _, admin = make_key(data, Role.ADMIN)
        _, quality = make_key(data, Role.QUALITY)
        headers = {"Authorization": f"Bearer {admin}"}
        answer = httpx.put(f"{url}/v1/stations/aoi-1", json={"name": "AOI 1"}, headers=headers, trust_env=False)
        assert answer.status_code < 300, answer.text
        question = data / "question.yaml"
        question.write_text(f"{QUESTION}to: {ended.isoformat()}\n")
        yield ("--server", url, "--api-key", quality, "--station", "aoi-1", "--question", str(question))


def test_options_are_ranked_in_a_table(asking: tuple[str, ...], lineside: Lineside) -> None:
    ran = lineside("twin", "whatif", *asking, "--stations", 4, "--scrap", 5)
    assert ran.code == 0, ran.err
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert [row[:3] for row in rows] == [["1", "stricter", "cheaper"], ["2", "4 stations", "not_shown"]]
    assert "The model reproduces" in ran.err
    assert "last period, ng_rate:" in ran.err


def test_json_is_the_apis_and_the_same_seed_gives_the_same(asking: tuple[str, ...], lineside: Lineside) -> None:
    first, again = (json.loads(lineside("twin", "whatif", *asking, "--seed", 7, "--json").out) for _ in range(2))
    assert first["state"] == "done"
    assert first["question"]["seed"] == 7
    assert first["result"]["options"][0]["name"] == "stricter"
    assert first["id"] != again["id"]
    assert first["result"] == again["result"]


def test_what_cannot_be_answered_is_one_line(asking: tuple[str, ...], lineside: Lineside, tmp_path: Path) -> None:
    ran = lineside("twin", "whatif", *asking, "--product", "NOTHING")
    assert ran.code == 1
    assert "was refused: 0 parts came" in ran.err
    ran = lineside("twin", "whatif", *asking, "--pace", -1)
    assert ran.code == 1
    assert "options.1.pace" in ran.err
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("- a list\n")
    ran = lineside("twin", "whatif", *asking[:-1], str(wrong))
    assert (ran.code, len(ran.err.splitlines())) == (1, 1)
    assert "expected keys with values" in ran.err
    for text, said in (("costs: 5\n", "costs in the file is 5; expected"), ("options: {a: 1}\n", "expected a list")):
        wrong.write_text(text)
        ran = lineside("twin", "whatif", *asking[:-1], str(wrong))
        assert (ran.code, len(ran.err.splitlines())) == (1, 1)
        assert said in ran.err
    wrong.write_text("costs:\noptions:\n")  # empty: as if the file did not name them
    ran = lineside("twin", "whatif", *asking[:-1], str(wrong))
    assert ran.code == 1
    assert "costs: Value error, nothing costs anything" in ran.err, ran.err
