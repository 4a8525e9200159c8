"""A server that answers wrongly: the real one behind it, its answers changed on their way back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from live_server import listening

_TO_PASS = ("authorization", "content-type", "content-digest", "idempotency-key")


@contextmanager
def twisting_server(url: str, change: Callable[[dict[str, Any]], None]) -> Iterator[str]:
    """Listen in front of a server; gives the URL.

    Args:
        url: the real one's.
        change: done to each answer to a frame.
    """
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST", "PUT"])
    async def pass_on(path: str, request: Request) -> Response:
        headers = {name: request.headers[name] for name in request.headers if name in _TO_PASS}
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
            answer = await http.request(
                request.method, path, params=request.query_params, content=await request.body(), headers=headers
            )
        if (request.method, path, answer.status_code) == ("POST", "v1/inspections", 200):
            said = answer.json()
            change(said)
            answer = httpx.Response(200, json=said)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))

    with listening(app) as front:
        yield front
