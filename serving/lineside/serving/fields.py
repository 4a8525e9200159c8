"""Types of JSON and query fields that every database and every calendar can hold."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # leaves room for adding spans and offsets


def _plain(text: str) -> str:
    """Refuse control characters: PostgreSQL refuses NUL, and a line break forges lines in logs and reports."""
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _plain_lines(text: str) -> str:
    for line in text.split("\n"):
        _plain(line.rstrip("\r"))
    return text


def _in_calendar(instant: datetime) -> datetime:
    if not _EARLIEST <= instant <= _LATEST:
        raise ValueError(f"expected an instant between {_EARLIEST.year} and {_LATEST.year}")
    return instant.astimezone(UTC)


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
"""One line of 1 to 200 characters."""

Prose = Annotated[str, Field(min_length=1, max_length=4000), AfterValidator(_plain_lines)]
"""Some lines of free text."""

Instant = Annotated[AwareDatetime, AfterValidator(_in_calendar)]
"""An instant with its offset; becomes UTC."""
