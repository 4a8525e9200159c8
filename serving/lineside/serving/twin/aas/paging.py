"""Pages of a list: at most so many items, and a cursor to the next (IDTA 01002, "Pagination")."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any, Final

from lineside.serving.errors import CursorUnreadable

USUAL_PAGE: Final = 100
"""Items of a page where nobody says how many."""

LARGEST_PAGE: Final = 500
"""Items of a page, whatever is asked for: the API allows a server to give fewer, and the cursor leads on."""

_MARK: Final = "from "
_MOST_DIGITS: Final = 9


def page_of(items: Sequence[Any], *, limit: int | None, cursor: str | None) -> dict[str, Any]:
    """One page, with the metadata that the API asks for.

    The cursor holds a position: while the twin changes between two pages, an item may be missed or come twice.

    Args:
        items: all of them.
        limit: 1 or more; None for the usual number.
        cursor: where the page begins; None for the first.

    Raises:
        CursorUnreadable: this server gave out no such cursor.
    """
    start = 0 if cursor is None else _position(cursor)
    end = start + min(limit or USUAL_PAGE, LARGEST_PAGE)
    metadata = {"cursor": _cursor(end)} if end < len(items) else {}
    return {"paging_metadata": metadata, "result": list(items[start:end])}


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"{_MARK}{position}".encode()).rstrip(b"=").decode()


def _position(cursor: str) -> int:
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        mark, digits = raw[: len(_MARK)].decode("ascii"), raw[len(_MARK) :].decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise _unreadable(cursor) from error
    if mark != _MARK or not digits.isdecimal() or len(digits) > _MOST_DIGITS:
        raise _unreadable(cursor)
    return int(digits)


def _unreadable(cursor: str) -> CursorUnreadable:
    return CursorUnreadable(
        f"cursor {cursor[:40]!r} was not given out here; start without one, then take paging_metadata.cursor"
    )
