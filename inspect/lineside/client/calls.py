"""What every group of the client's calls stands on: one request, its tries, and its answer as JSON."""

import base64
import json
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from lineside.client.errors import AnswerUnreadable
from lineside.client.sending import Pace, Sender

Json = dict[str, Any]


class Calls:
    """Sends requests over one pool of connections.

    Args:
        http: the pool.
        pace: waits and clock.
        timeout_s: seconds after which a call gives up, all its tries together.
    """

    def __init__(self, http: httpx.AsyncClient, pace: Pace, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pace = pace
        self._http = http
        self._sender = Sender(http, pace)

    async def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        request = self._http.build_request("GET", path, params=params)
        return (await self._sender.send(request, give_up_after_s=self._timeout_s)).content

    async def _change(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any],
        *,
        give_up_after_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> Json:
        headers = {"Content-Type": "application/json", "Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        body = json.dumps(content, allow_nan=False).encode()
        request = self._http.build_request(method, path, content=body, headers=headers)
        patience_s = self._timeout_s if give_up_after_s is None else give_up_after_s
        return json_object((await self._sender.send(request, give_up_after_s=patience_s)).content)


def path_segment(name: str) -> str:
    """A name as one segment of a path, whatever characters it has."""
    return quote(name, safe="")


def signed(document: bytes, signature: bytes) -> Json:
    """A signed document as the API takes it: its exact bytes."""
    return {"document": base64.b64encode(document).decode(), "signature": base64.b64encode(signature).decode()}


def json_object(body: bytes) -> Json:
    """An answer's JSON object.

    Raises:
        AnswerUnreadable: it is none.
    """
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise AnswerUnreadable(f"the answer is no JSON: {error}; is that a Lineside server?") from error
    if not isinstance(parsed, dict):
        raise AnswerUnreadable(f"the answer is {type(parsed).__name__}; expected a JSON object")
    return parsed
