"""A camera behind a library that blocks: one thread takes every frame as it comes, another makes the other calls.

The driver is the library's own side, all of it blocking; the camera here is the station's side, none of it blocking.
Frames are stamped when they arrive, not when somebody asks: a late picture of the part before can be told by its time.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Literal, Protocol, Self, TypeVar

from lineside.client.clock import Clock
from lineside.inspection.frames import Image
from lineside.station.cameras.driver_thread import DriverThread
from lineside.station.cameras.errors import CameraLost, CameraTimeout
from lineside.station.cameras.mailbox import Mailbox
from lineside.station.cameras.records import CameraFrame, CameraHealth, CameraState

T = TypeVar("T")

Delivery = Literal["newest", "every"]
"""What `grab` gives: `newest` a frame that arrived after the call, so never a look at the part before; `every` all
frames in order, for cameras that are triggered and for line scan."""

_SLICE_S = 0.05
"""How long the driver waits for a frame before it looks whether it should end."""

_CHECK_EVERY_S = 0.5
"""How often a silent camera is asked whether it is still there."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A frame as the driver took it.

    Attributes:
        to_image: makes the picture, uint8 (h, w) or (h, w, 3) BGR, from memory that the driver no longer touches;
            called at most once, and only if somebody wants the frame.
        lost_before: frames that the driver knows were lost since the last one.
        is_partial: packets or lines are missing.
        encoder: count of the line's encoder, where the camera tells it.
        is_counted: whether all frames that were lost so far are known; False where nobody counts them.
    """

    to_image: Callable[[], Image]
    lost_before: int = 0
    is_partial: bool = False
    encoder: int | None = None
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class TransportCounts:
    """Packets since the driver was opened; None where the transport does not say."""

    lost_packets: int | None = None
    resent_packets: int | None = None


class Driver(Protocol):
    """The blocking side of a camera. `next`, `check` and `counts` run on one thread, the rest on another."""

    def open(self) -> None:
        """Connect, set up and start; raises as `Camera.__aenter__`."""
        ...

    def next(self, *, timeout_s: float) -> Arrival | None:
        """The next frame, None if none came; raises `CameraLost`."""
        ...

    def check(self) -> None:
        """Ask a silent camera whether it is there; raises `CameraLost`."""
        ...

    def counts(self) -> TransportCounts:
        """Packets so far; asks nothing of the camera."""
        ...

    def trigger(self) -> None:
        """Expose now; raises `NotSupported` or `CameraLost`."""
        ...

    def close(self) -> None:
        """Release the camera, whatever state it is in; raises nothing of the library's."""
        ...


