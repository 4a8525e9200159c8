"""Any order of holding, releasing, proposing, deciding and restarting leaves what a few dictionaries say."""

import asyncio
import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import ManualClock
from lineside.serving.errors import HoldReleased, ProposalDecided
from lineside.serving.holds import HoldBook, HoldState
from lineside.serving.images import ImageStore
from lineside.serving.ledger import Ledger
from lineside.serving.proposals import ProposalBook, ProposalState
from lineside.serving.proposals.carrying_out import Hands
from lineside.serving.proposals.schemas import ApprovalIn
from lineside.serving.recipes import RecipeBook
from lineside.serving.releases import PackageStore, ReleaseShelf, TrustFile
from lineside.serving.stations import OrderBook, StationDirectory, StationIn

STATIONS = ("aoi-1", "aoi-2")
TARGETS = (*({"station": name} for name in STATIONS), *({"lot": name} for name in ("L1", "L2")))
NAMES = st.sampled_from(["ann", "bob"])
PLANTS = itertools.count()


class Books:
    """The books of one run of the server."""

    def __init__(self, url: str, folder: Path, plant: str, clock: ManualClock) -> None:
        self.runner = asyncio.Runner()
        self.ledger = Ledger.open(url, plant=plant, clock=clock)
        self.stations, self.holds, self.proposals = self.runner.run(self._open(folder, clock))

    async def _open(self, folder: Path, clock: ManualClock) -> tuple[StationDirectory, HoldBook, ProposalBook]:
        trust = TrustFile(None)
        releases = ReleaseShelf(
            folder,
            packages=PackageStore(folder, trust=trust, clock=clock),
            trust=trust,
            takes_unsigned=True,
            clock=clock,
            engine="onnxruntime-fp32",
            threads=1,
            cache_dir=folder,
        )
        recipes = await RecipeBook.open(
            self.ledger,
            images=ImageStore(folder),
            catalogues=await CatalogueShelf.open(self.ledger, clock=clock),
            releases=releases,
            clock=clock,
        )
        stations = await StationDirectory.open(self.ledger, recipes=recipes, clock=clock)
        holds = await HoldBook.open(self.ledger, stations=stations)
        orders = await OrderBook.open(self.ledger, stations=stations)
        hands = Hands(
            holds=holds,
            stations=stations,
            orders=orders,
            recipes=recipes,
            judged_by=lambda _recipe: (),
            prepare=_nothing_to_load,
        )
        return stations, holds, ProposalBook(self.ledger, hands=hands)

    def close(self) -> None:
        self.runner.close()
        self.ledger.close()


async def _nothing_to_load(recipe_id: str, version: int, *, line: str) -> None:
    """No recipe is used here."""


