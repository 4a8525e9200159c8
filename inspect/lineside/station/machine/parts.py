"""The parts between camera and gate, by acquisition id: what is known of each, and until when it may get a permit.

A part's lane is decided once. A permit can still be taken back; one that the PLC has taken, only where it may be taken
for another part's.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from lineside.station.machine.rules import MachineRules
from lineside.station.rig.records import Lane


class Stage(Enum):
    """How far a part is."""

    ACQUIRING = auto()
    JUDGING = auto()
    DECIDED = auto()
    """Its result waits for the PLC, or stands at its outputs."""
    TOLD = auto()
    """The PLC has taken its result, or it is given up; what its sensors see is waited for."""


@dataclass(slots=True)
class TrackedPart:
    """One part on its way.

    Attributes:
        acquisition_id: the PLC's number.
        encoder: counts at the trigger.
        triggered_s: monotonic.
        part_id: what it is called; None until it is known.
        is_master: whether it is a master sample.
        was_announced: whether a person said so, whatever its record calls it.
        stage: how far it is.
        lane: where it is to go.
        may_pass: whether it earned a permit: an inspected OK, in time.
        decided_s: when its lane was decided.
        was_taken: whether the PLC took its result.
        has_pictures: whether all its pictures were taken.
        is_barred: whether it gets no permit under any verdict.
        was_bypassed: whether the bypass key was turned while it was on its way: the PLC then lets it pass.
        was_permit_shown: whether the PLC can have seen a permit for it.
        untracked_s: since when its count tells nothing any more (encoder, PLC away); None while it does.
    """

    acquisition_id: int
    encoder: int
    triggered_s: float
    part_id: str | None
    is_master: bool = False
    was_announced: bool = False
    stage: Stage = Stage.ACQUIRING
    lane: Lane = Lane.REINSPECT
    may_pass: bool = False
    decided_s: float = math.inf
    was_taken: bool = False
    has_pictures: bool = False
    is_barred: bool = False
    was_bypassed: bool = False
    was_permit_shown: bool = False
    untracked_s: float | None = None

    def decide(self, lane: Lane, *, now_s: float) -> None:
        """Its lane stands; only PASS is a permit, and only for a part that is not barred."""
        lane = Lane.REINSPECT if lane is Lane.PASS and self.is_barred else lane
        self.stage, self.lane, self.may_pass, self.decided_s = Stage.DECIDED, lane, lane is Lane.PASS, now_s

    @property
    def likely_lane(self) -> Lane:
        """Where it went if no sensor says: what the PLC did not take is rejected by default.

        A permit that stood and was not acknowledged may have been taken all the same: no part that can have gone on is
        written down as rejected.
        """
        if self.was_taken:
            return self.lane
        return Lane.PASS if self.was_permit_shown else Lane.REJECT

    def bar(self) -> None:
        """It gets no permit any more, whatever its verdict will be; one that the PLC has taken stays."""
        self.is_barred = True
        self.lose_permit()

    def revoke(self, *, now_s: float) -> None:
        """Bar it, and where the PLC has taken its permit, have its result told again without one, which voids it."""
        if self.may_pass and self.was_taken:
            self.was_taken = False
            self.decide(Lane.REINSPECT, now_s=now_s)
        self.bar()

    def lose_permit(self) -> None:
        """It goes to be inspected again, unless the PLC has its permit already."""
        if self.may_pass and not self.was_taken:
            self.may_pass, self.lane = False, Lane.REINSPECT


@dataclass(frozen=True, slots=True)
class Reach:
    """Until when a part may get a permit, and when its sensors should have seen it.

    Attributes:
        rules: distances, speed and scale.
    """

    rules: MachineRules

    def is_late(self, part: TrackedPart, *, now_s: float, encoder: int) -> bool:
        """Whether a permit would come when the gate cannot follow any more: distance / speed - actuator's time."""
        if part.untracked_s is not None:
            return True
        counts = self.rules.reach_counts
        if counts is not None:
            return encoder - part.encoder > counts
        return now_s - part.triggered_s > self.rules.reach_s

    def until_s(self, now_s: float) -> float:
        """When a part that is triggered now is too late, at the line's highest speed."""
        return now_s + self.rules.reach_s

    def is_unseen(self, part: TrackedPart, *, now_s: float, encoder: int) -> bool:
        """Whether the sensors behind the gate should have seen the part by now."""
        within_mm = self.rules.confirm_within_mm
        if within_mm is None:
            return False
        past_mm = self.rules.distance_mm + within_mm
        if part.untracked_s is not None:
            return now_s - part.untracked_s > past_mm / self.rules.speed_mm_s
        if self.rules.encoder is not None:
            return (encoder - part.encoder) * self.rules.encoder.mm_per_count > past_mm
        return now_s - part.triggered_s > past_mm / self.rules.speed_mm_s