class FeatureDriver(Driver, Protocol):
    """A driver whose camera has GenICam features."""

    def feature(self, name: str) -> str | int | float | bool:
        """See `HasFeatures.feature`."""
        ...

    def set_feature(self, name: str, value: str | float | bool) -> None:  # noqa: FBT001 - a feature's value
        """See `HasFeatures.set_feature`."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Stamped:
    arrival: Arrival
    captured_at: datetime
    received_s: float
    sequence: int


@dataclass(frozen=True, slots=True)
class DrivingRules:
    """How a driver is used.

    Attributes:
        delivery: which frames `grab` gives.
        buffered_frames: held for the caller; the oldest one falls out, and of `every` frame it counts as lost.
        call_s: seconds that connecting, a trigger or a feature may take; then the camera counts as lost.
    """

    delivery: Delivery
    buffered_frames: int = 4
    call_s: float = 5.0


class DrivenCamera:
    """A `Camera` made of a driver.

    Args:
        name: what the station calls it.
        driver: the library's side; used by this camera alone.
        clock: the station's; read on the camera's threads as well.
        rules: how the driver is used.
    """

    def __init__(self, name: str, driver: Driver, *, clock: Clock, rules: DrivingRules) -> None:
        self._name = name
        self._driver = driver
        self._clock = clock
        self._rules = rules
        self._thread: DriverThread | None = None
        self._pump: threading.Thread | None = None
        self._stopping = threading.Event()
        self._mailbox: Mailbox[_Stamped] | None = None
        self._counts = TransportCounts()
        self._taken = 0  # frames, lost ones too; counted where they arrive
        self._last_given = -1
        self._delivered = 0
        self._lost_on_the_way = 0
        self._lost_waiting = 0
        self._state = CameraState.CLOSED
        self._trouble: str | None = None
        self._since = clock.now()

    @property
    def name(self) -> str:
        """What the station calls it."""
        return self._name

    @property
    def health(self) -> CameraHealth:
        """How it is now."""
        if self._state is CameraState.CONNECTED and self._mailbox is not None and self._mailbox.failure is not None:
            self._enter_state(CameraState.LOST, trouble=str(self._mailbox.failure))
        return CameraHealth(
            state=self._state,
            since=self._since,
            delivered=self._delivered,
            lost_frames=self._lost_on_the_way + self._lost_waiting,
            lost_packets=self._counts.lost_packets,
            resent_packets=self._counts.resent_packets,
            trouble=self._trouble,
        )

    async def __aenter__(self) -> Self:
        """Connect and start taking frames."""
        self._thread = DriverThread(f"camera {self._name}: calls")
        self._stopping = threading.Event()
        self._mailbox = Mailbox(self._rules.buffered_frames)
        try:
            await self._call(self._driver.open, doing="connecting")
        except BaseException as error:
            self._enter_state(CameraState.LOST, trouble=str(error) or type(error).__name__)
            closing = self._leave()  # after the opening, however that ends; who cancelled does not wait for it
            if not isinstance(error, asyncio.CancelledError):
                await self._closed(closing)
            raise
        self._pump = threading.Thread(
            target=self._take_frames,
            args=(self._mailbox, self._stopping),
            name=f"camera {self._name}: frames",
            daemon=True,
        )
        self._pump.start()
        self._enter_state(CameraState.CONNECTED)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and release the camera; waits no longer than the rules allow."""
        self._stopping.set()
        pump, self._pump = self._pump, None
        try:
            if pump is not None:
                await asyncio.to_thread(pump.join, self._rules.call_s)
        finally:
            closing = self._leave()
        self._enter_state(CameraState.CLOSED)
        await self._closed(closing)

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        """The next frame; see `Delivery` for which one that is."""
        mailbox = self._entered()
        if self._rules.delivery == "newest":
            mailbox.clear()
        try:
            async with asyncio.timeout(timeout_s):
                stamped, fallen_out = await mailbox.take()
        except TimeoutError:
            raise CameraTimeout(f"camera {self._name!r}: no frame within {timeout_s:g} s") from None
        except CameraLost as error:
            self._enter_state(CameraState.LOST, trouble=str(error))
            raise
        not_given = stamped.sequence - self._last_given - 1
        self._last_given = stamped.sequence
        gives_every = self._rules.delivery == "every"
        self._lost_waiting += fallen_out if gives_every else 0
        try:
            image = await asyncio.to_thread(stamped.arrival.to_image)
        except asyncio.CancelledError:
            self._lost_waiting += 1
            raise
        self._delivered += 1
        return CameraFrame(
            image=image,
            camera=self._name,
            sequence=stamped.sequence,
            captured_at=stamped.captured_at,
            received_s=stamped.received_s,
            encoder=stamped.arrival.encoder,
            lost_before=not_given if gives_every else 0,  # before the newest one, nobody asked for any
            is_partial=stamped.arrival.is_partial,
            is_counted=stamped.arrival.is_counted,
        )

    async def trigger(self) -> None:
        """Expose now; a frame that came too late for the trigger before it is thrown away and counted as lost.

        Where software cannot trigger, nothing is thrown away: the line's own trigger may have brought a frame already.
        """
        mailbox = self._entered()
        newest = mailbox.newest()
        await self._call(self._driver.trigger, doing="the trigger")
        self._lost_waiting += mailbox.clear_through(newest)

    async def _call(self, work: Callable[[], T], *, doing: str) -> T:
        if self._thread is None:
            raise CameraLost(f"camera {self._name!r} is not connected: use `async with`")
        if self._thread.is_given_up:
            raise CameraLost(f"camera {self._name!r}: its library hangs in an earlier call; connect anew")
        try:
            return await self._thread.call(work, timeout_s=self._rules.call_s)
        except TimeoutError:
            trouble = f"camera {self._name!r}: {doing} took longer than {self._rules.call_s:g} s"
            self._enter_state(CameraState.LOST, trouble=trouble)
            raise CameraLost(trouble) from None

    def _entered(self) -> Mailbox[_Stamped]:
        if self._mailbox is None or self._pump is None:
            raise CameraLost(f"camera {self._name!r} is not connected: use `async with`")
        return self._mailbox

    def _leave(self) -> "Future[None] | None":
        """Have the driver closed on its thread, after whatever that does now; None if nobody need wait for it."""
        thread, self._thread = self._thread, None
        if thread is None:
            return None
        closing = thread.submit(self._driver.close)
        thread.end()
        return None if thread.is_given_up else closing

    async def _closed(self, closing: "Future[None] | None") -> None:
        if closing is not None:
            await asyncio.wait([asyncio.wrap_future(closing)], timeout=self._rules.call_s)

    def _enter_state(self, state: CameraState, *, trouble: str | None = None) -> None:
        if state is not self._state:
            self._state, self._since = state, self._clock.now()
        self._trouble = trouble

    def _take_frames(self, mailbox: Mailbox[_Stamped], stopping: threading.Event) -> None:
        """The frames' thread: until the camera is left, or is lost."""
        try:
            checked_s = self._clock.monotonic()
            while not stopping.is_set():
                arrival = self._driver.next(timeout_s=_SLICE_S)
                now_s = self._clock.monotonic()
                if arrival is not None:
                    self._lost_on_the_way += arrival.lost_before
                    self._counts = self._driver.counts()
                    self._taken += 1 + arrival.lost_before
                    mailbox.put(_Stamped(arrival, self._clock.now(), now_s, self._taken - 1))
                    checked_s = now_s
                elif now_s - checked_s >= _CHECK_EVERY_S:
                    self._driver.check()
                    self._counts = self._driver.counts()
                    checked_s = self._clock.monotonic()
        except BaseException as error:  # noqa: BLE001 - raised in whoever grabs, whatever it is
            mailbox.fail(error)


class FeatureCamera(DrivenCamera):
    """A driven camera with GenICam features."""

    def __init__(self, name: str, driver: FeatureDriver, *, clock: Clock, rules: DrivingRules) -> None:
        super().__init__(name, driver, clock=clock, rules=rules)
        self._features = driver

    async def feature(self, name: str) -> str | int | float | bool:
        """The value of a feature by its GenICam name."""
        return await self._call(partial(self._features.feature, name), doing=f"reading {name}")

    async def set_feature(self, name: str, value: str | float | bool) -> None:  # noqa: FBT001 - a feature's value
        """Write a feature by its GenICam name."""
        await self._call(partial(self._features.set_feature, name, value), doing=f"writing {name}")