class HoldMachine(RuleBasedStateMachine):
    """The books against plain dictionaries."""

    url: str
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(datetime(2026, 3, 2, 6, 0, tzinfo=UTC))
        self.plant = f"plant-{next(PLANTS)}"
        self.held: dict[str, Mapping[str, str]] = {}
        self.released: dict[str, tuple[str, str]] = {}
        self.open: dict[str, Mapping[str, Any]] = {}
        self.decided: dict[str, tuple[ProposalState, str | None, str]] = {}
        self.books = Books(self.url, self.folder, self.plant, self.clock)
        for station in STATIONS:
            self.wait(self.books.stations.put(station, StationIn(name=station), changed_by="ann"))

    def wait(self, coroutine: Any) -> Any:
        return self.books.runner.run(coroutine)

    def teardown(self) -> None:
        self.books.close()

    @rule(held=st.sampled_from(TARGETS), by=NAMES)
    def hold(self, held: Mapping[str, str], by: str) -> None:
        hold = self.wait(self.books.holds.hold(**held, reason="r", by=by, evidence=[{"n": 1}]))
        self._was_held(hold.id, held)

    def _was_held(self, hold_id: str, target: Mapping[str, str]) -> None:
        known = [each for each, what in self.held.items() if what == target]
        assert known in ([], [hold_id])
        self.held[hold_id] = target

    @rule(data=st.data(), reason=st.sampled_from(["one", "two"]), by=NAMES)
    def release(self, data: st.DataObject, reason: str, by: str) -> None:
        known = sorted({*self.held, *self.released})
        if not known:
            return
        hold_id = data.draw(st.sampled_from(known))
        releasing = self.books.holds.release(hold_id, reason=reason, by=by)
        if hold_id in self.held or self.released[hold_id] == (reason, by):
            assert self.wait(releasing).state is HoldState.RELEASED
            self.held.pop(hold_id, None)
            self.released[hold_id] = (reason, by)
        else:
            with pytest.raises(HoldReleased):
                self.wait(releasing)

    @rule(held=st.sampled_from(TARGETS), by=NAMES)
    def propose_hold(self, held: Mapping[str, str], by: str) -> None:
        self._propose("hold", held, by)

    @rule(station=st.sampled_from(STATIONS), by=NAMES)
    def propose_station(self, station: str, by: str) -> None:
        self._propose("second_station", {"station": station}, by)

    def _propose(self, kind: str, change: Mapping[str, str], by: str) -> None:
        made = self.wait(self.books.proposals.propose(kind=kind, change=change, reason="r", by=by))
        content = {"kind": kind, **change}
        known = [each for each, what in self.open.items() if what == content]
        assert known in ([], [made.id])
        self.open[made.id] = content

    @rule(
        data=st.data(),
        state=st.sampled_from([ProposalState.APPROVED, ProposalState.DISMISSED]),
        note=st.sampled_from([None, "n"]),
        by=NAMES,
    )
    def decide(self, data: st.DataObject, state: ProposalState, note: str | None, by: str) -> None:
        known = sorted({*self.open, *self.decided})
        if not known:
            return
        proposal_id = data.draw(st.sampled_from(known))
        proposals = self.books.proposals
        if state is ProposalState.APPROVED:
            deciding = proposals.approve(proposal_id, ApprovalIn(note=note), by=by)
        else:
            deciding = proposals.dismiss(proposal_id, note=note, by=by)
        if proposal_id in self.open:
            decided = self.wait(deciding)
            content = dict(self.open.pop(proposal_id))
            if content.pop("kind") == "hold" and state is ProposalState.APPROVED:
                self._was_held(decided.outcome["hold_id"], content)
            self.decided[proposal_id] = (state, note, by)
        elif self.decided[proposal_id] == (state, note, by):
            assert self.wait(deciding).state is state
        else:
            with pytest.raises(ProposalDecided):
                self.wait(deciding)

    @rule()
    def restart(self) -> None:
        self.books.close()
        self.books = Books(self.url, self.folder, self.plant, self.clock)

    @rule()
    def step_the_clock_back(self) -> None:
        self.clock.set_now(self.clock.now() - timedelta(hours=1))

    @invariant()
    def the_books_say_what_happened(self) -> None:
        standing = self.books.holds.standing()
        assert {hold.id: _target(hold.station, hold.lot) for hold in standing} == self.held
        for station in STATIONS:
            shown = self.books.stations.get(station).hold is not None
            assert shown == ({"station": station} in self.held.values())
        listed = self.wait(self.books.holds.holds(limit=1000))
        assert {hold.id for hold in listed if hold.state is HoldState.HELD} == set(self.held)
        assert {hold.id for hold in listed if hold.state is HoldState.RELEASED} == set(self.released)
        proposals = self.wait(self.books.proposals.proposals(limit=1000))
        assert {each.id for each in proposals if each.state is ProposalState.PROPOSED} == set(self.open)
        assert {
            each.id: (each.state, each.note, each.decided_by)
            for each in proposals
            if each.state is not ProposalState.PROPOSED
        } == self.decided

    @invariant()
    def each_change_was_told_once(self) -> None:
        told = [event for event in self.wait(self.books.ledger.events_after(0)) if event.type == "hold.v1"]
        assert sorted((event.data["hold_id"], event.data["state"]) for event in told) == sorted(
            [
                *((hold_id, "held") for hold_id in {*self.held, *self.released}),
                *((h, "released") for h in self.released),
            ]
        )


def _target(station: str | None, lot: str | None) -> Mapping[str, str]:
    return {"station": station} if station is not None else {"lot": str(lot)}


@pytest.fixture
def machine(ledger_url: str, tmp_path: Path) -> type[HoldMachine]:
    class Machine(HoldMachine):
        url, folder = ledger_url, tmp_path

    return Machine


def test_holds_and_proposals_are_what_was_said_of_them(machine: type[HoldMachine]) -> None:
    quick = settings(
        max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(machine, settings=quick)
