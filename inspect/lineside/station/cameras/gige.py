"""GigE Vision cameras without a vendor's software, through viva-genicam: control, stream and resends over plain UDP."""

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

import numpy as np
import viva_genicam
from viva_genicam.stream import FrameStream

from lineside.inspection.frames import Image
from lineside.station.cameras.driven import Arrival, FeatureCamera, TransportCounts
from lineside.station.cameras.errors import CameraLost, CameraMisconfigured, NotSupported
from lineside.station.cameras.genicam_features import FeatureValue, fire, set_up
from lineside.station.cameras.genicam_settings import GigeSettings
from lineside.station.cameras.pixel_layouts import RawPixels
from lineside.station.cameras.protocol import Camera
from lineside.station.cameras.settings import CameraContext

T = TypeVar("T")

_VERSION_REGISTER: Final = 0x0000
"""GigE Vision 2.2, bootstrap registers: "Version", read-only and there in every camera."""


def build(settings: GigeSettings, context: CameraContext) -> Camera:
    """The camera; nothing connects yet."""
    driver = GigeDriver(context.name, settings)
    return FeatureCamera(context.name, driver, clock=context.clock, rules=settings.driving)


def devices() -> tuple[str, ...]:
    """Every camera that answers on any interface, this machine's own included."""
    found = viva_genicam.discover(timeout_ms=500, all=True)
    return tuple(_described(device) for device in found)


