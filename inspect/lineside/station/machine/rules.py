"""By which rules a station acts. Nothing of it is a property of the program: every line has its own."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MasterRules:
    """Known-defect parts that are shown to the station to see whether it still finds them.

    Attributes:
        parts: by part_id, the classes that have to be found on it.
        after_changeover: whether another product has them shown again.
        every_s: seconds after which they are due again; None for when the runtime says so alone.
    """

    parts: Mapping[str, frozenset[str]]
    after_changeover: bool = True
    every_s: float | None = None

    def __post_init__(self) -> None:
        """Refuse masters that prove nothing."""
        if not self.parts:
            raise ValueError("masters name no part; expected at least one part with the classes to be found on it")
        empty = sorted(part for part, classes in self.parts.items() if not classes)
        if empty:
            raise ValueError(f"master {empty[0]!r} has no class to be found; a part without a defect proves nothing")
        if self.every_s is not None and self.every_s <= 0:
            raise ValueError(f"masters every {self.every_s:g} s; expected more than 0")


@dataclass(frozen=True, slots=True)
class EncoderRules:
    """How the encoder behaves while all is well.

    Attributes:
        mm_per_count: its scale, of positive counts in the direction of travel.
        max_step: most counts from one scan to the next.
        max_back: counts that it may run back, as a belt that is braked does.
        min_between_parts: least counts between two triggers: fewer mean that it stands while parts come.
        stuck_s: how long it may stand while parts are on their way and the PLC does not say `stopped`; None for lines
            that stop without saying so.
    """

    mm_per_count: float
    max_step: int = 10_000
    max_back: int = 5
    min_between_parts: int = 1
    stuck_s: float | None = 2.0

    def __post_init__(self) -> None:
        """Refuse scales that give no position."""
        if not (math.isfinite(self.mm_per_count) and self.mm_per_count > 0):
            raise ValueError(f"mm_per_count {self.mm_per_count}; expected more than 0")
        if self.stuck_s is not None and not self.stuck_s > 0:
            raise ValueError(f"stuck_s is {self.stuck_s}; expected more than 0, or none")
        if self.max_step < 1 or self.max_back < 0 or self.min_between_parts < 0:
            raise ValueError(
                f"encoder limits {self.max_step}, {self.max_back}, {self.min_between_parts}: expected at least 1, 0, 0"
            )


@dataclass(frozen=True, slots=True)
class MachineRules:
    """By which rules a station acts.

    Attributes:
        distance_mm: from the camera to where the part is sorted.
        speed_mm_s: the line's highest speed: what the actuator's time is in millimetres, and without an encoder, how
            long a part takes.
        actuator_s: from the permit to the moved gate.
        encoder: None where the line has none; then the deadline is a time.
        most_in_flight: parts between camera and gate.
        results_buffered: results that may wait for the PLC; with so many Ready goes off until it takes one.
        ack_timeout_s: longest phase of a handshake.
        heartbeat_timeout_s: longest that the PLC's heartbeat may stand still.
        confirm_within_mm: how far behind the gate the sensors see a part; None where there is no sensor.
        confirm_within_s: the same as a time, for lines without an encoder.
        stop_after_not_inspected: parts in a row; None for never.
        stop_after_equal_defects: parts in a row with one defect at one place; None for never.
        equal_within_px: how near is one place, in the view's pixels: not every recipe has a scale.
        set_aside_audit: whether drawn parts go to the re-inspect lane.
        masters: None where no master samples are shown.
    """

    distance_mm: float
    speed_mm_s: float
    actuator_s: float = 0.0
    encoder: EncoderRules | None = None
    most_in_flight: int = 64
    results_buffered: int = 8
    ack_timeout_s: float = 1.0
    heartbeat_timeout_s: float = 1.0
    confirm_within_mm: float | None = None
    stop_after_not_inspected: int | None = 5
    stop_after_equal_defects: int | None = 5
    equal_within_px: float = 20.0
    set_aside_audit: bool = False
    masters: MasterRules | None = None

    def __post_init__(self) -> None:
        """Refuse rules under which no part could ever be judged in time."""
        for name in ("distance_mm", "speed_mm_s", "ack_timeout_s", "heartbeat_timeout_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; expected more than 0")
        if not (math.isfinite(self.actuator_s) and self.actuator_s >= 0):
            raise ValueError(f"actuator_s is {self.actuator_s}; expected 0 or more")
        if self.reach_mm <= 0:
            raise ValueError(
                f"the actuator takes {self.actuator_s:g} s, in which a part moves {self.lead_mm:g} mm of its "
                f"{self.distance_mm:g}: nothing is left to judge in; move the gate, or slow the line"
            )
        if self.most_in_flight < 1 or self.results_buffered < 1:
            raise ValueError("most_in_flight and results_buffered are at least 1")
        if self.confirm_within_mm is not None and self.confirm_within_mm <= 0:
            raise ValueError(f"confirm_within_mm is {self.confirm_within_mm}; expected more than 0")
        for name in ("stop_after_not_inspected", "stop_after_equal_defects"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise ValueError(f"{name} is {limit}; expected at least 1, or none")
        if self.equal_within_px < 0:
            raise ValueError(f"equal_within_px is {self.equal_within_px}; expected 0 or more")

    @property
    def lead_mm(self) -> float:
        """How far a part moves while the gate does."""
        return self.actuator_s * self.speed_mm_s

    @property
    def reach_mm(self) -> float:
        """How far a part moves from its trigger before it is too late for a permit."""
        return self.distance_mm - self.lead_mm

    @property
    def reach_s(self) -> float:
        """The same as a time at the highest speed: distance over speed less the actuator's time."""
        return self.reach_mm / self.speed_mm_s

    @property
    def reach_counts(self) -> int | None:
        """The same in counts; None without an encoder."""
        return None if self.encoder is None else math.floor(self.reach_mm / self.encoder.mm_per_count)
