"""What a receiver's answer means for a message: one table."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

LONGEST_WAIT_S: Final = 3600.0
"""No Retry-After keeps messages back for longer: a slip of the receiver's clock or of a digit would for ever."""


class Meaning(StrEnum):
    """What to do after an answer."""

    DELIVERED = "delivered"
    """The receiver has it."""
    TRY_AGAIN = "try_again"
    """It may go through later, with nobody's help."""
    PERSON_NEEDED = "person_needed"
    """No message goes through before somebody changes something: address, secret, certificate, permission."""
    POISON = "poison"
    """The receiver understood it and refuses this one message for good."""


class ConflictMeaning(StrEnum):
    """What a receiver means by 409, which the specification leaves open."""

    REFUSED = "refused"
    """It contradicts what the receiver knows: parked, for a person to look at."""
    DUPLICATE = "duplicate"
    """The receiver has it already: delivered."""


_TRY_AGAIN: Final = frozenset({408, 423, 425, 429})
_POISON: Final = frozenset({400, 409, 413, 422})

WHAT_TO_DO: Mapping[int, str] = MappingProxyType(
    {
        401: "the receiver does not accept our signature or token: compare the secrets, and both clocks",
        403: "the receiver forbids it: give this sender the permission there",
        404: "nothing is at that address: correct `url`",
        405: "what is at that address takes no POST: correct `url`",
        407: "a proxy asks for a login: let this host reach the receiver directly",
        410: "the receiver wants no more messages at that address: correct `url`, or remove the sink",
        415: "the receiver does not take application/cloudevents+json: have it take CloudEvents in structured mode",
        431: "the receiver's limit of header sizes is too low: raise it there",
    }
)
"""By status; what is not in here is said in general."""


def meaning_of(status: int, *, conflict: ConflictMeaning) -> Meaning:
    """What a final answer of that status means.

    Args:
        status: as it stands in the answer, also outside 200..599.
        conflict: how this receiver uses 409.
    """
    if 200 <= status < 300:
        return Meaning.DELIVERED
    if status == 409 and conflict is ConflictMeaning.DUPLICATE:
        return Meaning.DELIVERED
    if status in _POISON:
        return Meaning.POISON
    if status in _TRY_AGAIN or not 300 <= status < 500:
        return Meaning.TRY_AGAIN
    return Meaning.PERSON_NEEDED


def what_to_do(status: int, *, location: str | None = None) -> str:
    """What a person does about an answer that needs one."""
    if 300 <= status < 400:
        # Without the query: a receiver that moved repeats ours, and tokens stand there.
        where = f" to {location.partition('?')[0][:200]!r}" if location else ""
        return (
            f"the receiver sends us elsewhere{where}, and signed messages follow nobody: put the final address in `url`"
        )
    return WHAT_TO_DO.get(status, "look into the receiver's log, and correct the sink's settings")


def retry_after_s(header: str | None, *, now: datetime) -> float | None:
    """How long a receiver asks to wait, in seconds, at most `LONGEST_WAIT_S`; None where it does not say.

    Args:
        header: Retry-After (RFC 9110, section 10.2.3): whole seconds, or a date.
        now: aware instant of the answer.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,18}", text):
        return min(float(text), LONGEST_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), LONGEST_WAIT_S)