class GigeDriver:
    """The blocking side; see `Driver` for who calls what from where. viva's cameras may be used from any thread.

    Args:
        name: what the station calls the camera.
        settings: of the file.
    """

    def __init__(self, name: str, settings: GigeSettings) -> None:
        self._name = name
        self._settings = settings
        self._camera: viva_genicam.Camera | None = None
        self._stream: FrameStream | None = None
        self._lost = 0

    def open(self) -> None:
        """Find the camera, take control of it, write its features, start its stream."""
        self._camera = self._asked(lambda: viva_genicam.connect_gige(self._found(), iface=self._settings.interface))
        set_up(self, self._settings)
        stream = self._asked(
            lambda: self._connected().stream(
                iface=self._settings.interface,
                packet_size=self._settings.packet_bytes,
                resend=self._settings.resend,
                deliver_incomplete=True,
            )
        )
        self._asked(stream.__enter__)
        self._stream = stream

    def next(self, *, timeout_s: float) -> Arrival | None:
        """The next frame, with those counted that the stream lost since the last."""
        stream = self._streaming()
        began_s = time.perf_counter()
        try:
            frame = stream.next_frame(max(1, round(timeout_s * 1000)))
        except viva_genicam.GenicamError as error:
            # viva has one error for "nothing came in time" and for a broken stream: only the first takes its time.
            if time.perf_counter() - began_s < timeout_s / 2:
                raise self._gone(error) from error
            return None
        if frame is None:
            raise CameraLost(f"camera {self._name!r}: its stream ended")
        stats = stream.stats()
        lost = stats.frames_missed + stats.frames_backpressure + stats.frames_unsupported
        lost_before, self._lost = max(0, lost - self._lost), lost
        return Arrival(partial(_to_image, frame, self._name), lost_before, is_partial=not frame.is_complete)

    def check(self) -> None:
        """Read a register that every camera has, and whether it is still ours."""
        camera = self._connected()
        self._asked(lambda: camera.read_register(_VERSION_REGISTER))
        if camera.control_state != "Held":
            raise CameraLost(f"camera {self._name!r}: another application took control of it")

    def counts(self) -> TransportCounts:
        """Packets that never came, and that came when asked for again."""
        stats = self._streaming().stats()  # on the frames' thread only: viva refuses it beside a waiting `next_frame`
        return TransportCounts(stats.packets_missing, stats.resend_recovered)

    def trigger(self) -> None:
        """Expose now."""
        fire(self, self._settings, camera=self._name)

    def close(self) -> None:
        """Stop the stream and give control back; what the camera no longer answers is left undone."""
        stream, self._stream = self._stream, None
        camera, self._camera = self._camera, None
        if stream is not None:
            with suppress(viva_genicam.GenicamError):  # a camera that is gone cannot be told to stop
                stream.__exit__(None, None, None)
        if camera is not None:
            with suppress(viva_genicam.GenicamError):
                camera.close()

    def has(self, name: str) -> bool:
        """Whether the camera has such a feature."""
        return self._connected().node_info(name) is not None

    def feature(self, name: str) -> FeatureValue:
        """Read a feature."""
        camera = self._connected()
        camera_value = self._of_feature(name, "read", lambda: camera.feature_state(name).value)
        if not isinstance(camera_value, str | int | float | bool):
            raise NotSupported(f"camera {self._name!r}: feature {name} has no value to read")
        return camera_value

    def set_feature(self, name: str, value: FeatureValue) -> None:
        """Write a feature, as its own type: a whole number will do where the camera has a broken one."""
        camera, present = self._connected(), self.feature(name)
        if isinstance(present, bool) and isinstance(value, bool):
            self._of_feature(name, f"set to {value}", lambda: camera.set_bool(name, value))
        elif isinstance(present, str) and isinstance(value, str):
            self._of_feature(name, f"set to {value!r}", lambda: camera.set(name, value))
        elif isinstance(value, bool | str) or isinstance(present, bool | str):
            raise NotSupported(
                f"camera {self._name!r}: feature {name} is {type(present).__name__} ({present!r}), not {value!r}"
            )
        elif isinstance(present, int) and float(value).is_integer():
            self._of_feature(name, f"set to {value}", lambda: camera.set_integer(name, int(value)))
        else:
            self._of_feature(name, f"set to {value}", lambda: camera.set_float(name, float(value)))

    def execute(self, name: str) -> None:
        """Execute a command without waiting for its end."""
        camera = self._connected()
        self._of_feature(name, "executed", lambda: camera.execute(name, wait=False))

    def _of_feature(self, name: str, doing: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except viva_genicam.GenicamError as error:
            self.check()  # one error stands for a refusal and for a camera that is gone
            raise NotSupported(f"camera {self._name!r}: feature {name} cannot be {doing}: {error}") from error

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except viva_genicam.GenicamError as error:
            raise self._gone(error) from error

    def _found(self) -> viva_genicam.GigeDeviceInfo:
        wanted = self._settings
        # `all` finds cameras on this very machine, too: simulated ones, and gateways to other buses.
        found = viva_genicam.discover(timeout_ms=round(wanted.discovery_s * 1000), iface=wanted.interface, all=True)
        fitting = [
            device
            for device in found
            if wanted.address in (None, device.ip) and (wanted.mac is None or device.mac.lower() == wanted.mac.lower())
        ]
        seen = "; ".join(_described(device) for device in found) or "none"
        if not fitting:
            raise CameraLost(f"camera {self._name!r} does not answer on the network; cameras that do: {seen}")
        if len(fitting) > 1:
            raise CameraMisconfigured(f"camera {self._name!r}: several answer ({seen}); name address or mac")
        return fitting[0]

    def _connected(self) -> viva_genicam.Camera:
        if self._camera is None:
            raise CameraLost(f"camera {self._name!r} is not connected")
        return self._camera

    def _streaming(self) -> FrameStream:
        if self._stream is None:
            raise CameraLost(f"camera {self._name!r} is not connected")
        return self._stream

    def _gone(self, error: Exception) -> CameraLost:
        return CameraLost(f"camera {self._name!r} is gone: {error}")


def _described(device: viva_genicam.GigeDeviceInfo) -> str:
    maker = " ".join(word for word in (device.manufacturer, device.model) if word)
    return f"{device.ip} ({device.mac}{', ' if maker else ''}{maker})"


def _to_image(frame: viva_genicam.Frame, camera: str) -> Image:
    data = np.frombuffer(frame.payload(), np.uint8)
    raw = RawPixels(data, frame.pixel_format, frame.width, frame.height, frame.padding_x)
    return raw.to_image(camera=camera)
