"""What the machine asks the runtime to do. None of it is waited for; its end comes back as a happening."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from lineside.inspection.verdict import ReasonCode
from lineside.station.rig.records import Lane


class Severity(StrEnum):
    """How much a report asks of people."""

    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take all pictures of a part, name it, have it judged.

    Attributes:
        acquisition_id: the PLC's number of the trigger.
        encoder: counts at the trigger.
        part_id: the PLC's name of the part, None where it has none.
        until_s: monotonic; a verdict after it is of no use. Infinite where only the encoder tells.
        is_master: whether the part is a master sample.
    """

    acquisition_id: int
    encoder: int
    part_id: str | None
    until_s: float
    is_master: bool = False


@dataclass(frozen=True, slots=True)
class RecordNotInspected:
    """Write down a part that was triggered and that nobody was asked to look at.

    Attributes:
        acquisition_id: the PLC's number of the trigger.
        encoder: counts at the trigger.
        part_id: the PLC's name of the part.
        code: why.
        message: in words.
    """

    acquisition_id: int
    encoder: int
    part_id: str | None
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Dispose:
    """Write down where a part went.

    Attributes:
        acquisition_id: whose.
        lane: where.
        is_confirmed: whether a sensor saw it there.
    """

    acquisition_id: int
    lane: Lane
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the plant of something.

    Attributes:
        kind: a kind of the server's station reports.
        severity: how much it asks of people.
        message: in words.
        acquisition_id: of the part that it is about.
        evidence: what speaks for it.
    """

    kind: str
    severity: Severity
    message: str
    acquisition_id: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


Effect: TypeAlias = Acquire | RecordNotInspected | Dispose | Report
