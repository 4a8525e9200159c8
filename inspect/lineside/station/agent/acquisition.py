"""From a trigger to one frame of every view, and never a frame of another trigger.

Where software triggers, a frame that came before its part's trigger is thrown away. Where the line triggers, frames and
parts belong together by their order alone: one too many, or one that was lost, and every further picture would be the
next part's. After a failed acquisition a late frame of the failed part may still be on its way, and would be taken for
the next part's: the view then takes no part until its camera has given frames, or none, for `settle_s`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lineside.client.clock import Clock
from lineside.station.cameras import (
    Camera,
    CameraError,
    CameraFrame,
    CameraLost,
    CameraState,
    NotSupported,
)

_LOOK_S = 0.1  # how often a camera that is left alone is asked whether it is still there


@dataclass(frozen=True, slots=True)
class AcquisitionRules:
    """How long frames may take.

    Attributes:
        grab_timeout_s: from the trigger until the frame is here.
        before_trigger_s: how much earlier than the PLC's trigger the line may trigger the camera.
        settle_s: how long a view is left alone after a failure.
    """

    grab_timeout_s: float = 1.0
    before_trigger_s: float = 0.0
    settle_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse times that are none."""
        if not (self.grab_timeout_s > 0 and self.before_trigger_s >= 0 and self.settle_s > 0):
            raise ValueError(f"{self}: expected grab_timeout_s and settle_s above 0, before_trigger_s at least 0")


class ViewTrouble(StrEnum):
    """Why a view took no frame, as reports call it."""

    CAMERA_LOST = "camera_lost"
    FRAMES_LOST = "frames_lost"


class ViewFailed(Exception):
    """A view has no frame for this part; internal to the agent.

    Attributes:
        view: which.
        trouble: what kind.
    """

    def __init__(self, view: str, message: str, *, trouble: ViewTrouble) -> None:
        super().__init__(f"view {view!r}: {message}")
        self.view = view
        self.trouble = trouble


