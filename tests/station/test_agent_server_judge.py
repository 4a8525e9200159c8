"""The server as a part's judge: all views at once, and no answer but this part's."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from lineside.client import LinesideClient
from lineside.client.clock import SystemClock
from lineside.client.identifiers import IdentifierSource
from lineside.inspection.frames import MediaType
from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.verdict import ReasonCode, Verdict
from lineside.serving.security import Role
from lineside.station.agent.errors import NotJudged, OtherRecipe, ServerAway, WrongAnswer
from lineside.station.agent.making import Making
from lineside.station.agent.parts import TakenPart
from lineside.station.agent.server_judge import ServerJudge
from lineside.station.spool import JudgedView, PartContext, UsedRecipe
from live_server import LiveServer, live_server
from plant import RECIPE, TWO_VIEWS, bad_board, good_board

CLOCK = SystemClock()
IDENTIFIERS = IdentifierSource(CLOCK)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    with live_server(tmp_path_factory.mktemp("judge")) as live:
        live.put_recipe("board", RECIPE).raise_for_status()
        live.put_recipe("sides", TWO_VIEWS.replace("id: board", "id: sides")).raise_for_status()
        live.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()
        yield live


BOARD = Making(PartContext("BRD"), UsedRecipe("board", 1), frozenset({"default"}))
SIDES = Making(PartContext("BRD"), UsedRecipe("sides", 1), frozenset({"top", "bottom"}))


def a_part(part_id: str, making: Making = BOARD, **views: bytes) -> TakenPart:
    """A part whose pictures are PNG files."""
    return TakenPart(
        str(IDENTIFIERS.uuid7()),
        1,
        part_id,
        1000,
        datetime.now(UTC),
        {
            name: JudgedView(
                EncodedFrame(body, MediaType.PNG, hashlib.sha256(body).hexdigest(), name, is_intact=True), 1, None
            )
            for name, body in views.items()
        },
        making,
    )


class Twisting(httpx.AsyncBaseTransport):
    """The way to the real server; what it answers is changed on its way back."""

    def __init__(self, change: Callable[[dict[str, Any]], None]) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = json.loads(await response.aread())
        await response.aclose()
        self._change(content)
        return httpx.Response(response.status_code, json=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


def judged(
    server: LiveServer,
    part: TakenPart,
    *,
    station: str = "aoi-1",
    within_s: float = 20.0,
    transport: httpx.AsyncBaseTransport | None = None,
    url: str | None = None,
) -> tuple[Verdict, str]:
    async def ask() -> tuple[Verdict, str]:
        async with LinesideClient(url or server.url, server.keys[Role.STATION], transport=transport) as client:
            judge = ServerJudge(client, station, CLOCK)
            answer = await judge.judge(part, until_s=CLOCK.monotonic() + within_s)
            return answer.verdict, answer.id

    return asyncio.run(ask())


def test_good_and_bad_parts_get_their_verdicts(server: LiveServer) -> None:
    assert judged(server, a_part("J-1", default=good_board(1)))[0] is Verdict.OK
    assert judged(server, a_part("J-2", default=bad_board(2)))[0] is Verdict.NG


def test_the_same_attempt_asked_again_has_the_same_inspection(server: LiveServer) -> None:
    part = a_part("J-3", default=good_board(3))
    assert judged(server, part) == judged(server, part)


def test_all_views_are_handed_in_and_the_last_brings_the_verdict(server: LiveServer) -> None:
    server.put_station("aoi-1", recipe={"id": "sides", "version": 1}).raise_for_status()
    try:
        assert judged(server, a_part("J-4", SIDES, top=good_board(4), bottom=good_board(5)))[0] is Verdict.OK
        with pytest.raises(WrongAnswer, match="still waits for bottom") as missing:
            judged(server, a_part("J-5", SIDES, top=good_board(6)))
        assert missing.value.code is ReasonCode.MISSING_VIEW
        with pytest.raises(NotJudged, match="refused"):
            judged(server, a_part("J-6", SIDES, left=good_board(7)))
    finally:
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()


def another_part(answer: dict[str, Any]) -> None:
    answer["part_id"] = "J-other"


def another_station(answer: dict[str, Any]) -> None:
    answer["station"] = "aoi-2"


def another_picture(answer: dict[str, Any]) -> None:
    answer["frames"][0]["digest"] = "0" * 64


def no_picture(answer: dict[str, Any]) -> None:
    answer["frames"] = []


@pytest.mark.parametrize("change", [another_part, another_station, another_picture, no_picture])
def test_an_answer_that_is_not_this_parts_is_no_verdict(
    server: LiveServer, change: Callable[[dict[str, Any]], None]
) -> None:
    part = a_part(f"J-{change.__name__}", default=good_board(100 + len(change.__name__)))
    with pytest.raises(WrongAnswer) as wrong:
        judged(server, part, transport=Twisting(change))
    assert wrong.value.code is ReasonCode.STATION_FAULT


@pytest.mark.parametrize(
    "making",
    [
        pytest.param(Making(PartContext("LID"), BOARD.recipe, BOARD.views), id="another product"),
        pytest.param(Making(BOARD.context, UsedRecipe("lid", 1), BOARD.views), id="another recipe"),
        pytest.param(Making(BOARD.context, UsedRecipe("board", 2), BOARD.views), id="another version"),
        pytest.param(Making(), id="none"),
    ],
)
def test_a_verdict_by_another_recipe_than_the_parts_is_none(
    server: LiveServer, making: Making, request: pytest.FixtureRequest
) -> None:
    seed = 200 + len(request.node.name)
    with pytest.raises(OtherRecipe, match="recipe 'board' version 1") as other:
        judged(server, a_part(f"J-{seed}", making, default=good_board(seed)))
    assert other.value.code is ReasonCode.NO_RECIPE


def test_a_server_that_is_not_there_is_away_and_a_key_that_is_not_valid_is_a_refusal(server: LiveServer) -> None:
    with pytest.raises(ServerAway) as away:
        judged(server, a_part("J-9", default=good_board(9)), url="http://127.0.0.1:1", within_s=0.05)
    assert (away.value.code, away.value.may_have_judged) == (ReasonCode.NO_SERVER, True)
    with pytest.raises(ServerAway) as late:
        judged(server, a_part("J-10", default=good_board(9)), within_s=-1.0)
    assert (late.value.code, late.value.may_have_judged) == (ReasonCode.LATE, False)
    with pytest.raises(NotJudged, match="refused") as refused:
        judged(server, a_part("J-11", default=good_board(9)), station="aoi-2")
    assert not isinstance(refused.value, ServerAway)
