"""GenICam cameras through their vendor's GenTL producer (.cti), by harvesters: any interface that the vendor drives."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import numpy as np
from genicam import genapi, gentl
from harvesters.core import Buffer, Callback, ImageAcquirer

from lineside.station.cameras.driven import Arrival, FeatureCamera, TransportCounts
from lineside.station.cameras.errors import CameraLost, CameraMisconfigured, FrameBroken, NotSupported
from lineside.station.cameras.frame_ids import FrameIds
from lineside.station.cameras.genicam_features import FeatureValue, fire, set_up
from lineside.station.cameras.genicam_settings import GenicamSettings
from lineside.station.cameras.gentl_producers import PRODUCERS
from lineside.station.cameras.pixel_layouts import RawPixels
from lineside.station.cameras.protocol import Camera
from lineside.station.cameras.settings import CameraContext

T = TypeVar("T")

_POLL_S: Final = 0.001
"""Between two looks for a filled buffer. The producer's own wait is not used: its binding holds Python's lock all the
while (measured: two turns of another thread in a second), and the station's scan would stand still."""

_PRODUCERS_PATH: Final = "GENICAM_GENTL64_PATH"
"""Where vendors' installers leave the folders of their producers (GenTL 1.6, 6.1)."""

_FAILURES: Final = (gentl.GenericException, genapi.GenericException)


def build(settings: GenicamSettings, context: CameraContext) -> Camera:
    """The camera; nothing connects yet."""
    driver = GenicamDriver(context.name, settings, folder=context.folder)
    return FeatureCamera(context.name, driver, clock=context.clock, rules=settings.driving)


def devices() -> tuple[str, ...]:
    """A line about each device of each producer that is installed for everybody on this machine."""
    folders = [Path(place) for place in os.environ.get(_PRODUCERS_PATH, "").split(os.pathsep) if place]
    producers = sorted({path for folder in folders for path in folder.glob("*.cti")})
    return tuple(line for producer in producers for line in PRODUCERS.devices(producer))


