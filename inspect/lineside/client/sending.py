"""One request: sent, sent again while that can help, and its answer checked."""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from lineside.client.backoff import Backoff
from lineside.client.errors import (
    AnswerUnreadable,
    ClientError,
    Contradicted,
    KeyRefused,
    NothingThere,
    ProblemDetail,
    RequestRefused,
    ServerFailed,
    ServerUnreachable,
    Shed,
    TryAgainLater,
)

_REFUSALS: Mapping[int, type[RequestRefused]] = {
    401: KeyRefused,
    403: KeyRefused,
    404: NothingThere,
    409: Contradicted,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Time as the client sees it; another one makes tests quick and repeatable.

    Attributes:
        backoff: the waits between tries.
        monotonic: seconds of a monotonic clock.
        sleep: waits that many seconds.
        rng: the jitter.
    """

    backoff: Backoff = field(default_factory=Backoff)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rng: random.Random = field(default_factory=random.Random)


class Sender:
    """Sends requests over one connection pool.

    Args:
        http: the pool, with base URL and key.
        pace: waits and clock.
    """

    def __init__(self, http: httpx.AsyncClient, pace: Pace) -> None:
        self._http = http
        self._pace = pace

    async def send(self, request: httpx.Request, *, give_up_after_s: float) -> httpx.Response:
        """Send a request that may safely arrive twice, until it is answered or the time is over.

        Args:
            request: a GET, a PUT, or a POST with an idempotency key; its body is in memory.
            give_up_after_s: seconds from now after which no further try starts and a running one is cut off.

        Raises:
            RequestRefused: the server says no.
            TryAgainLater: the time is over; the error of the last try.
        """
        ends_at_s = self._pace.monotonic() + give_up_after_s
        waits_s = self._pace.backoff.waits_s(self._pace.rng)
        while True:
            left_s = ends_at_s - self._pace.monotonic()
            try:
                return await self.send_once(request, timeout_s=max(left_s, 0.001))
            except TryAgainLater as error:
                wait_s = max(next(waits_s), _retry_after_s(error))
                if self._pace.monotonic() + wait_s >= ends_at_s:
                    raise
            await self._pace.sleep(wait_s)

    async def send_once(self, request: httpx.Request, *, timeout_s: float) -> httpx.Response:
        """Send a request once.

        Raises:
            RequestRefused: the server says no.
            TryAgainLater: no answer that counts.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._http.send(request)
        except TimeoutError as error:
            raise ServerUnreachable(f"{request.url}: no answer within {timeout_s:.1f} s") from error
        except httpx.HTTPError as error:
            raise ServerUnreachable(
                f"{request.url.copy_with(query=None)}: {error or type(error).__name__}; is the server running there?"
            ) from error
        if not response.is_success:
            raise error_of(response)
        return response


def _retry_after_s(error: TryAgainLater) -> float:
    return error.retry_after_s if isinstance(error, Shed) else 0.0


def error_of(response: httpx.Response) -> ClientError:
    """The error that fits an answer that is no success; its body must have been read."""
    status = response.status_code
    if response.is_redirect or response.is_informational:
        return AnswerUnreadable(f"{response.url}: status {status}, which this API never answers; check the address")
    problem = _problem(response)
    if status == 503:
        return Shed(problem, retry_after_s=_seconds(response.headers.get("retry-after", "")))
    if response.is_server_error:
        return ServerFailed(problem)
    return _REFUSALS.get(status, RequestRefused)(problem)


def _seconds(header: str) -> float:
    """Retry-After in seconds; 0 where it is missing or a date, which this server never sends."""
    return float(header) if header.isdigit() else 0.0


def _problem(response: httpx.Response) -> ProblemDetail:
    said: dict[str, Any] = {}
    if response.headers.get("content-type", "").startswith(("application/problem+json", "application/json")):
        try:
            parsed = json.loads(response.content)
        except ValueError:
            parsed = None
        said = parsed if isinstance(parsed, dict) else {}
        said = _of_result(said["messages"]) if "messages" in said else said
    return ProblemDetail(
        status=response.status_code,
        type=str(said.get("type", "about:blank")),
        title=str(said.get("title", response.reason_phrase)),
        detail=str(said.get("detail", response.text[:200])),
        inspection_id=standing if isinstance(standing := said.get("inspection_id"), str) else None,
    )


def _of_result(messages: Any) -> dict[str, Any]:
    """What a Result object of the AAS API says is wrong, as problem details say it."""
    first = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(first, dict) or "text" not in first:
        return {}
    return {"type": f"/problems/{first.get('correlationId', 'unknown')}", "detail": first["text"]}
