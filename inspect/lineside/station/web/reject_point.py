"""Until when a region must be decided: before its beginning reaches the place where it is marked or cut out."""

import math
from collections import deque
from dataclasses import dataclass, field

_WINDOW_S = 0.5
"""The speed is that of the last half second: a chunk's own would jump with the camera's delivery."""


@dataclass(frozen=True, slots=True)
class RejectPoint:
    """The place behind the camera where the web is marked, and how long that takes.

    Attributes:
        distance_mm: from the camera's line to the place, along the web.
        actuator_s: from the verdict to the mark, at most.
        nominal_mm_s: the web's speed before any was measured.
    """

    distance_mm: float
    actuator_s: float
    nominal_mm_s: float

    def __post_init__(self) -> None:
        """Refuse a place that no verdict could reach in time."""
        is_finite = all(map(math.isfinite, (self.distance_mm, self.actuator_s, self.nominal_mm_s)))
        if not is_finite or self.distance_mm <= 0 or self.actuator_s < 0 or self.nominal_mm_s <= 0:
            raise ValueError(f"{self}: expected a distance and a speed above 0, and an actuator's time of 0 or more")
        if self.distance_mm <= self.actuator_s * self.nominal_mm_s:
            raise ValueError(
                f"the web passes the {self.distance_mm:g} mm to the marker in "
                f"{self.distance_mm / self.nominal_mm_s:.3f} s and the actuator takes {self.actuator_s:g} s: no "
                "verdict could be in time; move the marker away from the camera"
            )

    def slack_mm(self, region_from_mm: float, *, camera_mm: float, speed_mm_s: float) -> float:
        """How far the web may still run before a region must stand decided; negative is too late.

        Args:
            region_from_mm: where the region begins.
            camera_mm: the place of the web under the camera.
            speed_mm_s: of the web.
        """
        return region_from_mm + self.distance_mm - self.actuator_s * speed_mm_s - camera_mm


@dataclass(slots=True)
class WebSpeed:
    """The web's speed of the last moments.

    Attributes:
        nominal_mm_s: until two places are known.
    """

    nominal_mm_s: float
    _seen: deque[tuple[float, float]] = field(default_factory=deque, init=False, repr=False)

    def note(self, now_s: float, camera_mm: float) -> None:
        """A place of the web was under the camera at a monotonic second."""
        self._seen.append((now_s, camera_mm))
        while len(self._seen) > 2 and now_s - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()

    @property
    def mm_s(self) -> float:
        """Millimetres a second, never below 0; the nominal one until it is known."""
        if len(self._seen) < 2 or self._seen[-1][0] <= self._seen[0][0]:
            return self.nominal_mm_s
        (first_s, first_mm), (last_s, last_mm) = self._seen[0], self._seen[-1]
        return max(0.0, (last_mm - first_mm) / (last_s - first_s))
