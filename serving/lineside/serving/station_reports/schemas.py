"""The JSON of a station's reports."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from lineside.serving.fields import Instant, Name, Prose
from lineside.serving.holds.schemas import storable


class ReportKind(StrEnum):
    """What a report is about."""

    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    FRAMES_LOST = "frames_lost"
    RIG_LOST = "rig_lost"
    RIG_BACK = "rig_back"
    HANDSHAKE = "handshake"
    TRIGGER_WHILE_BUSY = "trigger_while_busy"
    TRIGGER_MISSED = "trigger_missed"
    ENCODER = "encoder"
    LATE = "late"
    CODE_UNREAD = "code_unread"
    CODE_DUPLICATE = "code_duplicate"
    WRONG_PART = "wrong_part"
    BYPASS_ON = "bypass_on"
    BYPASS_OFF = "bypass_off"
    STOPPED = "stopped"
    STARTED = "started"
    UNCONFIRMED_REJECT = "unconfirmed_reject"
    WRONG_LANE = "wrong_lane"
    MASTER_PASSED = "master_passed"
    MASTER_MISSED = "master_missed"
    DISK_FULL = "disk_full"
    DISK_BACK = "disk_back"
    CLOCK = "clock"
    DEPLOYMENT_REFUSED = "deployment_refused"
    IMAGE_HEALTH = "image_health"
    LINES_LOST = "lines_lost"
    WEB_REGION_LATE = "web_region_late"
    INTERNAL = "internal"

    @property
    def holds_parts(self) -> bool:
        """Whether parts may have gone on that nobody looked at well: they are held until a person has."""
        return self in (ReportKind.BYPASS_ON, ReportKind.MASTER_MISSED, ReportKind.WRONG_LANE)


class ReportSeverity(StrEnum):
    """How much it asks of people."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


def _storable(evidence: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if evidence is not None:
        storable(({"report_id": "-" * 36, "at": "-" * 32}, evidence))  # as a hold will have it
    return evidence


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class StationReportIn(_Shape):
    """Something that a station met, told when it can be."""

    kind: ReportKind
    severity: ReportSeverity
    message: Prose
    at: Instant
    part_id: Name | None = None
    acquisition_id: int | None = Field(default=None, ge=0, le=0xFFFF)
    lot: Name | None = Field(default=None, description="Left out: the lot that the station works on.")
    evidence: Annotated[Mapping[str, Any] | None, AfterValidator(_storable)] = None


class StationReportOut(StationReportIn):
    """A report as recorded. Also the data of the event `station_report.v1`."""

    id: str
    station: str
    hold_id: str | None = Field(description="The hold that it brought about.")
    recorded_at: datetime
    recorded_by: str


class StationReportList(_Shape):
    """A station's reports, newest first; at most as many as were asked for."""

    items: tuple[StationReportOut, ...]
