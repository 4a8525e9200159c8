"""How a simulated line is built, and by which times its PLC's programme goes."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

MAX_ACQUISITION_ID: Final = 65_535
"""16 bits; 0 means none."""


class Spacing(Protocol):
    """The distances between parts."""

    def next_mm(self, number: int, rng: random.Random) -> float:
        """From part `number` - 1 (or the start) to part `number`; above 0."""
        ...


@dataclass(frozen=True, slots=True)
class EvenSpacing:
    """Distances drawn evenly between two bounds.

    Attributes:
        least_mm: above 0.
        most_mm: the same as `least_mm` for a fixed pitch.
    """

    least_mm: float
    most_mm: float

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not 0 < self.least_mm <= self.most_mm:
            raise ValueError(f"spacing from {self.least_mm} to {self.most_mm} mm: expected 0 < least <= most")

    def next_mm(self, number: int, rng: random.Random) -> float:  # noqa: ARG002 - a given list needs it
        """A distance of its own for every part."""
        return rng.uniform(self.least_mm, self.most_mm)


@dataclass(frozen=True, slots=True)
class GivenSpacing:
    """Distances as given, one for each part, then from the beginning again.

    Attributes:
        distances_mm: each above 0; at least one.
    """

    distances_mm: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what is no list of distances."""
        if not self.distances_mm or min(self.distances_mm) <= 0:
            raise ValueError(f"distances {self.distances_mm} mm: expected one or more, each above 0")

    def next_mm(self, number: int, rng: random.Random) -> float:  # noqa: ARG002 - a drawn one needs it
        """The next of them."""
        return self.distances_mm[(number - 1) % len(self.distances_mm)]


def numbered_parts(number: int) -> str | None:
    """The identifiers P000001, P000002, ..."""
    return f"P{number:06d}"


@dataclass(frozen=True, slots=True)
class LineSettings:
    """One line.

    Attributes:
        speed_mm_s: of the belt.
        mm_per_count: of the encoder.
        spacing: between parts.
        parts: how many come; None never ends.
        part_ids: gives each part's identifier, by its number from 1.
        gate_at_mm: from the trigger sensor to the gate.
        gate_window_mm: how far a part may be from where the PLC expects it at the gate; less than half the least
            distance between parts, or neighbours cannot be told apart.
        confirm_at_mm: from the gate to the sensors of the lanes.
        has_reinspect_lane: whether there is a third lane; without one such parts are rejected.
        scan_s: of the PLC's programme.
        heartbeat_timeout_s: how long the station's heartbeat may stand before all permits are void.
        permit_age_s: how long a permit is good for after it came.
        ack_timeout_s: how long the PLC waits in each phase of the trigger's handshake.
        wants_ready: whether it triggers only while the station says ready.
        first_acquisition_id: of the first trigger.
        seed: of what is drawn.
    """

    speed_mm_s: float = 200.0
    mm_per_count: float = 0.1
    spacing: Spacing = field(default_factory=lambda: EvenSpacing(150.0, 150.0))
    parts: int | None = None
    part_ids: Callable[[int], str | None] = numbered_parts
    gate_at_mm: float = 400.0
    gate_window_mm: float = 15.0
    confirm_at_mm: float = 60.0
    has_reinspect_lane: bool = True
    scan_s: float = 0.005
    heartbeat_timeout_s: float = 0.25
    permit_age_s: float = 10.0
    ack_timeout_s: float = 0.25
    wants_ready: bool = True
    first_acquisition_id: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse a line that cannot be."""
        for name in (
            "speed_mm_s",
            "mm_per_count",
            "gate_at_mm",
            "gate_window_mm",
            "confirm_at_mm",
            "scan_s",
            "heartbeat_timeout_s",
            "permit_age_s",
            "ack_timeout_s",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; expected above 0")
        if not 1 <= self.first_acquisition_id <= MAX_ACQUISITION_ID:
            raise ValueError(f"first_acquisition_id is {self.first_acquisition_id}; expected 1 to {MAX_ACQUISITION_ID}")