class ViewCamera:
    """One camera, entered, as the taker of one view.

    Args:
        view: the view of the recipe.
        camera: entered by the caller.
        rules: how long it may take.
        clock: the station's.
        on_trouble: told of a camera that takes no part now, in words.
        on_back: told when it takes parts again.
    """

    def __init__(
        self,
        view: str,
        camera: Camera,
        *,
        rules: AcquisitionRules,
        clock: Clock,
        on_trouble: Callable[[str, str], None],
        on_back: Callable[[str], None],
    ) -> None:
        self.view = view
        self._camera = camera
        self._rules = rules
        self._clock = clock
        self._on_trouble = on_trouble
        self._on_back = on_back
        self._one_at_a_time = asyncio.Lock()
        self._settles_until_s: float | None = None
        self._is_told = False
        self._failed = asyncio.Event()

    @property
    def takes_parts(self) -> bool:
        """Whether a trigger now can have a frame."""
        return self._settles_until_s is None

    async def take(self, *, triggered_s: float, encoder: int) -> CameraFrame:
        """The frame of a trigger.

        Args:
            triggered_s: when the PLC was last asked that had no such trigger yet, on the station's monotonic clock: an
                earlier frame is not its.
            encoder: the PLC's count at the trigger, for the message.

        Raises:
            ViewFailed: there is none; the view settles before it takes another part.
        """
        async with self._one_at_a_time:
            if not self.takes_parts:  # the part before lost its frame while this one waited
                raise ViewFailed(self.view, "it settles after a failure", trouble=ViewTrouble.FRAMES_LOST)
            try:
                async with asyncio.timeout(self._rules.grab_timeout_s):
                    return await self._grab(triggered_s)
            except TimeoutError:  # the camera's own, or ours around a driver that takes longer than it was told
                error = ViewFailed(
                    self.view,
                    f"no frame within {self._rules.grab_timeout_s * 1000:.0f} ms of the trigger at count {encoder}",
                    trouble=ViewTrouble.FRAMES_LOST,
                )
            except CameraLost as lost:
                error = ViewFailed(self.view, f"camera lost: {lost}", trouble=ViewTrouble.CAMERA_LOST)
            except CameraError as unusable:
                error = ViewFailed(self.view, str(unusable), trouble=ViewTrouble.FRAMES_LOST)
            except ViewFailed as failed:
                error = failed
            self._begin_to_settle(str(error))
            raise error

    async def watch(self) -> None:
        """Keep an eye on the camera until cancelled: settle it after a failure, notice when it goes and comes back."""
        while True:
            if self._settles_until_s is not None:
                await self._settle()
            elif self._camera.health.state is not CameraState.CONNECTED:
                self._begin_to_settle(self._camera.health.trouble or "camera lost")
            else:
                await self._until_failure()

    async def _grab(self, triggered_s: float) -> CameraFrame:
        try:
            await self._camera.trigger()
        except NotSupported:  # the line triggers it, or it runs free: the frame comes by itself
            return self._whole(await self._untriggered(triggered_s))
        while True:
            frame = await self._camera.grab(timeout_s=self._rules.grab_timeout_s)
            if frame.received_s >= triggered_s:  # an earlier one is of nobody's part
                return self._whole(frame)

    async def _untriggered(self, triggered_s: float) -> CameraFrame:
        """The next frame of a camera that is not triggered here; free ones deliver none from before they are asked."""
        frame = await self._camera.grab(timeout_s=self._rules.grab_timeout_s)
        early_s = triggered_s - self._rules.before_trigger_s - frame.received_s
        if early_s > 0:
            raise ViewFailed(
                self.view,
                f"frame {frame.sequence} came {early_s * 1000:.0f} ms before any that can be of this trigger: which "
                "part it shows is not known; the trigger that the PLC raises must fire the camera, no more than "
                "before_trigger_ms earlier",
                trouble=ViewTrouble.FRAMES_LOST,
            )
        if frame.lost_before > 0:
            raise ViewFailed(
                self.view,
                f"{frame.lost_before} lost before frame {frame.sequence}: this part's may be among them, and that "
                "frame the next part's",
                trouble=ViewTrouble.FRAMES_LOST,
            )
        return frame

    def _whole(self, frame: CameraFrame) -> CameraFrame:
        if frame.is_partial:
            raise ViewFailed(self.view, f"frame {frame.sequence} is not whole", trouble=ViewTrouble.FRAMES_LOST)
        return frame

    def _begin_to_settle(self, why: str) -> None:
        self._settles_until_s = self._clock.monotonic() + self._rules.settle_s
        self._failed.set()
        if not self._is_told:
            self._is_told = True
            self._on_trouble(self.view, why)

    async def _settle(self) -> None:
        """Throw frames away until the time is over and the camera is there; grabbing is what connects it anew."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(self._rules.settle_s):
                    await self._camera.grab(timeout_s=min(self._rules.settle_s, _LOOK_S))
            except TimeoutError:
                pass
            except CameraLost:
                await asyncio.sleep(_LOOK_S)  # its own backoff decides when it really tries
            except CameraError:
                pass
        is_over = self._settles_until_s is not None and self._clock.monotonic() >= self._settles_until_s
        if is_over and self._camera.health.state is CameraState.CONNECTED:
            self._settles_until_s = None
            self._failed.clear()
            self._is_told = False
            self._on_back(self.view)

    async def _until_failure(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._failed.wait()
        except TimeoutError:
            pass


async def take_all(
    views: Mapping[str, ViewCamera], *, triggered_s: float, encoder: int
) -> tuple[Mapping[str, CameraFrame], tuple[ViewFailed, ...]]:
    """One frame of every view, all cameras at once; a slow one delays no other's exposure.

    Returns:
        The frames there are by view, and why the others are missing.
    """
    outcomes = await asyncio.gather(
        *(view.take(triggered_s=triggered_s, encoder=encoder) for view in views.values()), return_exceptions=True
    )
    frames: dict[str, CameraFrame] = {}
    failures: list[ViewFailed] = []
    for name, outcome in zip(views, outcomes, strict=True):
        if isinstance(outcome, CameraFrame):
            frames[name] = outcome
        elif isinstance(outcome, ViewFailed):
            failures.append(outcome)
        else:
            raise outcome
    return frames, tuple(failures)
