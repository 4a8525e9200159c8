"""What waits in a spool reaches a real server in order and counts once, whatever was heard of it before."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from in_a_loop import in_a_loop
from lineside.client import Backoff, LinesideClient, Pace
from lineside.inspection.frames import MediaType
from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from lineside.station.rig import Lane
from lineside.station.spool import (
    AnsweredRecord,
    Forwarder,
    GapKind,
    Spool,
    TriggerRecord,
    interrupted,
    reconcile,
    reconcile_with_server,
    spool_status,
)
from lineside.station.spool.wire import inspection_body
from live_server import LiveServer, live_server
from plant import RECIPE, TWO_VIEWS, bad_board, good_board
from spooled_parts import Parts, a_view

QUICK = Pace(backoff=Backoff(first_s=0.001, longest_s=0.002))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real app over real HTTP, with the blob detector."""
    with live_server(tmp_path_factory.mktemp("spooled")) as live:
        set_up(live)
        yield live


def set_up(live: LiveServer) -> None:
    live.put_recipe("board", RECIPE).raise_for_status()
    live.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def spool(tmp_path: Path, parts: Parts) -> Iterator[Spool]:
    with Spool(tmp_path / "spool", station="aoi-1", clock=parts.clock) as spool:
        yield spool


def a_client(live: LiveServer, role: Role = Role.STATION) -> LinesideClient:
    return LinesideClient(live.url, live.keys[role], timeout_s=20, pace=QUICK)


@asynccontextmanager
async def forwarding(spool: Spool, live: LiveServer) -> AsyncIterator[Forwarder]:
    async with a_client(live) as client:
        yield Forwarder(spool, client, pace=QUICK, idle_s=0.01)


def names(test: str) -> Callable[[int], str]:
    """Part identifiers of one test, so that tests share a server."""
    return lambda number: f"{test}-{number}"


def unique(part_id: str) -> int:
    """A seed of its own for each part's picture."""
    return int(hashlib.sha256(part_id.encode()).hexdigest()[:6], 16)


def asked(spool: Spool, parts: Parts, part_id: str, body: bytes) -> TriggerRecord:
    trigger = parts.trigger(part_id)
    spool.record_trigger(trigger)
    spool.record_asked(parts.asked(trigger, body))
    return trigger


async def server_judges(live: LiveServer, trigger: TriggerRecord, body: bytes) -> str:
    """The server judges a part's picture as the station sends it; gives the inspection that nobody hears of."""
    async with a_client(live) as client:
        answer = await client.inspect(
            body,
            MediaType.PNG,
            station="aoi-1",
            part_id=trigger.part_id or "?",
            idempotency_key=f"{trigger.id}.default",
        )
    return answer.id


def dispositions(live: LiveServer, inspection_id: str) -> list[str]:
    answer = live.http.get(f"/v1/inspections/{inspection_id}", headers=live.authorization())
    assert answer.status_code == 200, answer.text
    return [each["kind"] for each in answer.json()["dispositions"]]


