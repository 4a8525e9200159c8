"""A camera that comes back by itself after it was lost."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

from lineside.client.backoff import Backoff
from lineside.client.clock import Clock
from lineside.station.cameras.errors import (
    CameraEnded,
    CameraError,
    CameraExtraMissing,
    CameraLost,
    CameraMisconfigured,
    CameraTimeout,
    FrameBroken,
    NotSupported,
    WrongPixelFormat,
)
from lineside.station.cameras.pixels import PixelRule
from lineside.station.cameras.protocol import Camera, HasFeatures
from lineside.station.cameras.records import CameraFrame, CameraHealth, CameraState
from lineside.station.cameras.tally import FrameTally

RELEASE_S: Final = 5.0
"""A driver that needs longer to let a camera go is left behind: the permit must not wait for it."""

LOOK_S: Final = 0.25
"""How often a camera that nobody grabs from is looked at."""


class ReconnectingCamera:
    """Wraps a camera: connects anew with growing, jittered waits, and counts across all connections.

    A grab while the camera is away fails at once: the part that was to be seen will have moved on before it is back.
    A replay that has ended stays ended.

    Args:
        make: builds the camera; called for each connection, so that nothing of a broken one is used again.
        name: what the station calls it.
        clock: the station's.
        backoff: the waits between connections.
        rng: draws them.
        pixels: what each frame must be like.
        connect_timeout_s: a connection that takes longer has failed.
        lost_after_timeouts: so many grabs in a row without a frame count as lost; None: silence is no loss.
    """

    def __init__(
        self,
        make: Callable[[], Camera],
        *,
        name: str,
        clock: Clock,
        backoff: Backoff,
        rng: random.Random,
        pixels: PixelRule | None = None,
        connect_timeout_s: float = 20.0,
        lost_after_timeouts: int | None = None,
    ) -> None:
        self._make = make
        self._name = name
        self._clock = clock
        self._backoff = backoff
        self._rng = rng
        self._pixels = pixels or PixelRule()
        self._connect_timeout_s = connect_timeout_s
        self._lost_after_timeouts = lost_after_timeouts
        self._camera: Camera | None = None
        self._tally = FrameTally()
        self._state = CameraState.CLOSED
        self._since = clock.now()
        self._trouble: CameraError | None = None
        self._reconnects = 0
        self._timeouts = 0
        self._keeper: asyncio.Task[None] | None = None
        self._is_back = asyncio.Event()
        self._was_lost = asyncio.Event()

    @property
    def name(self) -> str:
        """What the station calls it."""
        return self._name

    async def __aenter__(self) -> Self:
        """Connect; a camera that is away now is looked for until it comes.

        Raises:
            CameraMisconfigured: the settings cannot be used, which no waiting changes.
            CameraExtraMissing: its library is not installed.
        """
        try:
            await self._connect()
        except (CameraMisconfigured, CameraExtraMissing):
            await self._release()
            raise
        except CameraError as error:
            self._lose(error)
        self._keeper = asyncio.create_task(self._keep(), name=f"camera {self._name} is kept")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop looking for it and let it go."""
        keeper, self._keeper = self._keeper, None
        try:
            if keeper is not None:
                keeper.cancel()
                with suppress(asyncio.CancelledError):
                    await keeper
        finally:
            await self._release()
            self._enter(CameraState.CLOSED, None)

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        """The next frame; see `Camera.grab`. Fails at once while the camera is away."""
        camera = self._connected()
        try:
            async with asyncio.timeout(timeout_s):
                frame = await camera.grab(timeout_s=timeout_s)
            if not frame.is_partial:
                self._pixels.check(frame.image, camera=self._name)
        except CameraLost as lost:
            self._lose(lost)
            raise
        except TimeoutError as late:
            self._count_timeout()
            if isinstance(late, CameraTimeout):
                raise
            raise CameraTimeout(f"camera {self._name!r} gave no frame in {timeout_s:g} s") from late
        except (FrameBroken, WrongPixelFormat) as refused:
            self._timeouts = 0
            self._tally.refuse()
            self._trouble = refused
            raise
        self._timeouts = 0
        self._trouble = None
        return self._tally.count(frame)

    async def trigger(self) -> None:
        """Expose now; see `Camera.trigger`. Fails at once while the camera is away."""
        camera = self._connected()
        try:
            await camera.trigger()
        except CameraLost as lost:
            self._lose(lost)
            raise

    async def feature(self, name: str) -> str | int | float | bool:
        """The value of a feature; see `HasFeatures.feature`."""
        return await self._with_features().feature(name)

    async def set_feature(self, name: str, value: str | float | bool) -> None:  # noqa: FBT001 - a feature's value
        """Write a feature until the camera is lost; what must always hold belongs in its settings."""
        await self._with_features().set_feature(name, value)

    async def wait_connected(self, *, timeout_s: float) -> bool:
        """Whether the camera is there, or came within so many seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._is_back.wait()
        except TimeoutError:
            return False
        return True

    @property
    def health(self) -> CameraHealth:
        """How it is now, counted over all connections."""
        inner = None if self._camera is None else self._camera.health
        trouble = self._tally.clock_trouble if self._trouble is None else str(self._trouble)
        return replace(
            self._tally.health(inner),
            state=self._state,
            since=self._since,
            reconnects=self._reconnects,
            trouble=trouble or (None if inner is None else inner.trouble),
        )

    def _connected(self) -> Camera:
        if self._keeper is not None and self._keeper.done():
            self._keeper.result()  # a driver's own error: it must not end in silence
        if isinstance(self._trouble, CameraEnded):
            raise self._trouble
        if self._camera is None or self._state is not CameraState.CONNECTED:
            raise CameraLost(
                f"camera {self._name!r} is {self._state}"
                + ("" if self._trouble is None else f": {self._trouble}")
                + ("; enter it first" if self._state is CameraState.CLOSED else "")
            ) from self._trouble
        return self._camera

    def _with_features(self) -> HasFeatures:
        camera = self._connected()
        if not isinstance(camera, HasFeatures):
            raise NotSupported(f"camera {self._name!r} has no features by name; those of kind genicam and gige have")
        return camera

    def _count_timeout(self) -> None:
        self._timeouts += 1
        if self._lost_after_timeouts is not None and self._timeouts >= self._lost_after_timeouts:
            self._lose(CameraLost(f"camera {self._name!r} was silent {self._timeouts} times in a row"))

    def _lose(self, error: CameraError) -> None:
        self._enter(CameraState.LOST, error)
        self._timeouts = 0
        self._was_lost.set()

    def _enter(self, state: CameraState, trouble: CameraError | None) -> None:
        if state is not self._state:
            self._state, self._since = state, self._clock.now()
        self._trouble = trouble
        if state is CameraState.CONNECTED:
            self._is_back.set()
        else:
            self._is_back.clear()

    async def _keep(self) -> None:
        """Notice a loss, also while nobody grabs, and come back from it."""
        while not isinstance(self._trouble, CameraEnded):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._was_lost.wait()
            self._was_lost.clear()
            inner = None if self._camera is None else self._camera.health
            if self._state is CameraState.CONNECTED and inner is not None and inner.state is CameraState.LOST:
                self._lose(CameraLost(inner.trouble or f"camera {self._name!r} says that it is lost"))
            if self._state is CameraState.LOST and not isinstance(self._trouble, CameraEnded):
                await self._come_back()

    async def _come_back(self) -> None:
        await self._release()
        for wait_s in self._backoff.waits_s(self._rng):
            await asyncio.sleep(wait_s)
            try:
                await self._connect()
            except CameraError as error:
                self._trouble = error
                await self._release()
            else:
                self._reconnects += 1
                return

    async def _connect(self) -> None:
        self._camera = camera = self._make()
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await camera.__aenter__()
        except TimeoutError as late:
            raise CameraLost(f"camera {self._name!r} did not connect in {self._connect_timeout_s:g} s") from late
        self._enter(CameraState.CONNECTED, None)

    async def _release(self) -> None:
        camera, self._camera = self._camera, None
        if camera is None:
            return
        self._tally.close(camera.health)
        with suppress(TimeoutError, CameraError):
            async with asyncio.timeout(RELEASE_S):
                await camera.__aexit__(None, None, None)
