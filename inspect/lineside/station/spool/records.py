"""What a station writes down of a part: trigger, name, verdict, fate; and what it met, as reports.

A part's records carry one UUID that the station makes at the trigger (version 7, `lineside.client.identifiers`).
Writing the very same record again changes nothing, so whoever does not know whether it was written writes it again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from lineside.inspection.inspector import EncodedFrame
from lineside.inspection.verdict import Verdict
from lineside.station.rig import Lane
from lineside.station.spool.judgement import StationJudgement


@dataclass(frozen=True, slots=True)
class TriggerRecord:
    """A part stood at the camera.

    Attributes:
        id: the UUID of this attempt, made now.
        acquisition_id: the PLC's, 16 bits.
        encoder: counts at the trigger.
        at: aware instant of the trigger.
        part_id: which part it is, None if that is read later.
        lot: that was being made.
    """

    id: str
    acquisition_id: int
    encoder: int
    at: datetime
    part_id: str | None = None
    lot: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no identifier, no instant or no 16-bit number."""
        _check_uuid(self.id)
        _check_aware("at", self.at)
        if not 0 <= self.acquisition_id <= 0xFFFF:
            raise ValueError(f"acquisition id {self.acquisition_id}: expected 0 to 65535")


@dataclass(frozen=True, slots=True)
class AskedRecord:
    """The server is about to be asked for a verdict: from now on it may hold one that we did not hear.

    Attributes:
        id: of the trigger.
        part_id: under which it is asked.
        digests: lowercase hex SHA-256 of each view that is sent: how its answer is known again.
    """

    id: str
    part_id: str
    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AnsweredRecord:
    """The server's verdict, as it was answered; the server has the record.

    Attributes:
        id: of the trigger.
        part_id: which part.
        inspection_id: the server's name of it.
        verdict: the server's.
        at: aware instant at which the answer came.
    """

    id: str
    part_id: str
    inspection_id: str
    verdict: Verdict
    at: datetime

    def __post_init__(self) -> None:
        """Refuse an instant without a zone."""
        _check_aware("at", self.at)


@dataclass(frozen=True, slots=True)
class JudgedView:
    """One view that the station has.

    Attributes:
        encoded: the body, exactly as it was judged.
        sequence: the camera's count of it.
        encoder: the camera's encoder count at exposure; None where it knows none.
    """

    encoded: EncodedFrame = field(repr=False)
    sequence: int | None = None
    encoder: int | None = None


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """A verdict of the station's own, for the server to take in.

    Attributes:
        id: of the trigger; also the inspection's at the server.
        part_id: which part; a name that no part bears where it has none.
        judgement: of the own engine, or NOT_INSPECTED with its reason.
        opened_at: aware instant of the trigger.
        judged_at: aware instant of the verdict; taken as `opened_at` where the clock stepped back in between.
        views: by name, those the recipe asks for that were taken; empty where there is no whole frame or no recipe.
    """

    id: str
    part_id: str
    judgement: StationJudgement
    opened_at: datetime
    judged_at: datetime
    views: Mapping[str, JudgedView] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what the server would refuse."""
        _check_uuid(self.id)
        _check_aware("opened_at", self.opened_at)
        _check_aware("judged_at", self.judged_at)
        if self.views and self.judgement.recipe is None:
            raise ValueError(f"part {self.part_id!r} has views without a recipe that asks for them")
        if not self.views and self.judgement.verdict is not Verdict.NOT_INSPECTED:
            raise ValueError(f"part {self.part_id!r} is {self.judgement.verdict} without a view")


@dataclass(frozen=True, slots=True)
class DispositionRecord:
    """Where a part went.

    Attributes:
        id: of the trigger.
        lane: at the gate.
        is_confirmed: whether a sensor saw it.
        at: aware instant.
    """

    id: str
    lane: Lane
    is_confirmed: bool
    at: datetime

    def __post_init__(self) -> None:
        """Refuse an instant without a zone."""
        _check_aware("at", self.at)


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """Something that the station met.

    Attributes:
        id: a UUID of its own.
        kind: as `PUT /v1/stations/{id}/reports/{report_id}` knows them, e.g. "camera_lost".
        severity: "info", "warning" or "alarm".
        message: for people.
        at: aware instant.
        part_id: the part that it is about.
        acquisition_id: its acquisition.
        lot: the lot that it is about; None for the station's own.
        evidence: what speaks for it, as JSON.
    """

    id: str
    kind: str
    severity: str
    message: str
    at: datetime
    part_id: str | None = None
    acquisition_id: int | None = None
    lot: str | None = None
    evidence: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no identifier or no instant."""
        _check_uuid(self.id)
        _check_aware("at", self.at)


def _check_uuid(text: str) -> None:
    try:
        found = str(UUID(text))
    except ValueError:
        found = ""
    if found != text:
        raise ValueError(f"{text!r} is no UUID in its usual lower-case form")


def _check_aware(name: str, instant: datetime) -> None:
    if instant.tzinfo is None:
        raise ValueError(f"{name} {instant} has no time zone: give an aware instant")
