"""Which part this is: one book for ids from codes, from the PLC and from the MES."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lineside.station.part_codes.symbols import Code

MOST_CHARACTERS: Final = 128
"""Of a part id: what the server takes."""

_SHOWN: Final = 40


class IdentityOutcome(StrEnum):
    """How the question which part this is was answered; only `IDENTIFIED` may be judged."""

    IDENTIFIED = "identified"
    UNREAD = "unread"
    SEVERAL = "several"
    UNUSABLE = "unusable"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Identified:
    """The answer for one part.

    Attributes:
        outcome: how it was answered.
        part_id: the id; also that of a duplicate, for the report. None where there is no single usable one.
        message: what was found, for whoever reads the report; empty for a part that is identified.
        parts_ago: of a duplicate: how many parts ago the id was seen before.
    """

    outcome: IdentityOutcome
    part_id: str | None = None
    message: str = ""
    parts_ago: int | None = None

    @property
    def is_identified(self) -> bool:
        """Whether the part may be judged under its id."""
        return self.outcome is IdentityOutcome.IDENTIFIED


class PartIdentity:
    """The ids that passed lately.

    A part that stops the camera's view twice, a label printed twice and a reader that repeats its last answer all show
    as the same id again; such a part is set aside, for a verdict under it might belong to the other one. An id is
    remembered whether its part was identified or a duplicate, and forgotten after so many parts.

    Args:
        duplicate_within: parts, read or not, within which an id may not come again; at least 1.
    """

    def __init__(self, *, duplicate_within: int = 1000) -> None:
        if duplicate_within < 1:
            raise ValueError(f"duplicates within {duplicate_within} parts: expected at least 1")
        self._within = duplicate_within
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._parts = 0

    def from_codes(self, codes: Sequence[Code]) -> Identified:
        """Which part bears these codes; the same text in two symbols is one id."""
        texts = tuple(dict.fromkeys(code.text for code in codes))
        if len(texts) > 1:
            self._parts += 1
            shown = ", ".join(repr(text[:_SHOWN]) for text in texts[:4])
            return Identified(
                IdentityOutcome.SEVERAL,
                message=f"{len(texts)} codes read ({shown}); expected one: set region_xyxy_px around the part's own",
            )
        return self.from_text(texts[0] if texts else None)

    def from_text(self, text: str | None) -> Identified:
        """Which part this id names, wherever it came from.

        Args:
            text: as the code, the PLC or the MES gave it; None or blank where it gave none.
        """
        self._parts += 1
        if text is None or not text.strip():
            return Identified(IdentityOutcome.UNREAD, message="no part id read")
        trouble = _trouble_of(text)
        if trouble is not None:
            return Identified(IdentityOutcome.UNUSABLE, message=f"part id {text[:_SHOWN]!r}: {trouble}")
        before = self._remember(text)
        if before is not None:
            return Identified(
                IdentityOutcome.DUPLICATE,
                part_id=text,
                message=f"part id {text!r} was here {before} parts ago; expected none of the last {self._within}",
                parts_ago=before,
            )
        return Identified(IdentityOutcome.IDENTIFIED, part_id=text)

    def _remember(self, part_id: str) -> int | None:
        """Note the id; returns how many parts ago it was noted before, None if within the window it was not."""
        while self._seen and self._parts - next(iter(self._seen.values())) > self._within:
            self._seen.popitem(last=False)
        before = self._seen.pop(part_id, None)
        self._seen[part_id] = self._parts
        return None if before is None else self._parts - before


def _trouble_of(text: str) -> str | None:
    if len(text) > MOST_CHARACTERS:
        return f"{len(text)} characters; at most {MOST_CHARACTERS} are taken"
    if text != text.strip():
        return "blanks around it; have it written without"
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text):
        return "control characters in it (GS1 separators are some); have a plain identifier printed"
    return None
