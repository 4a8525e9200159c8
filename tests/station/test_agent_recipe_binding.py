"""A part is judged by the recipe that was in force at its trigger, by whomever, or not at all."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from cut_line import cut_line
from in_a_loop import in_a_loop
from lineside.client import LinesideClient
from lineside.client.clock import Clock, ManualClock, SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from lineside.station.agent.errors import NotJudged
from lineside.station.agent.judging import FailoverRule, Judges
from lineside.station.agent.making import Making
from lineside.station.agent.parts import TakenPart
from lineside.station.agent.server_judge import ServerJudge
from lineside.station.agent.server_watch import ServerWatch
from lineside.station.agent.upkeep import Upkeep
from lineside.station.agent.workers import Workers
from lineside.station.machine import Changeover, DeploymentNotReady, DeploymentReady, Happening
from lineside.station.own_engine import EngineSettings, OwnEngine
from lineside.station.rig import Lane
from lineside.station.rig.line.truth import LineTruth
from lineside.station.spool import Spool, StationJudgement
from live_server import LiveServer
from plant import RECIPE, good_board
from running_station import running
from signing import TestKeys
from spooled_parts import Parts, a_view
from station_scene import SIMULATED, StationScene, deployed_server

_CLOCK: Final = SystemClock()
_IDS: Final = IdentifierSource(_CLOCK)
_ENCODERS: Final = count(1000, 1000)
_LID: Final = RECIPE.replace("id: board", "id: lid").replace("product: BRD", "product: LID")


@pytest.fixture(scope="module")
def keys() -> TestKeys:
    return TestKeys()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, keys: TestKeys) -> Iterator[LiveServer]:
    with deployed_server(tmp_path_factory.mktemp("binding"), keys) as live:
        live.put_recipe("lid", _LID).raise_for_status()
        yield live


@pytest.fixture
def server(plant: LiveServer) -> LiveServer:
    """Every test begins with the board."""
    order(plant, "BRD")
    return plant


def order(server: LiveServer, product: str, effective: Mapping[str, str | int] = MappingProxyType({})) -> None:
    """Give the station an order that begins at once, or as is said."""
    said = {
        "order_id": str(_IDS.uuid7()),
        "product": product,
        "lot": f"lot of {product}",
        "effective": {"from": "now", **effective},
    }
    answer = server.http.put("/v1/stations/aoi-1/order", json=said, headers=server.authorization())
    answer.raise_for_status()


@dataclass
class Line(httpx.AsyncBaseTransport):
    """The way to the server, which can be gone, or be too thin for a release."""

    is_cut: bool = False
    takes_releases: bool = True
    garbles_kits: bool = False
    kits: int = 0

    def __post_init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.is_cut or ("/kit/releases/" in request.url.path and not self.takes_releases):
            return httpx.Response(503, headers={"retry-after": "60"}, request=request)  # so that nobody waits
        answer = await self._inner.handle_async_request(request)
        is_kit = request.url.path.endswith("/kit")
        self.kits += is_kit
        if is_kit and self.garbles_kits:
            said = {**json.loads(await answer.aread()), "recipe": "views: none"}
            return httpx.Response(200, json=said, request=request)
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class Station:
    """What a station keeps up to date, and its judges, without cameras and PLC."""

    upkeep: Upkeep
    judges: Judges
    own: OwnEngine
    line: Line
    happened: list[Happening] = field(default_factory=list)

    async def go_away(self) -> None:
        """The server is gone, and the station has noticed."""
        self.line.is_cut = True
        await self.upkeep.refresh()

    def trigger(self, number: int, part_id: str | None = None, *, encoder: int = 0) -> TakenPart:
        """A part with its picture, bound to what is made."""
        seen_s, name = _CLOCK.monotonic(), part_id or f"P-{_IDS.uuid7()}"
        bound = self.upkeep.bind(encoder=encoder, seen_s=seen_s)
        return TakenPart(
            str(_IDS.uuid7()),
            number,
            name,
            encoder,
            datetime.now(UTC),
            {"default": a_view(good_board(number))},
            self.upkeep.bind(encoder=encoder, seen_s=seen_s, part_id=name, bound=bound),
        )

    async def verdict(self, part: TakenPart) -> Verdict:
        """What a part gets, by whomever."""

        async def write_down() -> None:
            return

        try:
            found = await self.judges.judge(part, until_s=_CLOCK.monotonic() + 20, before_asking=write_down)
        except NotJudged:
            return Verdict.NOT_INSPECTED
        return found.verdict


@asynccontextmanager
async def a_station(
    server: LiveServer, keys: TestKeys, folder: Path, *, wall: Clock = _CLOCK, taken: Collection[str] = ()
) -> AsyncIterator[Station]:
    """A station that has asked its server once; `taken` stand in its spool."""
    line, watch, happened = Line(), ServerWatch(clock=_CLOCK), list[Happening]()
    own = OwnEngine(
        folder / "own",
        station="aoi-1",
        trust_file=keys.write_trust(folder / "trust.json"),
        settings=EngineSettings(engine="onnxruntime-fp32"),
        clock=wall,
    )
    key = server.keys[Role.STATION]
    async with LinesideClient(server.url, key, timeout_s=5, transport=line) as client:
        with Workers() as workers, Spool(folder / "spool", station="aoi-1", clock=_CLOCK) as spool:
            for name in taken:
                spool.record_trigger(Parts().trigger(name))
            upkeep = Upkeep(
                client,
                "aoi-1",
                own=own,
                watch=watch,
                workers=workers,
                views={"default"},
                clock=_CLOCK,
                has_part=spool.has_part,
                happen=happened.append,
                carry_out=lambda _: None,
            )
            judges = Judges(
                server=ServerJudge(client, "aoi-1", _CLOCK),
                watch=watch,
                own=own,
                rule=FailoverRule(judges_itself=True, reserve_s=1.0),
                clock=_CLOCK,
                workers=workers,
                on_away=upkeep.tell,
                on_other_recipe=upkeep.hurry,
            )
            await upkeep.load_kept()
            await upkeep.refresh()
            try:
                yield Station(upkeep, judges, own, line, happened)
            finally:
                own.close()


@in_a_loop
async def test_with_the_server_away_the_kit_judges_what_it_is_for(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    async with a_station(server, keys, tmp_path) as station:
        await station.go_away()
        assert station.happened[-1:] == [DeploymentReady()]
        assert await station.verdict(station.trigger(1)) is Verdict.OK


@in_a_loop
async def test_a_kit_that_cannot_be_used_is_forgotten_when_the_one_before_comes_back(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    async with a_station(server, keys, tmp_path) as station:
        station.line.garbles_kits = True
        await station.upkeep.refresh()
        assert "the server's kit cannot be used" in str(station.happened[-1])
        station.line.garbles_kits = False
        await station.upkeep.refresh()
        assert station.happened[-1] == DeploymentReady()


@in_a_loop
async def test_a_kit_of_the_recipe_before_judges_no_part_of_the_next_order(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    async with a_station(server, keys, tmp_path) as station:
        before = station.trigger(1)
        station.line.takes_releases = False
        order(server, "LID")
        await station.upkeep.refresh()
        assert Changeover("LID") in station.happened
        assert not any(isinstance(each, DeploymentNotReady) for each in station.happened)  # the server judges
        await station.go_away()
        assert isinstance(station.happened[-1], DeploymentNotReady)
        assert "its kit is for product 'BRD'" in str(station.happened[-1])
        assert await station.verdict(station.trigger(2)) is Verdict.NOT_INSPECTED
        assert await station.verdict(before) is Verdict.OK  # triggered under the kit's own recipe


@in_a_loop
async def test_a_restart_does_not_bring_the_recipe_before_back(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    async with a_station(server, keys, tmp_path) as station:
        station.line.takes_releases = False
        order(server, "LID")
        await station.upkeep.refresh()
    again = OwnEngine(tmp_path / "own", station="aoi-1", trust_file=tmp_path / "trust.json")
    with pytest.raises(LookupError, match="no kit"):
        again.load_kept()


@in_a_loop
async def test_a_part_from_before_the_changeover_is_not_judged_by_the_next_recipe(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    async with a_station(server, keys, tmp_path) as station:
        before = station.trigger(1)
        order(server, "LID")
        await station.upkeep.refresh()
        await station.go_away()
        assert station.happened[-1] == Changeover("LID")
        assert await station.verdict(before) is Verdict.NOT_INSPECTED
        assert await station.verdict(station.trigger(2)) is Verdict.OK


@in_a_loop
async def test_the_own_engine_itself_judges_by_no_other_recipe(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    """The kit may change between the question whether it may judge and the judging."""
    async with a_station(server, keys, tmp_path) as station:
        making = station.upkeep.making
        views = {"default": a_view(good_board(1))}

        def judged(making: Making) -> StationJudgement:
            return station.own.judge(views, context=making.context, recipe=making.recipe)

        none = judged(Making(making.context))  # the order is removed: no recipe, no views, no verdict
        assert (none.verdict, none.recipe) == (Verdict.NOT_INSPECTED, None)
        order(server, "LID")
        await station.upkeep.refresh()
        other = await asyncio.to_thread(judged, making)
        assert other.verdict is Verdict.NOT_INSPECTED
        assert "its kit is for product 'LID'" in other.reasons[0].message
        assert judged(station.upkeep.making).verdict is Verdict.OK


@in_a_loop
async def test_the_first_parts_of_an_order_that_the_station_has_not_heard_of_do_not_pass_without_masters(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    """The server is asked about a part before the station asks what is made: only then masters come due."""
    async with a_station(server, keys, tmp_path) as station:
        asking = asyncio.create_task(station.upkeep.run())
        while station.line.kits < 2:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        order(server, "LID")
        assert await station.verdict(station.trigger(1)) is Verdict.NOT_INSPECTED
        while Changeover("LID") not in station.happened:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        assert await station.verdict(station.trigger(2)) is Verdict.OK
        asking.cancel()


@dataclass(frozen=True)
class Beginning:
    """Where an order begins: with the part of this name, or at this encoder count."""

    effective: dict[str, str | int]
    part_id: str
    encoder: int


@pytest.fixture(params=["part", "encoder"])
def beginning(request: pytest.FixtureRequest) -> Beginning:
    part_id, encoder = f"F-{_IDS.uuid7()}", next(_ENCODERS)
    return Beginning(
        {"from": request.param, "value": part_id if request.param == "part" else encoder}, part_id, encoder
    )


@in_a_loop
async def test_an_order_that_begins_while_the_server_is_away_ends_the_judging_by_the_recipe_before(
    server: LiveServer, keys: TestKeys, tmp_path: Path, beginning: Beginning
) -> None:
    order(server, "LID", beginning.effective)
    async with a_station(server, keys, tmp_path) as station:
        await station.go_away()
        seen_s = _CLOCK.monotonic()
        before, late = station.trigger(1), station.trigger(2)
        assert await station.verdict(before) is Verdict.OK
        first = station.trigger(3, beginning.part_id, encoder=beginning.encoder)
        assert first.making.context.lot == "lot of LID"
        assert station.happened[-2] == Changeover("LID")
        assert isinstance(station.happened[-1], DeploymentNotReady)
        assert await station.verdict(first) is Verdict.NOT_INSPECTED
        assert await station.verdict(station.trigger(4, encoder=beginning.encoder + 1)) is Verdict.NOT_INSPECTED
        assert await station.verdict(late) is Verdict.OK  # triggered before the order began
        named_late = station.upkeep.bind(encoder=0, seen_s=seen_s, part_id="P-late", bound=late.making)
        assert named_late == late.making


@in_a_loop
async def test_an_order_begins_with_its_part_at_station_and_server_alike(
    server: LiveServer, keys: TestKeys, tmp_path: Path, beginning: Beginning
) -> None:
    order(server, "LID", beginning.effective)
    async with a_station(server, keys, tmp_path) as station:
        assert await station.verdict(station.trigger(1)) is Verdict.OK
        first = station.trigger(2, beginning.part_id, encoder=beginning.encoder)
        await station.upkeep.refresh()  # the server has not seen it yet, and says what it said before
        assert station.upkeep.making.context.product == "LID"
        assert await station.verdict(first) is Verdict.OK
        await station.upkeep.refresh()
        assert await station.verdict(station.trigger(3, encoder=beginning.encoder + 1)) is Verdict.OK
        assert station.happened.count(Changeover("LID")) == 1


@in_a_loop
async def test_the_next_lot_of_the_same_product_is_judged_and_named_while_the_server_is_away(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    order(server, "BRD", {"from": "part", "value": "F-of-the-lot"})
    async with a_station(server, keys, tmp_path) as station:
        await station.go_away()
        before = station.upkeep.making
        first = station.trigger(1, "F-of-the-lot")
        assert (first.making.recipe, first.making == before) == (before.recipe, False)
        assert await station.verdict(first) is Verdict.OK


@in_a_loop
async def test_a_station_that_starts_without_the_server_does_not_judge_where_an_order_may_have_begun(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    order(server, "LID", {"from": "part", "value": "F-of-the-lids"})
    async with a_station(server, keys, tmp_path):
        pass
    again = OwnEngine(tmp_path / "own", station="aoi-1", trust_file=tmp_path / "trust.json")
    with pytest.raises(LookupError, match="to begin at part 'F-of-the-lids'"):
        again.load_kept()


@in_a_loop
async def test_an_order_whose_first_part_waits_in_the_spool_has_begun(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    """The server says what it knows until that part is handed in; the station was started anew meanwhile."""
    order(server, "LID", {"from": "part", "value": "F-in-the-spool"})
    async with a_station(server, keys, tmp_path, taken={"F-in-the-spool"}) as station:
        assert station.upkeep.making.context.product == "LID"
        assert await station.verdict(station.trigger(1)) is Verdict.NOT_INSPECTED  # the server judges by the board's


@in_a_loop
async def test_an_expiry_that_is_met_while_the_server_is_away_is_remembered(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    wall = ManualClock(datetime.now(UTC))
    async with a_station(server, keys, tmp_path, wall=wall) as station:
        await station.go_away()
        wall.advance(40 * 24 * 3600)
        await station.upkeep.refresh()
        assert "expired" in str(station.happened[-1])
    again = OwnEngine(tmp_path / "own", station="aoi-1", trust_file=tmp_path / "trust.json")
    with pytest.raises(LookupError, match="expired"):  # the clock is right again, and behind what it was
        again.load_kept()


def test_on_the_line_nothing_passes_from_the_ordered_part_on_while_the_server_is_away(
    server: LiveServer, keys: TestKeys, tmp_path: Path
) -> None:
    scene = StationScene(tmp_path, server, keys)
    scene.draw(11, bad_every=100)
    order(server, "LID", {"from": "part", "value": "P000009"})

    async def work() -> LineTruth:
        async with cut_line(urlsplit(server.url).port or 0) as cable:
            url = f"http://127.0.0.1:{cable.port}"
            async with running(scene.write(rig=SIMULATED.format(parts=11, ids="true"), url=url)) as run:
                await run.until_left(1)
                cable.cut()
                await run.until_line_is_empty()
                assert run.station.failure is None
                return run.line.truth

    truth = asyncio.run(work())
    passed = {part.part_id for part in truth.parts if part.lane is Lane.PASS}
    assert passed
    assert passed <= {f"P{number:06}" for number in range(1, 9)}
