"""What the web station says: events for people, and what became of each region of the web."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from lineside.inspection.strips import WebDefect
from lineside.inspection.verdict import Judgement, Reason, Verdict


class WebEventKind(StrEnum):
    """What can happen, in the words of the station's reports to the server."""

    STARTED = "started"
    STOPPED = "stopped"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    FRAMES_LOST = "frames_lost"
    LINES_LOST = "lines_lost"
    ENCODER = "encoder"
    REGION_LATE = "web_region_late"
    IMAGE_HEALTH = "image_health"
    HANDSHAKE = "handshake"
    DISK_FULL = "disk_full"
    DEPLOYMENT_REFUSED = "deployment_refused"


@dataclass(frozen=True, slots=True)
class WebEvent:
    """Something that happened.

    Attributes:
        kind: what.
        message: for people: what was found, and what followed from it.
        at: aware UTC instant.
        from_mm: where on the web it begins; None where it is about the station.
        to_mm: where it ends, half-open.
    """

    kind: WebEventKind
    message: str
    at: datetime
    from_mm: float | None = None
    to_mm: float | None = None

    def as_document(self) -> dict[str, Any]:
        """For a JSON file."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "at": self.at.isoformat(),
            "from_mm": self.from_mm,
            "to_mm": self.to_mm,
        }


@dataclass(frozen=True, slots=True)
class RegionOutcome:
    """One region of the web, decided once and for all.

    Attributes:
        part_id: the region's name, of the roll's and its number.
        number: from 1 along the roll.
        from_mm: where it begins along the web.
        to_mm: where it ends, half-open.
        judgement: OK only if every line of it was looked at in time, and nothing found exceeds a limit.
        defects: what counts in it, also what began before it or ends after it.
        grade: by the first rule that it keeps; None for a region of which not all was looked at.
        decided_at: aware UTC instant.
        slack_s: seconds that were left until the region's beginning was too near to the reject point; negative is late,
            infinite while the web stands. None for a web that is only mapped.
        lines: first line of it, and one past the last.
    """

    part_id: str
    number: int
    from_mm: float
    to_mm: float
    judgement: Judgement
    defects: tuple[WebDefect, ...]
    grade: str | None
    decided_at: datetime
    slack_s: float | None
    lines: tuple[int, int] = (0, 0)

    @property
    def verdict(self) -> Verdict:
        """OK, NG or NOT_INSPECTED."""
        return self.judgement.verdict

    @property
    def is_examined(self) -> bool:
        """Whether all of it was looked at: a region that was late or has lines missing can be NG all the same."""
        return self.verdict is not Verdict.NOT_INSPECTED and all(reason.code.makes_ng for reason in self.reasons)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is not OK."""
        return self.judgement.reasons

    def as_document(self) -> dict[str, Any]:
        """For a JSON file; defects stand in the roll map."""
        return {
            "part_id": self.part_id,
            "from_mm": self.from_mm,
            "to_mm": self.to_mm,
            "verdict": self.verdict.value,
            "reasons": [{"code": reason.code.value, "message": reason.message} for reason in self.reasons],
            "defects": len(self.defects),
            "grade": self.grade,
            "decided_at": self.decided_at.isoformat(),
            "slack_s": None if self.slack_s is None or math.isinf(self.slack_s) else round(self.slack_s, 4),
        }


@dataclass(frozen=True, slots=True)
class WebFigures:
    """Counts of a run; each line that the camera counted is either read, or lost.

    Attributes:
        lines_read: lines that came.
        lines_lost: lines that the counter says there were, and that never came.
        lines_overrun: lines that left the ring before a tile with them was judged.
        tiles_judged: by the model.
        tiles_shed: not judged: too late, or their lines were gone.
        regions: by verdict.
        regions_late: decided after their beginning had reached the reject point.
        least_slack_s: of all regions that were decided in time; None without any.
        seconds: from the first line to the last, on the monotonic clock.
    """

    lines_read: int = 0
    lines_lost: int = 0
    lines_overrun: int = 0
    tiles_judged: int = 0
    tiles_shed: int = 0
    regions: Mapping[Verdict, int] = field(default_factory=lambda: MappingProxyType({}))
    regions_late: int = 0
    least_slack_s: float | None = None
    seconds: float = 0.0
