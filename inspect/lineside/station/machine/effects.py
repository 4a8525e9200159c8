"""What the machine asks the runtime to do; each is begun at once and its end comes back as a happening."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lineside.inspection.verdict import ReasonCode
from lineside.station.rig import Lane, Outputs


class ReportKind(StrEnum):
    """Kinds of reports that the machine makes, as `PUT /v1/stations/{id}/reports/{report_id}` knows them."""

    HANDSHAKE = "handshake"
    TRIGGER_WHILE_BUSY = "trigger_while_busy"
    TRIGGER_MISSED = "trigger_missed"
    ENCODER = "encoder"
    LATE = "late"
    WRONG_PART = "wrong_part"
    BYPASS_ON = "bypass_on"
    BYPASS_OFF = "bypass_off"
    STOPPED = "stopped"
    STARTED = "started"
    UNCONFIRMED_REJECT = "unconfirmed_reject"
    WRONG_LANE = "wrong_lane"
    MASTER_PASSED = "master_passed"
    MASTER_MISSED = "master_missed"


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take all views of a part and judge it: ends with Acquired or AcquisitionFailed, then Judged or JudgeFailed.

    Attributes:
        number: the machine's count of triggers, from 1; never comes twice in a run.
        acquisition_id: the PLC's, 16 bits.
        encoder: counts at the trigger.
        part_id: the PLC's, or the announced master's; None where there is none.
        seen_s: when the trigger was seen, on the machine's clock.
        until_s: when a verdict is expected to be of no use any more; the machine itself goes by the encoder.
        is_master: whether it is known to be a master; one of known code is recognised by its verdict's part id.
    """

    number: int
    acquisition_id: int
    encoder: int
    part_id: str | None
    seen_s: float
    until_s: float
    is_master: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """A trigger came that is not acquired: write it down with a verdict NOT_INSPECTED. No happening answers it.

    Attributes:
        number: as in `Acquire`; a `Dispose` of it follows.
        acquisition_id: the PLC's.
        encoder: counts when it was seen.
        part_id: the PLC's.
        seen_s: when it was seen.
        code: for the record.
        message: for people.
    """

    number: int
    acquisition_id: int
    encoder: int
    part_id: str | None
    seen_s: float
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Dispose:
    """Where a part went; exactly one for each `Acquire` and each `Miss`, maybe before its verdict.

    Attributes:
        number: of the part.
        lane: where a sensor saw it, or where it should have gone.
        is_confirmed: whether a sensor saw it.
    """

    number: int
    lane: Lane
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Withhold:
    """A part that is being judged may not pass any more, whatever its verdict: cut its judging short if that helps.

    Attributes:
        number: of the part.
        code: for its record, if it has no verdict yet.
        message: for people.
    """

    number: int
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """Tell people.

    Attributes:
        kind: what it is about.
        severity: as the server knows them.
        message: one sentence.
        number: the part that it is about.
    """

    kind: ReportKind
    severity: Literal["info", "warning", "alarm"]
    message: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class HoldSince:
    """A master was missed: hold what was inspected since the last one that passed.

    Attributes:
        since_number: the trigger of the last master that passed; 0 for all since the station started.
        part_id: the master that was missed.
    """

    since_number: int
    part_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The line was told to stop; it stands until reset. A report goes with it."""

    reason: str


Effect = Acquire | Miss | Dispose | Withhold | Report | HoldSince | Stop


@dataclass(frozen=True, slots=True)
class Step:
    """One scan's result.

    Attributes:
        outputs: for the PLC.
        effects: for the runtime, in order.
    """

    outputs: Outputs
    effects: tuple[Effect, ...]
