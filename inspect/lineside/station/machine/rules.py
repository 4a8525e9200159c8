"""By which numbers a station acts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """From when on a permit comes too late: distance / speed - actuator time.

    With an encoder it is counted in counts: distance / mm_per_count, less what the belt moves in the actuator's time
    at the speed that is measured (at least `speed_mm_s` where that is given). Without one it is seconds from the
    trigger at `speed_mm_s`.

    Attributes:
        distance_mm: from trigger sensor to gate.
        speed_mm_s: of the belt; needed without an encoder.
        mm_per_count: of the encoder, None without one.
        actuator_s: from a permit on the wire to the gate open, the PLC's scan included.
        most_wait_s: a verdict that takes longer is late even where the belt stands.
    """

    distance_mm: float
    speed_mm_s: float | None = None
    mm_per_count: float | None = None
    actuator_s: float = 0.05
    most_wait_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a rule by which every part is late, or none can be."""
        for name in ("distance_mm", "speed_mm_s", "mm_per_count", "most_wait_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is {value}; expected above 0")
        if not (math.isfinite(self.actuator_s) and self.actuator_s >= 0):
            raise ValueError(f"actuator_s is {self.actuator_s}; expected 0 or more")
        if self.speed_mm_s is None and self.mm_per_count is None:
            raise ValueError("neither speed_mm_s nor mm_per_count: a deadline needs the speed or an encoder")
        if self.speed_mm_s is not None and self.distance_mm / self.speed_mm_s <= self.actuator_s:
            raise ValueError(
                f"{self.distance_mm} mm at {self.speed_mm_s} mm/s take no longer than the actuator "
                f"({self.actuator_s} s): every part would be late; move the gate or slow the belt"
            )

    @property
    def distance_counts(self) -> float | None:
        """From trigger to gate; None without an encoder."""
        return None if self.mm_per_count is None else self.distance_mm / self.mm_per_count


@dataclass(frozen=True, slots=True)
class EncoderRule:
    """What the encoder may do.

    Attributes:
        fastest_mm_s: a count that moves faster has jumped.
        backlash_counts: how far it may go back when the belt stops.
        stuck_s: how long it may stand while parts are under way and the PLC says that the line runs.
        jitter_s: by how much two reads may be further apart than the station's clock says.
    """

    fastest_mm_s: float = 5000.0
    backlash_counts: int = 10
    stuck_s: float = 1.0
    jitter_s: float = 0.02

    def __post_init__(self) -> None:
        """Refuse limits that nothing keeps."""
        if self.fastest_mm_s <= 0 or self.stuck_s <= 0:
            raise ValueError(f"fastest_mm_s {self.fastest_mm_s}, stuck_s {self.stuck_s}; expected above 0")
        if self.backlash_counts < 0 or self.jitter_s < 0:
            raise ValueError(f"backlash_counts {self.backlash_counts}, jitter_s {self.jitter_s}; expected 0 or more")


@dataclass(frozen=True, slots=True)
class MasterRules:
    """Masters: parts with known defects that the station must find.

    Attributes:
        parts: part id -> the classes that must be found on it; at least one each.
        every_s: how long a pass counts, None until the next shift or changeover.
        each_shift: whether they are due when a shift begins.
        after_changeover: whether they are due when the product changes.
    """

    parts: Mapping[str, frozenset[str]]
    every_s: float | None = None
    each_shift: bool = True
    after_changeover: bool = True

    def __post_init__(self) -> None:
        """Refuse masters that prove nothing."""
        if not self.parts:
            raise ValueError("masters without parts: name at least one, or leave the section out")
        for part_id, classes in self.parts.items():
            if not classes:
                raise ValueError(f"master {part_id!r} names no class that must be found on it")
        if self.every_s is not None and self.every_s <= 0:
            raise ValueError(f"every_s is {self.every_s}; expected above 0")


@dataclass(frozen=True, slots=True)
class MachineRules:
    """By which a station acts.

    Attributes:
        deadline: when a permit is too late.
        encoder: what the encoder may do; counts only where `deadline.mm_per_count` is given.
        most_in_flight: parts between camera and gate; 1 makes every job a SingleExecution.
        results_buffered: results that may wait for the PLC before Ready goes off.
        ack_timeout_s: how long the PLC may take in each phase of a handshake.
        link_timeout_s: how long inputs may fail, or the PLC's heartbeat stand, before nothing in flight may pass.
        confirm_required: whether every lane has a sensor that sees each part.
        confirm_within_counts: how far past the gate a sensor sees it at the latest, with an encoder.
        confirm_within_s: how long after it, without one.
        stop_after_not_inspected: NOT_INSPECTED parts in a row that stop the line; None never.
        stop_after_equal_defects: equal defects in a row that stop the line; None never.
        place_tolerance_mm: how far apart defects may be that count as equal.
        set_aside_audit: whether OK parts that a person is to look at go to re-inspection.
        names_from_plc: whether the PLC's part id is the name of the part: a verdict for another name then counts not.
        masters: None where there are none.
    """

    deadline: DeadlineRule
    encoder: EncoderRule = EncoderRule()
    most_in_flight: int = 16
    results_buffered: int = 8
    ack_timeout_s: float = 0.5
    link_timeout_s: float = 0.25
    confirm_required: bool = False
    confirm_within_counts: int = 1000
    confirm_within_s: float = 1.0
    stop_after_not_inspected: int | None = 5
    stop_after_equal_defects: int | None = 5
    place_tolerance_mm: float = 2.0
    set_aside_audit: bool = False
    names_from_plc: bool = True
    masters: MasterRules | None = None

    def __post_init__(self) -> None:
        """Refuse limits that nothing keeps."""
        for name in ("most_in_flight", "results_buffered", "confirm_within_counts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected 1 or more")
        if self.most_in_flight > 30_000:
            raise ValueError(f"most_in_flight is {self.most_in_flight}; acquisition ids have 16 bits: expected 30000")
        for name in ("ack_timeout_s", "link_timeout_s", "confirm_within_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected above 0")
        for name in ("stop_after_not_inspected", "stop_after_equal_defects"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; expected 1 or more, or none")
        if self.place_tolerance_mm < 0:
            raise ValueError(f"place_tolerance_mm is {self.place_tolerance_mm}; expected 0 or more")