class GenicamDriver:
    """The blocking side; see `Driver` for who calls what from where.

    Args:
        name: what the station calls the camera.
        settings: of the file.
        folder: where a relative path of a producer begins.
    """

    def __init__(self, name: str, settings: GenicamSettings, *, folder: Path) -> None:
        self._name = name
        self._settings = settings
        self._producer = folder / settings.producer
        self._acquirer: ImageAcquirer | None = None
        self._incomplete = _Counter()
        self._incomplete_seen = 0
        self._ids = FrameIds(name)

    def open(self) -> None:
        """Take the device, write its features, start it."""
        buffers = max(3, self._settings.buffered_frames)
        self._acquirer = acquirer = PRODUCERS.open_device(
            self._producer, self._settings.device, camera=self._name, buffers=buffers
        )
        set_up(self, self._settings)
        if self._settings.encoder_feature is not None and not self.has(self._settings.encoder_feature):
            raise CameraMisconfigured(
                f"camera {self._name!r} has no feature {self._settings.encoder_feature}; expected the name of its "
                "encoder's count as encoder_feature"
            )
        acquirer.add_callback(acquirer.Events.INCOMPLETE_BUFFER, self._incomplete)
        self._asked(acquirer.start)

    def next(self, *, timeout_s: float) -> Arrival | None:
        """The next frame, copied out of the producer's buffer before that is given back."""
        acquirer = self._connected()
        until_s = time.perf_counter() + timeout_s
        while not self._asked(lambda: self._is_waiting(acquirer)):
            if time.perf_counter() >= until_s:
                return None
            time.sleep(_POLL_S)
        buffer = self._asked(lambda: acquirer.try_fetch(timeout=timeout_s))
        if buffer is None:
            return self._incomplete_frame()
        try:
            return self._asked(lambda: self._arrival(buffer))
        finally:
            self._asked(buffer.queue)

    def check(self) -> None:
        """Read the size of a payload from the device itself, not from a cache."""
        node = getattr(self._connected().remote_device.node_map, "PayloadSize", None)
        if isinstance(node, genapi.IInteger):
            self._asked(lambda: node.get_value(ignore_cache=True))

    def counts(self) -> TransportCounts:
        """Nothing: GenTL has no common counter of packets; lost frames are told by their ids."""
        return TransportCounts()

    def trigger(self) -> None:
        """Expose now."""
        fire(self, self._settings, camera=self._name)

    def close(self) -> None:
        """Stop the camera and give it back to the producer."""
        acquirer, self._acquirer = self._acquirer, None
        if acquirer is not None:
            with suppress(*_FAILURES):  # a camera that is gone cannot be told to stop
                PRODUCERS.close_device(self._producer, acquirer)

    def has(self, name: str) -> bool:
        """Whether the camera has such a feature."""
        return bool(self._connected().remote_device.node_map.has_node(name))

    def feature(self, name: str) -> FeatureValue:
        """Read a feature."""
        node = self._node(name)
        value = self._of_feature(name, "read", lambda: node.value)
        if not isinstance(value, str | int | float | bool):
            raise NotSupported(f"camera {self._name!r}: feature {name} has no value to read")
        return value

    def set_feature(self, name: str, value: FeatureValue) -> None:
        """Write a feature, as its own type."""
        node = self._node(name)
        self.feature(name)  # one that has no value takes any silently
        self._of_feature(name, f"set to {value!r}", lambda: setattr(node, "value", value))

    def execute(self, name: str) -> None:
        """Execute a command without waiting for its end."""
        node = self._node(name)
        self._of_feature(name, "executed", lambda: node.execute())

    def _node(self, name: str) -> Any:
        """A feature's node: one of genicam's interfaces, which share no base that says so."""
        if not self.has(name):
            raise NotSupported(f"camera {self._name!r} has no feature {name}")
        return self._connected().remote_device.node_map.get_node(name)

    def _of_feature(self, name: str, doing: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (TypeError, AttributeError) as refused:
            kind = type(self._node(name)).__name__
            raise NotSupported(f"camera {self._name!r}: feature {name} is an {kind} and cannot be {doing}") from refused
        except genapi.GenericException as refused:
            why = str(refused).rsplit(" : ", 1)[0]  # what follows is the place in the library's source
            raise NotSupported(f"camera {self._name!r}: feature {name} cannot be {doing}: {why}") from refused
        except gentl.GenericException as error:
            raise self._gone(error) from error

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except _FAILURES as error:
            raise self._gone(error) from error

    def _is_waiting(self, acquirer: ImageAcquirer) -> bool:
        return any(stream.num_awaiting_delivery > 0 for stream in acquirer.data_streams)

    def _arrival(self, buffer: Buffer) -> Arrival:
        incomplete = self._incomplete_now()
        lost, is_counted = self._ids.take(int(buffer.frame_id))
        lost = max(lost, incomplete)
        try:
            raw = _raw(buffer, camera=self._name)
            count = self._encoder_count()
        except (FrameBroken, NotSupported) as missing:
            return Arrival(partial(_refuse, str(missing)), lost, is_counted=is_counted)
        return Arrival(partial(raw.to_image, camera=self._name), lost, encoder=count, is_counted=is_counted)

    def _encoder_count(self) -> int | None:
        """Of the frame that was fetched last: its chunk data stand in the feature until its buffer is given back."""
        name = self._settings.encoder_feature
        if name is None:
            return None
        count = self.feature(name)
        if isinstance(count, bool) or not isinstance(count, int):
            raise NotSupported(f"camera {self._name!r}: feature {name} is {count!r}; expected an encoder's whole count")
        return count

    def _incomplete_frame(self) -> Arrival | None:
        """A frame of which parts are missing: harvesters has given its buffer back, so its picture is black."""
        incomplete = self._incomplete_now()
        if not incomplete:
            return None
        self._ids.passed(incomplete)
        nodes = self._connected().remote_device.node_map
        shape = int(nodes.Height.value), int(nodes.Width.value)
        return Arrival(lambda: np.zeros(shape, np.uint8), incomplete - 1, is_partial=True)

    def _incomplete_now(self) -> int:
        """How many came in part since the last call."""
        seen, self._incomplete_seen = self._incomplete_seen, self._incomplete.count
        return self._incomplete_seen - seen

    def _connected(self) -> ImageAcquirer:
        if self._acquirer is None:
            raise CameraLost(f"camera {self._name!r} is not connected")
        return self._acquirer

    def _gone(self, error: Exception) -> CameraLost:
        return CameraLost(f"camera {self._name!r} is gone: {error}")


class _Counter(Callback):  # type: ignore[misc]  # harvesters says nothing of its types
    """Counts how often harvesters calls it; called on the thread that fetches."""

    def __init__(self) -> None:
        self.count = 0

    def emit(self, context: object | None = None) -> None:  # noqa: ARG002 - harvesters passes it
        self.count += 1


def _refuse(why: str) -> NoReturn:
    """A frame whose place nobody knows is no picture."""
    raise FrameBroken(why)


def _raw(buffer: Buffer, *, camera: str) -> RawPixels:
    """The buffer's first image, copied."""
    parts = [part for part in buffer.payload.components if getattr(part, "width", 0)]
    if not parts:
        raise FrameBroken(f"camera {camera!r}: a buffer without a picture ({buffer.payload_type})")
    part = parts[0]
    data = np.frombuffer(buffer.raw_buffer, np.uint8)[part.data_offset :].copy()
    return RawPixels(data, str(part.data_format), int(part.width), int(part.height), int(part.x_padding))