@in_a_loop
async def test_a_stations_own_parts_arrive_with_their_pictures_and_fates(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    name = names("own")
    good = parts.write(spool, Verdict.OK, good_board(unique(name(1))), name(1))
    bad = parts.write(spool, Verdict.NG, bad_board(unique(name(2))), name(2))
    unseen = parts.trigger(name(3))
    spool.record_trigger(unseen)
    spool.record_inspection(parts.judged(unseen, Verdict.NOT_INSPECTED))
    spool.record_disposition(parts.disposed(unseen, Lane.REINSPECT))
    spool.record_report(parts.report())
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
        assert forwarder.state.sent == 7
    found = {row["part_id"]: row for number in (1, 2, 3) for row in server.attempts_of(name(number))}
    assert {part: (row["id"], row["verdict"], row["judged_by"]) for part, row in found.items()} == {
        name(1): (good.id, "OK", "station"),
        name(2): (bad.id, "NG", "station"),
        name(3): (unseen.id, "NOT_INSPECTED", "station"),
    }
    assert [dispositions(server, each.id) for each in (good, bad, unseen)] == [["passed"], ["rejected"], ["set_aside"]]
    async with a_client(server, Role.ADMIN) as client:
        even = await reconcile_with_server(tmp_path / "spool", client)
        assert (await client.station_reports("aoi-1"))[0]["kind"] == "camera_lost"
    assert even.gaps == ()
    assert (even.is_even, even.triggers, even.checked_at_server, even.judged_by) == (True, 3, 3, {"station": 3})
    assert even.unknown_not_sought is None


@in_a_loop
async def test_what_the_server_judged_unheard_is_kept_and_gets_the_fate(
    server: LiveServer, spool: Spool, parts: Parts
) -> None:
    body = good_board(unique("unheard-1"))
    trigger = asked(spool, parts, "unheard-1", body)
    inspection_id = await server_judges(server, trigger, body)
    spool.record_inspection(parts.judged(trigger, Verdict.NOT_INSPECTED, {"default": a_view(body)}))  # no permit
    spool.record_disposition(parts.disposed(trigger, Lane.REINSPECT))
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    assert [row["id"] for row in server.attempts_of("unheard-1")] == [inspection_id]
    assert dispositions(server, inspection_id) == ["set_aside"]


@in_a_loop
async def test_a_part_that_a_crash_cut_off_after_the_server_had_it_is_that_one(
    server: LiveServer, spool: Spool, parts: Parts
) -> None:
    """Nothing of the pictures is left; their digests are."""
    body = good_board(unique("cut-1"))
    trigger = asked(spool, parts, "cut-1", body)
    inspection_id = await server_judges(server, trigger, body)
    (left,) = spool.unfinished()
    spool.record_inspection(interrupted(left, nameless="unidentified", at=parts.clock.now()))
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    assert [row["id"] for row in server.attempts_of("cut-1")] == [inspection_id]
    assert spool.in_doubt() == {None: (inspection_id,)}


@in_a_loop
async def test_a_part_that_never_reached_the_server_is_taken_as_the_station_has_it(
    server: LiveServer, spool: Spool, parts: Parts
) -> None:
    trigger = asked(spool, parts, "never-1", good_board(unique("never-1")))
    (left,) = spool.unfinished()
    spool.record_inspection(interrupted(left, nameless="unidentified", at=parts.clock.now()))
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    (row,) = server.attempts_of("never-1")
    assert (row["id"], row["verdict"]) == (trigger.id, "NOT_INSPECTED")


@in_a_loop
async def test_a_second_pass_of_a_part_is_its_next_attempt_and_never_the_first_ones(
    server: LiveServer, spool: Spool, parts: Parts
) -> None:
    first = asked(spool, parts, "twice-1", good_board(unique("twice-1")))
    earlier = await server_judges(server, first, good_board(unique("twice-1")))
    spool.record_answered(AnsweredRecord(first.id, "twice-1", earlier, Verdict.OK, parts.clock.now()))
    spool.record_disposition(parts.disposed(first, Lane.PASS))
    second = parts.write(spool, Verdict.NG, bad_board(unique("twice-2")), "twice-1")
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    attempts = {row["attempt"]: row["id"] for row in server.attempts_of("twice-1")}
    assert attempts == {1: earlier, 2: second.id}
    assert (dispositions(server, earlier), dispositions(server, second.id)) == (["passed"], ["rejected"])


@pytest.mark.parametrize(
    ("own", "picture", "unheard", "lane"),
    [
        pytest.param(Verdict.NG, good_board, "OK", Lane.REJECT, id="an NG that the server saw as OK"),
        pytest.param(Verdict.OK, bad_board, "NG", Lane.PASS, id="an OK that opened the gate"),
    ],
)
@in_a_loop
async def test_what_the_station_judged_otherwise_than_the_server_unheard_is_kept_beside_it(
    server: LiveServer,
    spool: Spool,
    parts: Parts,
    tmp_path: Path,
    own: Verdict,
    picture: Callable[[int], bytes],
    unheard: str,
    lane: Lane,
) -> None:
    """The part counts once, by the first of the two; the station's has the picture and the fate."""
    name = f"otherwise-{own.value}"
    body = picture(unique(name))
    trigger = asked(spool, parts, name, body)
    inspection_id = await server_judges(server, trigger, body)
    spool.record_inspection(parts.judged(trigger, own, {"default": a_view(body)}))
    spool.record_disposition(parts.disposed(trigger, lane))
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
        assert (forwarder.state.sent, forwarder.state.parked) == (2, 0)
    attempts = {row["attempt"]: (row["id"], row["verdict"]) for row in server.attempts_of(name)}
    assert attempts == {1: (inspection_id, unheard), 2: (trigger.id, own.value)}
    assert [len(dispositions(server, each)) for each in (inspection_id, trigger.id)] == [0, 1]
    async with a_client(server, Role.ADMIN) as client:
        assert await client.image(trigger.id) == body
        found = await reconcile_with_server(tmp_path / "spool", client)
        assert [gap for gap in found.gaps if gap.part_id == name] == []  # the unheard one is explained


@in_a_loop
async def test_of_two_passes_with_the_very_same_picture_each_has_an_inspection_of_its_own(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    """Both were asked about, and of neither the answer was heard."""
    body = good_board(unique("same-1"))
    triggers = []
    for _ in range(2):
        triggers.append(asked(spool, parts, "same-1", body))
        spool.record_inspection(parts.judged(triggers[-1], Verdict.NOT_INSPECTED, {"default": a_view(body)}))
        spool.record_disposition(parts.disposed(triggers[-1], Lane.REINSPECT))
    unheard = await server_judges(server, triggers[0], body)
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
        assert (forwarder.state.sent, forwarder.state.parked) == (4, 0)
    assert {row["attempt"]: row["id"] for row in server.attempts_of("same-1")} == {1: unheard, 2: triggers[1].id}
    assert reconcile(tmp_path / "spool").is_even


class Counting(httpx.AsyncHTTPTransport):
    """Counts what is handed in."""

    puts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.puts += request.method == "PUT"
        return await super().handle_async_request(request)


@pytest.mark.parametrize("passes", [1, 2, 3, 25])
@in_a_loop
async def test_a_part_that_passed_often_is_handed_in_after_its_last_pass(
    server: LiveServer, spool: Spool, parts: Parts, passes: int
) -> None:
    name, wire = f"often-{passes}", Counting()
    for number in range(1, passes + 1):
        earlier = inspection_body(parts.judged(parts.trigger(name), Verdict.NOT_INSPECTED), station="aoi-1")
        earlier |= {"attempt": number, "cause": "first" if number == 1 else "retest"}
        async with a_client(server) as client:
            await client.put_inspection(parts.new_id(), earlier, {})
    trigger = parts.write(spool, Verdict.NG, bad_board(unique(name)), name)
    async with LinesideClient(
        server.url, server.keys[Role.STATION], timeout_s=20, transport=wire, pace=QUICK
    ) as client:
        forwarder = Forwarder(spool, client, pace=QUICK)
        assert await forwarder.drain()
    assert (forwarder.state.sent, forwarder.state.parked) == (2, 0)
    assert {row["attempt"]: row["id"] for row in server.attempts_of(name)}[passes + 1] == trigger.id
    assert wire.puts <= 11


@in_a_loop
async def test_a_part_whose_views_the_server_still_waits_for_waits_too(
    server: LiveServer, tmp_path: Path, parts: Parts
) -> None:
    server.put_recipe("pair", TWO_VIEWS.replace("id: board", "id: pair").replace("BRD", "PAIR")).raise_for_status()
    server.put_station("aoi-1", recipe={"id": "pair", "version": 1}).raise_for_status()
    body = good_board(unique("open-1"))
    trigger = parts.trigger("open-1")
    try:
        async with a_client(server) as client:
            pending = await client.inspect(body, MediaType.PNG, station="aoi-1", part_id="open-1", view="top")
        with Spool(tmp_path / "spool", station="aoi-1", clock=parts.clock) as spool:
            spool.record_trigger(trigger)
            spool.record_inspection(parts.judged(trigger, Verdict.NOT_INSPECTED))
            async with forwarding(spool, server) as forwarder:
                assert not await forwarder.drain()
                assert forwarder.state.trouble is not None
        assert [row["id"] for row in server.attempts_of("open-1")] == [pending.id]
    finally:
        server.put_station("aoi-1", recipe={"id": "board", "version": 1}).raise_for_status()


class Cable(httpx.AsyncBaseTransport):
    """The way to the server, cut before the request or after it, before its answer, as often as told."""

    def __init__(self, *, cuts: float, seed: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._rng = random.Random(seed)  # noqa: S311 - a test's chance
        self._cuts = cuts
        self.swallowed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._rng.random() < self._cuts:
            raise httpx.ConnectError("the cable is out")
        response = await self._inner.handle_async_request(request)
        if self._rng.random() < self._cuts:
            await response.aread()
            await response.aclose()
            self.swallowed += 1
            raise httpx.ReadError("the cable went out before the answer came")
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


@in_a_loop
async def test_over_a_bad_cable_nothing_is_lost_and_nothing_counts_twice(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    name = names("cable")
    cable = Cable(cuts=0.35, seed=5)
    for number in range(8):
        verdict = (Verdict.OK, Verdict.NG, Verdict.NOT_INSPECTED)[number % 3]
        parts.write(spool, verdict, good_board(unique(name(number))), name(number))
        spool.record_report(parts.report())
    async with LinesideClient(
        server.url, server.keys[Role.STATION], timeout_s=5, transport=cable, pace=QUICK
    ) as client:
        forwarder = Forwarder(spool, client, pace=QUICK)
        while not await forwarder.drain():
            continue
    assert cable.swallowed > 3
    async with a_client(server) as client:
        even = await reconcile_with_server(tmp_path / "spool", client)
    assert even.gaps == ()
    assert (even.is_even, even.checked_at_server) == (True, 8)
    assert all(len(server.attempts_of(name(number))) == 1 for number in range(8))


@in_a_loop
async def test_what_is_refused_for_good_is_put_aside_with_its_fate_and_shown(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    trigger = parts.trigger("refused-1")
    spool.record_trigger(trigger)
    spool.record_inspection(
        parts.judged(trigger, Verdict.NG, {"sideways": a_view(bad_board(unique("refused-1")), "sideways")})
    )
    spool.record_disposition(parts.disposed(trigger))
    good = parts.write(spool, Verdict.OK, good_board(unique("refused-2")), "refused-2")
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
        assert (forwarder.state.sent, forwarder.state.parked) == (2, 1)
    assert [row["id"] for row in server.attempts_of("refused-2")] == [good.id]
    status = spool_status(tmp_path / "spool")
    assert [(each.kind, each.id) for each in status.parked] == [
        ("inspection", trigger.id),
        ("disposition", trigger.id),
    ]
    assert "sideways" in status.parked[0].trouble
    assert status.picture_bytes == {"NG": len(bad_board(unique("refused-1")))}
    found = reconcile(tmp_path / "spool")
    assert [gap.kind for gap in found.gaps] == [GapKind.VERDICT_PARKED, GapKind.DISPOSITION_PARKED]
    assert not found.is_even


@in_a_loop
async def test_a_key_that_is_refused_puts_nothing_aside(server: LiveServer, spool: Spool, parts: Parts) -> None:
    trigger = parts.write(spool, Verdict.OK, good_board(unique("key-1")), "key-1")
    async with LinesideClient(server.url, "lsk_wrong", timeout_s=5, pace=QUICK) as client:
        forwarder = Forwarder(spool, client, pace=QUICK)
        assert not await forwarder.drain()
        assert forwarder.state.trouble is not None
    first = spool.outbox.first()
    assert first is not None
    assert first.id == trigger.id


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param("x" * 5000, "x" * 3999 + "…", id="too long"),
        pytest.param("no\tsuch\x00 file\r\n여기\u3000\udcff", "no such� file\n여기\u3000�", id="no plain text"),
        pytest.param("", "internal", id="nothing"),
    ],
)
@in_a_loop
async def test_whatever_a_report_says_it_arrives(
    server: LiveServer, spool: Spool, parts: Parts, said: str, told: str
) -> None:
    spool.record_report(replace(parts.report("internal"), message=said))
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
        assert (forwarder.state.sent, forwarder.state.parked) == (1, 0)
    async with a_client(server, Role.ADMIN) as client:
        assert (await client.station_reports("aoi-1"))[0]["message"] == told


class StuckDisk(httpx.AsyncHTTPTransport):
    """The disk takes nothing from the moment that the server has taken something; twice."""

    def __init__(self, spool: Spool) -> None:
        super().__init__()
        self._spool = spool
        self._times = 2

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if self._times:
            self._times -= 1
            self._spool._connection.execute("PRAGMA query_only=ON")  # the disk is behind it
        return response


@in_a_loop
async def test_a_disk_that_does_not_note_what_the_server_has_ends_no_forwarding(
    server: LiveServer, spool: Spool, parts: Parts
) -> None:
    trigger = parts.write(spool, Verdict.NG, bad_board(unique("stuck-1")), "stuck-1")
    async with LinesideClient(
        server.url, server.keys[Role.STATION], timeout_s=20, transport=StuckDisk(spool), pace=QUICK
    ) as client:
        forwarder = Forwarder(spool, client, pace=QUICK, idle_s=0.01)
        assert not await forwarder.drain()
        assert forwarder.state.trouble is not None
        running = asyncio.create_task(forwarder.run())
        while not running.done() and forwarder.state.sent < 2:
            spool._connection.execute("PRAGMA query_only=OFF")
            await asyncio.to_thread(spool.outbox.first)  # each look yields to the loop
        assert not running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert [row["id"] for row in server.attempts_of("stuck-1")] == [trigger.id]


@in_a_loop
async def test_a_server_that_goes_and_comes_back_gets_everything_in_order(tmp_path: Path, parts: Parts) -> None:
    """Killed while the spool fills and while it empties, and started again on the same ledger."""
    data = tmp_path / "server"
    with Spool(tmp_path / "spool", station="aoi-1", clock=parts.clock) as spool:
        with live_server(data) as live:
            set_up(live)
            parts.write(spool, Verdict.NG, bad_board(1), "up-1")
            async with forwarding(spool, live) as forwarder:
                assert await forwarder.drain()
            gone, key = live.url, live.keys[Role.STATION]
        for number in range(2, 6):
            parts.write(spool, Verdict.OK, good_board(number), f"up-{number}")
        async with LinesideClient(gone, key, timeout_s=1, pace=QUICK) as client:
            away = Forwarder(spool, client, pace=QUICK)
            assert not await away.drain()
        with live_server(data) as live:
            async with forwarding(spool, live) as forwarder:
                running = asyncio.create_task(forwarder.run())
                parts.write(spool, Verdict.NG, bad_board(7), "up-6")
                forwarder.wake()
                while await asyncio.to_thread(spool.outbox.first) is not None:  # each look yields to the loop
                    forwarder.wake()
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            rows = [row for number in range(1, 7) for row in live.attempts_of(f"up-{number}")]
            async with a_client(live) as client:
                even = await reconcile_with_server(tmp_path / "spool", client)
    assert [row["part_id"] for row in sorted(rows, key=lambda row: row["event_sequence"])] == [
        f"up-{number}" for number in range(1, 7)
    ]
    assert (even.is_even, even.triggers, even.checked_at_server) == (True, 6, 6)


@in_a_loop
async def test_an_inspection_that_the_server_lost_is_named(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    trigger = parts.trigger("lost-1")
    spool.record_trigger(trigger)
    spool.record_answered(AnsweredRecord(trigger.id, "lost-1", "0190-gone", Verdict.OK, parts.clock.now()))
    async with a_client(server) as client:
        found = await reconcile_with_server(tmp_path / "spool", client)
    kinds: Mapping[GapKind, str | None] = {gap.kind: gap.part_id for gap in found.gaps}
    assert kinds == {GapKind.NO_DISPOSITION: "lost-1", GapKind.MISSING_AT_SERVER: "lost-1"}


@in_a_loop
async def test_a_key_that_may_not_list_is_said_to_have_left_something_unsought(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    parts.write(spool, Verdict.OK, good_board(unique("unsought-1")), "unsought-1")
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    async with a_client(server) as client:
        found = await reconcile_with_server(tmp_path / "spool", client)
    assert found.is_even
    assert "key" in str(found.unknown_not_sought)


@in_a_loop
async def test_a_lane_that_the_server_has_otherwise_is_named_and_a_later_scrapping_is_none(
    server: LiveServer, spool: Spool, parts: Parts, tmp_path: Path
) -> None:
    scrapped = parts.write(spool, Verdict.NG, bad_board(unique("lane-1")), "lane-1")
    passed = parts.write(spool, Verdict.NG, bad_board(unique("lane-2")), "lane-2")
    async with forwarding(spool, server) as forwarder:
        assert await forwarder.drain()
    async with a_client(server, Role.ADMIN) as client:
        for trigger, kind in ((scrapped, "scrapped"), (passed, "passed")):
            await client.dispose(trigger.id, kind=kind, confirmed_by_sensor=False, at=parts.clock.now())
    async with a_client(server) as client:
        found = await reconcile_with_server(tmp_path / "spool", client)
    assert [(gap.kind, gap.part_id) for gap in found.gaps] == [
        (GapKind.OTHER_DISPOSITION_AT_SERVER, "lane-2"),
        (GapKind.DISPOSITION_TWICE_AT_SERVER, "lane-2"),
    ]
