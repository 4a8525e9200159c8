"""Which part a trigger is of: from its code, from the PLC, or numbered within the MES's order; all in one book.

A part without an identifier of its own still has a record: under a name that no part bears, NOT_INSPECTED.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from lineside.inspection.verdict import ReasonCode
from lineside.station.agent.configuration import PartIdInFile
from lineside.station.agent.workers import Workers
from lineside.station.cameras import CameraFrame
from lineside.station.part_codes import CodeFormat, Identified, IdentityOutcome, PartIdentity, Region, read_codes

_NAMELESS: Final = "unidentified"
_SHORT_ID: Final = 12

_CODES: Mapping[IdentityOutcome, ReasonCode] = MappingProxyType(
    {
        IdentityOutcome.UNREAD: ReasonCode.CODE_UNREAD,
        IdentityOutcome.SEVERAL: ReasonCode.CODE_UNREAD,
        IdentityOutcome.UNUSABLE: ReasonCode.CODE_UNREAD,
        IdentityOutcome.DUPLICATE: ReasonCode.CODE_DUPLICATE,
    }
)


@dataclass(frozen=True, slots=True)
class PartName:
    """What a part is called in all records.

    Attributes:
        part_id: its own identifier, or one that no part bears.
        code: why it may not be judged, None if it may.
        message: what was found, for whoever reads the report.
        read: of a duplicate: the identifier that was there before.
        master: of a master sample: its own name; in records each showing has one of its own, as each is a part.
        is_numbered: whether the station numbered it within an order; what the PLC calls such a part is no matter.
    """

    part_id: str
    code: ReasonCode | None = None
    message: str = ""
    read: str | None = None
    master: str | None = None
    is_numbered: bool = False

    @property
    def is_made_up(self) -> bool:
        """Whether it is a name of the station's own, that no part bears."""
        return self.code is not None or self.is_numbered


class PartNames:
    """Names parts as the file says.

    Args:
        rules: the file's.
        workers: where codes are read.
        masters: names of master samples: they come again and again.
    """

    def __init__(self, rules: PartIdInFile, workers: Workers, *, masters: Collection[str] = ()) -> None:
        self._masters = frozenset(masters)
        self._source = rules.from_
        self._view = rules.view
        self._formats = frozenset(CodeFormat(name) for name in rules.formats)
        self._region: Region | None = None
        if rules.region_xyxy_px is not None:
            left, top, right, bottom = rules.region_xyxy_px
            self._region = (left, top, right, bottom)
        self._book = PartIdentity(duplicate_within=rules.duplicate_within)
        self._workers = workers

    @property
    def needs_picture(self) -> bool:
        """Whether a part has no name before its picture is there."""
        return self._source == "code"

    def of_master(self, attempt_id: str, part_id: str | None) -> PartName | None:
        """The name of a master sample that the PLC named, or a person announced; None if it is none.

        It needs no picture for it, also where other parts do.
        """
        if part_id is None or part_id not in self._masters:
            return None
        return PartName(f"{part_id}.{_short(attempt_id)}", master=part_id)

    def from_words(self, attempt_id: str, *, plc: str | None, order_id: str | None) -> PartName:
        """The name of a part that needs no picture for it.

        Args:
            attempt_id: the UUID of this attempt.
            plc: what the PLC gave with the trigger.
            order_id: the MES's order; its parts are numbered by the station, as no MES names each.
        """
        if self._source == "mes":
            numbered = self._book.from_text(f"{order_id or _NAMELESS}.{_short(attempt_id)}")
            return replace(self._named(numbered, attempt_id), is_numbered=True)
        return self._named(self._book.from_text(plc), attempt_id)

    async def from_picture(self, attempt_id: str, frames: Mapping[str, CameraFrame]) -> PartName:
        """The name that the part bears as a code."""
        view = self._view or next(iter(frames), None)
        frame = None if view is None else frames.get(view)
        if frame is None:
            return nameless(attempt_id, code=ReasonCode.NO_FRAME, message="no picture of the view that shows the code")
        codes = await self._workers.on_pictures(
            read_codes, frame.image, formats=self._formats, region_xyxy_px=self._region
        )
        return self._named(self._book.from_codes(codes), attempt_id)

    def _named(self, found: Identified, attempt_id: str) -> PartName:
        master = self.of_master(attempt_id, found.part_id)
        if master is not None:
            return master
        if found.is_identified and found.part_id is not None:
            return PartName(found.part_id)
        return nameless(attempt_id, code=_CODES[found.outcome], message=found.message, read=found.part_id)


def nameless(attempt_id: str, *, code: ReasonCode, message: str, read: str | None = None) -> PartName:
    """The name of a part that has none, or has another's."""
    return PartName(f"{_NAMELESS}.{_short(attempt_id)}", code, message, read)


def _short(attempt_id: str) -> str:
    return attempt_id.replace("-", "")[-_SHORT_ID:]
