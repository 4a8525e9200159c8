"""What physically happened on the line: the truth that a station's records are held against."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from lineside.station.rig.records import Lane


class Why(StrEnum):
    """Why a part went where it went."""

    PERMIT = "permit"
    NO_PERMIT = "no_permit"
    REINSPECT = "reinspect"
    NOT_TRIGGERED = "not_triggered"
    EXPIRED = "expired"
    VOIDED = "voided"
    UNTRACKED = "untracked"
    BYPASS = "bypass"
    GATE_JAMMED = "gate_jammed"


@dataclass(frozen=True, slots=True)
class PartTruth:
    """One part that has left the gate.

    Attributes:
        number: of the part on the line, from 1.
        part_id: its identifier, None where it has none.
        acquisition_id: that the PLC gave it at the trigger, None where it was not triggered.
        lane: where it physically went.
        why: the reason.
        ruled: where the PLC's programme wanted it; differs from `lane` where the gate jammed.
        seen_s: when it passed the trigger sensor, on the line's clock.
        left_s: when it passed the gate.
    """

    number: int
    part_id: str | None
    acquisition_id: int | None
    lane: Lane
    why: Why
    ruled: Lane
    seen_s: float
    left_s: float


@dataclass(slots=True)
class LineCounts:
    """What the PLC's programme has counted."""

    triggers: int = 0
    triggers_acknowledged: int = 0
    triggers_unanswered: int = 0
    parts_not_triggered: int = 0
    phantom_triggers: int = 0
    results: int = 0
    results_refused: int = 0
    permits: int = 0
    heartbeats_lost: int = 0
    encoder_faults: int = 0
    confirmations: int = 0
    stops: int = 0


@dataclass(frozen=True, slots=True)
class LineTruth:
    """The line's whole account.

    Attributes:
        parts: in the order in which they left.
        counts: of the PLC.
    """

    parts: Sequence[PartTruth]
    counts: LineCounts = field(default_factory=LineCounts)

    @property
    def lanes(self) -> Mapping[Lane, int]:
        """How many parts went where."""
        found = Counter(part.lane for part in self.parts)
        return MappingProxyType({lane: found[lane] for lane in Lane})

    @property
    def reasons(self) -> Mapping[Why, int]:
        """How many parts went where they went for which reason."""
        found = Counter(part.why for part in self.parts)
        return MappingProxyType({why: found[why] for why in Why})

    @property
    def passed_without_permit(self) -> tuple[PartTruth, ...]:
        """Parts in the pass lane that no permit let there; a bypass and a jammed gate among them."""
        return tuple(part for part in self.parts if part.lane is Lane.PASS and part.why is not Why.PERMIT)
