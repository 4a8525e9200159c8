"""Page cursors: the identifier of the last inspection of a page, which sorts by opening time."""

import base64
import binascii
import uuid

from lineside.serving.errors import CursorUnreadable


def cursor_after(inspection_id: str) -> str:
    """The cursor of the page that follows an inspection."""
    return base64.urlsafe_b64encode(uuid.UUID(inspection_id).bytes).rstrip(b"=").decode()


def inspection_before(cursor: str) -> str:
    """The inspection after which a page begins.

    Raises:
        CursorUnreadable: this server gave out no such cursor.
    """
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return str(uuid.UUID(bytes=raw))
    except (ValueError, binascii.Error) as error:
        raise CursorUnreadable(
            f"cursor {cursor[:40]!r} was not given out here; start without one, then take next_cursor"
        ) from error
