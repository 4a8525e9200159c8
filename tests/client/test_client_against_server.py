"""The client against a real server."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx
import pytest

from blob_detector import Blob, draw_blobs
from lineside.client import (
    Backoff,
    Cause,
    Contradicted,
    InspectionAnswer,
    KeptImage,
    KeyRefused,
    KeyUnusable,
    LedgerEvent,
    LinesideClient,
    NothingThere,
    Pace,
    RequestRefused,
    ServerUnreachable,
)
from lineside.inspection.frames import MediaType, PixelFormat, RawGeometry
from lineside.inspection.verdict import Verdict
from lineside.serving.security import Role
from live_server import LiveServer
from plant import bad_board, good_board

QUICK = Pace(backoff=Backoff(first_s=0.001, longest_s=0.01))


class LosesAnswers(httpx.AsyncBaseTransport):
    """Passes requests on and loses the first answers: the server has judged, the station does not know."""

    def __init__(self, losses: int) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.losses = losses
        self.keys: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        response = await self._inner.handle_async_request(request)
        if self.losses > 0:
            self.losses -= 1
            await response.aclose()
            raise httpx.ReadError("the connection broke", request=request)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def use(
    server: LiveServer,
    act: Callable[[LinesideClient], Awaitable[object]],
    *,
    role: Role = Role.STATION,
    transport: httpx.AsyncBaseTransport | None = None,
) -> object:
    """Run an action with a client of a role."""

    async def run() -> object:
        async with LinesideClient(server.url, server.keys[role], transport=transport, pace=QUICK) as client:
            return await act(client)

    return asyncio.run(run())


def judged(server: LiveServer, body: bytes, part_id: str) -> InspectionAnswer:
    """Post a frame and get its verdict."""
    answer = use(server, lambda client: client.inspect(body, MediaType.PNG, station="aoi-1", part_id=part_id))
    assert isinstance(answer, InspectionAnswer)
    return answer


def test_a_defective_part_is_ng_with_everything_that_explains_it(server: LiveServer) -> None:
    body = bad_board(1)
    answer = judged(server, body, "P-NG")
    assert answer.verdict is Verdict.NG
    assert [defect.class_name for defect in answer.defects] == ["short"]
    assert answer.recipe is not None
    assert (answer.recipe.id, answer.recipe.version) == ("board", 1)
    assert answer.release is not None
    assert answer.release.name == "blobs"
    assert [frame.digest for frame in answer.frames] == [hashlib.sha256(body).hexdigest()]
    assert answer.judged_at.tzinfo is not None


def test_a_good_part_is_ok(server: LiveServer) -> None:
    assert judged(server, good_board(2), "P-OK").verdict is Verdict.OK


def test_lost_answers_are_asked_for_again_with_the_same_key_and_judge_once(server: LiveServer) -> None:
    transport = LosesAnswers(2)
    answer = use(
        server,
        lambda client: client.inspect(good_board(3), MediaType.PNG, station="aoi-1", part_id="P-LOST"),
        transport=transport,
    )
    assert isinstance(answer, InspectionAnswer)
    assert len(transport.keys) == 3
    assert len(set(transport.keys)) == 1
    assert [row["id"] for row in server.attempts_of("P-LOST")] == [answer.id]


def test_a_retest_is_an_attempt_of_its_own(server: LiveServer) -> None:
    first = judged(server, bad_board(4), "P-RETEST")
    second = use(
        server,
        lambda client: client.inspect(
            good_board(5), MediaType.PNG, station="aoi-1", part_id="P-RETEST", attempt=2, cause=Cause.RETEST
        ),
    )
    assert isinstance(second, InspectionAnswer)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("station", "attempt", "cause", "error", "kind"),
    [
        pytest.param("nowhere", 1, Cause.FIRST, KeyRefused, "station-refused", id="another station's part"),
        pytest.param("aoi-1", 5, Cause.RETEST, Contradicted, "attempt-out-of-order", id="an attempt that skips"),
    ],
)
def test_a_refusal_carries_what_the_server_said(
    server: LiveServer, station: str, attempt: int, cause: Cause, error: type[RequestRefused], kind: str
) -> None:
    with pytest.raises(error) as refused:
        use(
            server,
            lambda client: client.inspect(
                good_board(6), MediaType.PNG, station=station, part_id="P-REFUSED", attempt=attempt, cause=cause
            ),
        )
    assert refused.value.problem.kind == kind
    assert refused.value.problem.detail in str(refused.value)


def test_an_unknown_station_is_nothing_there(server: LiveServer) -> None:
    with pytest.raises(NothingThere, match="nowhere"):
        use(server, lambda client: client.station("nowhere"), role=Role.ADMIN)


def test_an_invented_key_is_refused(server: LiveServer) -> None:
    async def run() -> None:
        async with LinesideClient(server.url, "lsk_" + "x" * 43, pace=QUICK) as client:
            await client.stations()

    with pytest.raises(KeyRefused):
        asyncio.run(run())


def test_nobody_at_the_address_is_told_within_the_callers_time() -> None:
    async def run() -> None:
        async with LinesideClient("http://127.0.0.1:1", "lsk_none", timeout_s=0.2, pace=QUICK) as client:
            await client.stations()

    with pytest.raises(ServerUnreachable, match="is the server running"):
        asyncio.run(run())


def test_a_review_and_a_disposition_reach_the_inspection(server: LiveServer) -> None:
    answer = judged(server, bad_board(7), "P-REVIEWED")
    now = datetime.now(UTC)
    use(server, lambda client: client.dispose(answer.id, kind="rejected", confirmed_by_sensor=True, at=now))
    use(
        server,
        lambda client: client.review(answer.id, kind="false_call", source="operator", reviewer="Kim", at=now),
        role=Role.QUALITY,
    )
    reviews = use(server, lambda client: client.reviews(answer.id), role=Role.QUALITY)
    assert isinstance(reviews, dict)
    assert reviews["standing"] == "false_call"
    assert use(server, lambda client: client.inspection(answer.id), role=Role.QUALITY) == answer


def test_the_kept_image_comes_back_byte_for_byte(server: LiveServer) -> None:
    body = bad_board(8)
    answer = judged(server, body, "P-IMAGE")
    assert use(server, lambda client: client.image(answer.id), role=Role.QUALITY) == body
    kept = use(server, lambda client: client.kept_image(answer.id), role=Role.QUALITY)
    assert isinstance(kept, KeptImage)
    assert (kept.content, kept.media_type, kept.raw) == (body, MediaType.PNG, None)
    with pytest.raises(NothingThere):
        use(server, lambda client: client.kept_image(answer.id, view="back"), role=Role.QUALITY)


def test_a_kept_raw_image_comes_with_its_geometry(server: LiveServer) -> None:
    geometry = RawGeometry(160, 160, PixelFormat.MONO8)
    body = draw_blobs([Blob(1, 64, 48)], (160, 160)).tobytes()

    async def act(client: LinesideClient) -> object:
        answer = await client.inspect(
            body, MediaType.RAW, station="aoi-1", part_id="P-RAW", raw=geometry, idempotency_key="raw"
        )
        assert isinstance(answer, InspectionAnswer)
        async with LinesideClient(server.url, server.keys[Role.QUALITY]) as reader:
            return await reader.kept_image(answer.id)

    kept = use(server, act)
    assert isinstance(kept, KeptImage)
    assert (kept.content, kept.media_type, kept.raw) == (body, MediaType.RAW, geometry)


def test_catalogues_and_golden_images_come_back(server: LiveServer) -> None:
    golden = good_board(77)

    async def act(client: LinesideClient) -> None:
        digest = await client.put_reference(golden, MediaType.PNG)
        assert await client.reference_image(digest) == golden
        assert ("pcb", 1) in [(each["id"], each["version"]) for each in await client.catalogues()]
        assert "lineside.catalogue/1" in (await client.catalogue("pcb", version=1))["text"]

    use(server, act, role=Role.ADMIN)


def test_pages_of_inspections_are_walked_to_the_end(server: LiveServer) -> None:
    made = {judged(server, good_board(20 + number), f"P-PAGE-{number}").id for number in range(5)}

    async def collect(client: LinesideClient) -> list[str]:
        return [item["id"] async for item in client.inspections(limit=2, station="aoi-1")]

    found = use(server, collect, role=Role.QUALITY)
    assert isinstance(found, list)
    assert made <= set(found)
    assert len(found) == len(set(found))


class BreaksStreams(httpx.AsyncBaseTransport):
    """Cuts each event stream after a few hundred bytes, wherever that is."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.connections = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.connections += 1
        response = await self._inner.handle_async_request(request)
        return httpx.Response(response.status_code, headers=response.headers, stream=_Cut(response.stream, 4000))

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Cut(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream | httpx.AsyncByteStream, after_bytes: int) -> None:
        assert isinstance(inner, httpx.AsyncByteStream)
        self._inner = inner
        self._left = after_bytes

    async def __aiter__(self):  # type: ignore[no-untyped-def]  # the base class's own annotation is an iterator
        async for chunk in self._inner:
            yield chunk[: self._left]
            self._left -= len(chunk)
            if self._left <= 0:
                raise httpx.ReadError("the stream broke")

    async def aclose(self) -> None:
        await self._inner.aclose()


def test_events_come_once_and_in_order_across_broken_streams(server: LiveServer) -> None:
    for number in range(6):
        judged(server, good_board(40 + number), f"P-EVENT-{number}")
    last = server.services.ledger.last_sequence
    transport = BreaksStreams()

    async def collect(client: LinesideClient) -> list[LedgerEvent]:
        found: list[LedgerEvent] = []
        async for event in client.events(after=0):
            found.append(event)
            if event.sequence >= last:
                break
        return found

    found = use(server, collect, role=Role.QUALITY, transport=transport)
    assert isinstance(found, list)
    assert [event.sequence for event in found] == list(range(1, last + 1))
    assert transport.connections > 1


@pytest.mark.parametrize("key", ["-----BEGIN KEY-----\nc2VjcmV0\n-----END KEY-----", "lsk_\x07secret", "lsk_sécret"])
def test_what_is_no_api_key_is_refused_and_never_shown(key: str) -> None:
    with pytest.raises(KeyUnusable, match="expected one line that begins with lsk_") as refused:
        LinesideClient("http://127.0.0.1:9", key)
    assert not any(part in str(refused.value) for part in ("cret", "c2V", "BEGIN"))
