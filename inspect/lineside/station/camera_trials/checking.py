"""Does each camera give its frames, how fast, and is anything lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lineside.client.clock import Clock
from lineside.station.camera_trials.selection import Selected
from lineside.station.camera_trials.taking import opened, taken
from lineside.station.cameras import CameraEnded, CameraError, CameraFrame, CameraHealth
from lineside.station.cameras.pixels import pixel_format_of


@dataclass(frozen=True, slots=True)
class CameraCheck:
    """What a trial of one camera found.

    Attributes:
        name: the camera's.
        kind: its kind.
        frames: whole frames that came.
        tries: how often one was asked for.
        rate_hz: of the frames that came, by their arrival; None below two.
        longest_gap_s: between two of them; None below two.
        size_wh_px: of the last one; None if none came.
        pixel_format: likewise.
        partial: frames that came with packets or lines missing.
        troubles: what went wrong, each kind of trouble once, with how often.
        health: at the end, before the camera was released; None if it could not be built.
    """

    name: str
    kind: str
    frames: int = 0
    tries: int = 0
    rate_hz: float | None = None
    longest_gap_s: float | None = None
    size_wh_px: tuple[int, int] | None = None
    pixel_format: str | None = None
    partial: int = 0
    troubles: tuple[tuple[str, int], ...] = ()
    health: CameraHealth | None = None

    @property
    def is_good(self) -> bool:
        """Whether every frame came whole and nothing was lost on the way."""
        nothing_lost = self.health is not None and not (self.health.lost_frames or self.health.lost_packets)
        return self.frames > 0 and not self.troubles and self.partial == 0 and nothing_lost


class _Trial:
    """Adds up what one camera gives; holds no picture longer than until the next one."""

    def __init__(self, selected: Selected) -> None:
        self._selected = selected
        self._last: CameraFrame | None = None
        self._first_s = 0.0
        self._gaps_s: list[float] = []
        self._tries = self._whole = self._partial = 0
        self._troubles: Counter[str] = Counter()
        self.health: CameraHealth | None = None

    def add(self, found: CameraFrame | CameraError) -> None:
        if isinstance(found, CameraEnded) and self._whole:
            return  # a replay that is shorter than the trial
        self._tries += 1
        if isinstance(found, CameraError):
            self._troubles[str(found)] += 1
            return
        if self._last is None:
            self._first_s = found.received_s
        else:
            self._gaps_s.append(found.received_s - self._last.received_s)
        self._last = found
        self._whole += not found.is_partial
        self._partial += found.is_partial

    def result(self) -> CameraCheck:
        last = self._last
        span_s = 0.0 if last is None else last.received_s - self._first_s
        return CameraCheck(
            name=self._selected.name,
            kind=self._selected.settings.kind,
            frames=self._whole,
            tries=self._tries,
            rate_hz=len(self._gaps_s) / span_s if span_s > 0 else None,
            longest_gap_s=max(self._gaps_s, default=None),
            size_wh_px=None if last is None else last.size_wh_px,
            pixel_format=None if last is None else pixel_format_of(last.image),
            partial=self._partial,
            troubles=tuple(self._troubles.most_common()),
            health=self.health,
        )


async def check_cameras(
    cameras: Sequence[Selected], *, frames: int, timeout_s: float, clock: Clock
) -> tuple[CameraCheck, ...]:
    """Try all cameras at once, as the station will use them: what they lose together shows.

    Args:
        cameras: of the file.
        frames: tries of each.
        timeout_s: for each frame.
        clock: the station's.
    """
    trials = (_check(camera, frames=frames, timeout_s=timeout_s, clock=clock) for camera in cameras)
    return tuple(await asyncio.gather(*trials))


async def _check(selected: Selected, *, frames: int, timeout_s: float, clock: Clock) -> CameraCheck:
    trial = _Trial(selected)
    try:
        async with opened(selected, clock) as camera:
            async for found in taken(camera, frames, timeout_s=timeout_s):
                trial.add(found)
            trial.health = camera.health
    except CameraError as error:
        trial.add(error)
    return trial.result()
