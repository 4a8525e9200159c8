"""The draws for human eyes, of passed parts (audit) and of flagged ones (confirmation), which nobody can foresee.

Only a random draw of passed parts can estimate escapes, and only if the chance of each part is known. A keyed
hash decides: whoever does not hold the plant's secret cannot tell which parts will be drawn, and the draw can
be checked afterwards. Every attempt of a part in a lot gets the same draw, so inspecting a part again does
not draw it anew.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

_MIN_SECRET_BYTES = 16
_AUDIT = b"lineside.audit/1"
_CONFIRMATION = b"lineside.confirmation/1"
_BITS = 53
"""A double's mantissa: a number of this many bits divided by 2**53 is exact and below 1."""


@dataclass(frozen=True, slots=True)
class PlantSecret:
    """The key of a plant's audit draws. Its text form hides it, so that it cannot reach a log.

    Attributes:
        value: at least 16 random bytes; the same for the life of the plant's ledger.
    """

    value: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a key that could be guessed."""
        if len(self.value) < _MIN_SECRET_BYTES:
            raise ValueError(
                f"the plant secret has {len(self.value)} bytes; expected at least {_MIN_SECRET_BYTES} random ones"
            )


@dataclass(frozen=True, slots=True)
class AuditDraw:
    """The outcome of one draw.

    Attributes:
        is_drawn: whether the part is to be reviewed if it passes.
        probability: the chance that it was, in [0, 1]: the weight of what the review finds is 1 /
            probability.
    """

    is_drawn: bool
    probability: float


def draw_audit(secret: PlantSecret, *, part_id: str, lot: str | None, share: float) -> AuditDraw:
    """Draw a part, or not.

    HMAC-SHA256 (RFC 2104, FIPS 198-1) under a secret key is a pseudorandom function: its output is taken as a
    uniform number in [0, 1) and compared with the share.

    Args:
        secret: the plant's.
        part_id: the part.
        lot: its lot, None if it has none (which differs from a lot with an empty name).
        share: of parts to draw, in [0, 1]; a part drawn at a share is also drawn at every larger one.

    Raises:
        ValueError: the share is not in [0, 1].
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"the audit share is {share}; expected a number in [0, 1]")
    return AuditDraw(is_drawn=uniform_of_part(secret, part_id=part_id, lot=lot) < share, probability=share)


def draw_confirmation(secret: PlantSecret, *, part_id: str, lot: str | None, share: float) -> AuditDraw:
    """Draw a flagged part for confirmation by a human, or not; as `draw_audit`, and independent of it.

    Args:
        secret: the plant's.
        part_id: the part.
        lot: its lot, None if it has none.
        share: of flagged parts to draw, above 0 and up to 1; with 0 nothing would be known of any of them.

    Raises:
        ValueError: the share is not in (0, 1].
    """
    if not 0.0 < share <= 1.0:
        raise ValueError(f"the confirmation share is {share}; expected a number above 0 and up to 1")
    uniform = uniform_of_part(secret, part_id=part_id, lot=lot, purpose=_CONFIRMATION)
    return AuditDraw(is_drawn=uniform < share, probability=share)


def uniform_of_part(secret: PlantSecret, *, part_id: str, lot: str | None, purpose: bytes = _AUDIT) -> float:
    """The part's number in [0, 1), uniform over parts for whoever lacks the secret; each purpose has its own."""
    message = _field(part_id) + (b"-" if lot is None else b"+" + _field(lot))
    digest = hmac.new(secret.value, purpose + message, hashlib.sha256).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _BITS)) / float(2**_BITS)


def _field(text: str) -> bytes:
    """Text with its length before it, so that no two pairs of part and lot give one message."""
    encoded = text.encode("utf-8")
    return len(encoded).to_bytes(8, "big") + encoded
