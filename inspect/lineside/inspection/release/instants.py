"""Instants as signed documents spell them: UTC to the second, in the one spelling `2026-01-31T12:00:00Z`."""

from datetime import UTC, datetime

_SPELLING = "%Y-%m-%dT%H:%M:%SZ"


def write_instant(instant: datetime) -> str:
    """Spell an instant.

    Args:
        instant: aware, whole seconds.

    Raises:
        ValueError: it is naive, or between two seconds.
    """
    if instant.tzinfo is None or instant.microsecond:
        raise ValueError(f"expected an aware instant of whole seconds, got {instant!r}")
    return instant.astimezone(UTC).strftime(_SPELLING)


def read_instant(text: str) -> datetime:
    """Read an instant.

    Raises:
        ValueError: any other spelling, even of the same instant.
    """
    instant = datetime.strptime(text, _SPELLING).replace(tzinfo=UTC)
    if write_instant(instant) != text:
        raise ValueError(f"expected an instant spelt as 2026-01-31T12:00:00Z, got {text!r}")
    return instant
