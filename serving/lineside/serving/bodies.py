"""Reading request bodies that are no JSON: never more of them than the limit."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request

from lineside.serving.errors import BodyTooLarge, BodyTooSlow, MediaTypeUnsupported, Unacceptable

TEXT_LIMIT_BYTES = 1024 * 1024
"""Recipes and catalogues are written by people: a megabyte is a hundred times the longest."""

YAML_MEDIA_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})


_PATIENCE_S = 30.0
"""A sender that stalls must not hold its place for ever; 32 MiB take 27 s at 10 Mbit/s."""


@asynccontextmanager
async def arriving() -> AsyncIterator[None]:
    """Read a body inside the block, as long as a slow but honest sender needs.

    Raises:
        BodyTooSlow: it took longer.
    """
    try:
        async with asyncio.timeout(_PATIENCE_S):
            yield
    except TimeoutError as error:
        raise BodyTooSlow(
            f"the body did not arrive within {_PATIENCE_S:g} s and its place is needed; send it again"
        ) from error


async def read_bounded(request: Request, limit_bytes: int) -> bytes:
    """The body, read no further than the limit, whatever its Content-Length claims.

    Raises:
        BodyTooLarge: it is longer.
        BodyTooSlow: it does not arrive.
    """
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > limit_bytes:
        raise BodyTooLarge(f"the body has {claimed} bytes and the limit is {limit_bytes}")
    chunks: list[bytes] = []
    size = 0
    async with arriving():
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit_bytes:
                raise BodyTooLarge(f"the body has more than {limit_bytes} bytes, the limit")
            chunks.append(chunk)
    return b"".join(chunks)


async def store_bounded(request: Request, target: Path, limit_bytes: int) -> None:
    """Write the body to a file, no further than the limit: for bodies that memory should not hold.

    Raises:
        BodyTooLarge: it is longer.
        BodyTooSlow: nothing of it arrives for too long.
    """
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > limit_bytes:
        raise BodyTooLarge(f"the body has {claimed} bytes and the limit is {limit_bytes}")
    size = 0
    chunks = request.stream()
    with await asyncio.to_thread(target.open, "xb") as file:
        while True:
            async with arriving():  # each piece: half a gigabyte takes its time on a plant's network
                chunk = await anext(chunks, b"")
            if not chunk:
                return
            size += len(chunk)
            if size > limit_bytes:
                raise BodyTooLarge(f"the body has more than {limit_bytes} bytes, the limit")
            await asyncio.to_thread(file.write, chunk)


def from_base64(name: str, text: str) -> bytes:
    """Exact bytes that a JSON field holds in base64.

    Raises:
        Unacceptable: it is no base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one; text beyond ASCII gives a plain one
        raise Unacceptable(f"{name} is no base64: {error}; send the file's exact bytes in base64") from error


def media_type_of(request: Request) -> str:
    """The Content-Type without its parameters, in lower case; empty if there is none."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def read_yaml_text(request: Request) -> str:
    """The text of a YAML body.

    Raises:
        MediaTypeUnsupported: another Content-Type.
        BodyTooLarge: longer than a megabyte.
        Unacceptable: not UTF-8.
    """
    media_type = media_type_of(request)
    if media_type not in YAML_MEDIA_TYPES:
        raise MediaTypeUnsupported(f"Content-Type {media_type or 'missing'!r}; send application/yaml")
    body = await read_bounded(request, TEXT_LIMIT_BYTES)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unacceptable(f"the body is no UTF-8 text: {error}; save the file as UTF-8") from error
