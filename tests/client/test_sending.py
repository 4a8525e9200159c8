"""What the client does with answers that a healthy server rarely gives; the transport is the fake."""

import asyncio
import json
import random
from collections.abc import Sequence
from itertools import islice

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.client import (
    AnswerUnreadable,
    Backoff,
    LinesideClient,
    Pace,
    RequestRefused,
    ServerFailed,
    Shed,
    TryAgainLater,
    content_digest,
)
from lineside.inspection.frames import MediaType


class FakeTime:
    """A clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept_s: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.now_s += seconds


class Answers(httpx.AsyncBaseTransport):
    """Gives prepared answers, the last one for ever."""

    def __init__(self, answers: Sequence[httpx.Response]) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def problem(status: int, *, retry_after: str | None = None) -> httpx.Response:
    headers = {"content-type": "application/problem+json"}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    body = {"type": "/problems/shed", "title": "The server is full", "status": status, "detail": "16 frames are inside"}
    return httpx.Response(status, headers=headers, content=json.dumps(body).encode())


PENDING = httpx.Response(
    202, json={"id": "1", "status": "pending", "missing_views": ["top"], "deadline_at": "2026-01-01T00:00:00Z"}
)


def inspect(transport: Answers, time: FakeTime, *, give_up_after_s: float = 10.0) -> object:
    async def run() -> object:
        pace = Pace(monotonic=time.monotonic, sleep=time.sleep, rng=random.Random(1))  # noqa: S311 - jitter
        async with LinesideClient("http://plant", "lsk_x", transport=transport, pace=pace) as client:
            return await client.inspect(
                b"frame", MediaType.PNG, station="s", part_id="p", give_up_after_s=give_up_after_s
            )

    return asyncio.run(run())


def test_a_shed_frame_waits_as_long_as_the_server_asks() -> None:
    time, transport = FakeTime(), Answers([problem(503, retry_after="2"), PENDING])
    inspect(transport, time)
    assert time.slept_s == [2.0]
    assert len({request.headers["idempotency-key"] for request in transport.requests}) == 1


def test_a_frame_that_is_shed_to_the_end_is_given_up_before_the_callers_deadline() -> None:
    time, transport = FakeTime(), Answers([problem(503, retry_after="1")])
    with pytest.raises(Shed, match="16 frames are inside"):
        inspect(transport, time, give_up_after_s=3.5)
    assert len(transport.requests) == 4
    assert time.now_s < 3.5


def test_a_failed_server_is_asked_again() -> None:
    transport = Answers([problem(500), problem(502), PENDING])
    inspect(transport, FakeTime())
    assert len(transport.requests) == 3


def test_a_failure_to_the_end_is_told_as_such() -> None:
    with pytest.raises(ServerFailed):
        inspect(Answers([problem(500)]), FakeTime(), give_up_after_s=0.5)


def test_a_refusal_is_not_sent_again() -> None:
    transport = Answers([problem(422)])
    with pytest.raises(RequestRefused):
        inspect(transport, FakeTime())
    assert len(transport.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, json={"verdict": "OK"}), id="fields missing"),
        pytest.param(httpx.Response(200, content=b"<html>"), id="another program's page"),
        pytest.param(httpx.Response(302, headers={"location": "/login"}), id="a redirect"),
    ],
)
def test_an_answer_of_another_shape_never_becomes_a_verdict(answer: httpx.Response) -> None:
    with pytest.raises(AnswerUnreadable):
        inspect(Answers([answer]), FakeTime())


def test_the_body_travels_with_its_digest() -> None:
    transport = Answers([PENDING])
    inspect(transport, FakeTime())
    # the example of RFC 9530, section 2
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    assert transport.requests[0].headers["content-digest"] == content_digest(b"frame")


def test_errors_worth_another_try_are_one_family() -> None:
    assert issubclass(Shed, TryAgainLater)
    assert issubclass(ServerFailed, TryAgainLater)
    assert not issubclass(RequestRefused, TryAgainLater)


@given(first_s=st.floats(0.001, 1.0), factor=st.floats(1.0, 100.0), seed=st.integers(0, 2**32))
def test_waits_are_jittered_and_bounded(first_s: float, factor: float, seed: int) -> None:
    backoff = Backoff(first_s, first_s * factor)
    waits_s = list(islice(backoff.waits_s(random.Random(seed)), 20))  # noqa: S311 - jitter
    assert waits_s[0] <= backoff.first_s
    assert all(0 <= wait_s <= backoff.longest_s for wait_s in waits_s)
    assert len(set(waits_s)) > 1


def test_a_backoff_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="0 < first <= longest"):
        Backoff(0.0, 1.0)
