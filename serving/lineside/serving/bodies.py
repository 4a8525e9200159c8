"""Reading request bodies that are no JSON: never more of them than the limit."""

from fastapi import Request

from lineside.serving.errors import BodyTooLarge, MediaTypeUnsupported, Unacceptable

TEXT_LIMIT_BYTES = 1024 * 1024
"""Recipes and catalogues are written by people: a megabyte is a hundred times the longest."""

YAML_MEDIA_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml"})


async def read_bounded(request: Request, limit_bytes: int) -> bytes:
    """The body, read no further than the limit, whatever its Content-Length claims.

    Raises:
        BodyTooLarge: it is longer.
    """
    claimed = request.headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > limit_bytes:
        raise BodyTooLarge(f"the body has {claimed} bytes and the limit is {limit_bytes}")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise BodyTooLarge(f"the body has more than {limit_bytes} bytes, the limit")
        chunks.append(chunk)
    return b"".join(chunks)


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
