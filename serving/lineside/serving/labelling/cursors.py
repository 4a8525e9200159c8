"""Page cursors of picks in the order in which their labels changed."""

import base64
import binascii

from lineside.serving.errors import CursorUnreadable
from lineside.serving.labelling.project_schemas import BIGGEST_NUMBER


def cursor_after_change(change: int, pick_id: str) -> str:
    """The cursor of the page that follows a pick."""
    return base64.urlsafe_b64encode(f"{change} {pick_id}".encode()).rstrip(b"=").decode()


def change_before(cursor: str) -> tuple[int, str]:
    """The change and the pick after which a page begins.

    Raises:
        CursorUnreadable: this server gave out no such cursor.
    """
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        change, pick_id = raw.decode("ascii").split(" ")
        number = int(change)
    except (ValueError, binascii.Error) as error:
        raise _unreadable(cursor) from error
    if not 0 <= number <= BIGGEST_NUMBER or not pick_id.replace("-", "").isalnum():
        raise _unreadable(cursor)
    return number, pick_id


def _unreadable(cursor: str) -> CursorUnreadable:
    return CursorUnreadable(f"cursor {cursor[:40]!r} was not given out here; start without one, then take next_cursor")
