"""The process that answers what-if questions: it is gone in any case, and each of its ends is told by name."""

import asyncio
import multiprocessing
from datetime import timedelta
from pathlib import Path

import pytest

from lineside.serving.clock import SystemClock
from lineside.serving.errors import ScenarioRefused
from lineside.serving.ledger import Ledger
from lineside.serving.twin.line_model import Change, Costs
from lineside.serving.twin.scenarios.asked import Asked, Option
from lineside.serving.twin.scenarios.errors import ScenarioAborted
from lineside.serving.twin.scenarios.worker import answer_in_process
from twin_history import START

pytestmark = pytest.mark.system

ASKED = Asked(
    station="aoi-1",
    product=None,
    learn_from=START,
    period_from=START + timedelta(hours=2),
    period_to=START + timedelta(hours=3),
    stations=None,
    rework_places=None,
    handling_s=0.0,
    late_after_s=None,
    options={"two": Option(Change(stations=2))},
    costs=Costs(scrap=1.0),
    draws=5,
    replications=2,
    confidence=0.95,
    seed=1,
    is_simulated=False,
)


@pytest.fixture
def ledger_url(tmp_path: Path) -> str:
    """An empty ledger."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    Ledger.open(url, plant="plant-1", clock=SystemClock()).close()
    return url


def _processes() -> list[multiprocessing.process.BaseProcess]:
    return [process for process in multiprocessing.active_children() if process.name == "what-if"]


async def _begun() -> multiprocessing.process.BaseProcess:
    while not (found := _processes()):  # noqa: ASYNC110 - processes set no event
        await asyncio.sleep(0)
    return found[0]


def test_a_refusal_comes_from_the_process_by_name(ledger_url: str) -> None:
    with pytest.raises(ScenarioRefused, match="0 parts came to station 'aoi-1'"):
        asyncio.run(answer_in_process(ASKED, ledger_url=ledger_url, plant="plant-1"))
    assert not _processes()


def test_what_takes_too_long_is_ended(ledger_url: str) -> None:
    with pytest.raises(ScenarioRefused, match=r"no answer within 0\.001 s"):
        asyncio.run(answer_in_process(ASKED, ledger_url=ledger_url, plant="plant-1", longest_s=0.001))
    assert not _processes()


def test_a_process_that_was_killed_is_not_taken_for_one_that_was_slow(ledger_url: str) -> None:
    async def killed() -> None:
        answering = asyncio.create_task(answer_in_process(ASKED, ledger_url=ledger_url, plant="plant-1"))
        (await _begun()).kill()
        await answering

    with pytest.raises(ScenarioAborted, match="ended without an answer"):
        asyncio.run(killed())
    assert not _processes()


def test_whoever_stops_waiting_leaves_no_process_behind(ledger_url: str) -> None:
    async def stopped() -> None:
        answering = asyncio.create_task(answer_in_process(ASKED, ledger_url=ledger_url, plant="plant-1"))
        await _begun()
        answering.cancel()
        await answering

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
    assert not _processes()
