"""RTSP streams of network cameras, by PyAV (FFmpeg's libraries), over TCP.

For looking on and for coarse defects: the pictures were compressed, they have no trigger, and what the exposure was
nobody knows. A picture's time is that of its arrival; a camera's own buffers may hold it for a second before.
"""

import os
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, HTTPClientError, InvalidDataError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lineside.inspection.frames import Image
from lineside.station.cameras.driven import Arrival, DrivenCamera, TransportCounts
from lineside.station.cameras.errors import CameraLost, CameraMisconfigured, NotSupported
from lineside.station.cameras.protocol import Camera
from lineside.station.cameras.rtsp_settings import RtspSettings
from lineside.station.cameras.settings import CameraContext

_OPTIONS: Final = {
    "rtsp_transport": "tcp",  # a lost packet is sent again, instead of a torn picture
    "fflags": "nobuffer",
    "flags": "low_delay",
    "analyzeduration": "500000",  # µs; the stream's description names the codec, nothing is to be guessed
    "protocol_whitelist": "rtsp,rtp,tcp,tls",  # the camera cannot send the station to a file or elsewhere
}
_GRAY: Final = frozenset({"gray", "grayj"})


def build(settings: RtspSettings, context: CameraContext) -> Camera:
    """The camera; nothing connects yet."""
    driver = RtspDriver(context.name, settings, folder=context.folder)
    return DrivenCamera(context.name, driver, clock=context.clock, rules=settings.driving)


class RtspDriver:
    """The blocking side; see `Driver` for who calls what from where.

    No error of FFmpeg's is chained or quoted as it is: each carries the whole URL, password included.

    Args:
        name: what the station calls the camera.
        settings: of the file.
        folder: where a relative path of the password's file begins.
    """

    def __init__(self, name: str, settings: RtspSettings, *, folder: Path) -> None:
        self._name = name
        self._settings = settings
        self._folder = folder
        self._container: InputContainer | None = None
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._decoded: deque[VideoFrame] = deque()
        self._undecodable = 0

    def open(self) -> None:
        """Connect, and find the video among the streams."""
        settings = self._settings
        try:
            container = av.open(
                self._url(), options=_OPTIONS, timeout=(settings.connect_s, settings.silent_s), metadata_errors="ignore"
            )
        except HTTPClientError as refused:
            raise CameraMisconfigured(
                f"camera {self._name!r}: {settings.url} was refused: {refused.strerror}; check path, user and password"
            ) from None
        except (FFmpegError, OSError) as error:
            raise CameraLost(f"camera {self._name!r}: no stream at {settings.url}: {error.strerror}") from None
        self._container = container
        if not container.streams.video:
            raise CameraMisconfigured(f"camera {self._name!r}: {settings.url} has no video")
        video = container.streams.video[0]
        video.thread_type = "SLICE"  # whole frames in parallel would each come a frame later
        self._packets = container.demux(video)

    def next(self, *, timeout_s: float) -> Arrival | None:  # noqa: ARG002 - FFmpeg waits up to `silent_s`
        """The next frame; None for a packet that makes none."""
        if not self._decoded:
            self._decode_packet()
        if not self._decoded:
            return None
        frame = self._decoded.popleft()
        lost_before, self._undecodable = self._undecodable, 0
        return Arrival(partial(_to_image, frame), lost_before, is_partial=frame.is_corrupt)

    def check(self) -> None:
        """Nothing: `next` itself raises when the stream is silent for too long."""

    def counts(self) -> TransportCounts:
        """Nothing: over TCP no packet is lost without the whole stream."""
        return TransportCounts()

    def trigger(self) -> None:
        """A stream cannot be triggered."""
        raise NotSupported(f"camera {self._name!r} is a stream: it runs free and cannot be triggered")

    def close(self) -> None:
        """Hang up."""
        container, self._container = self._container, None
        self._packets = iter(())
        self._decoded.clear()
        if container is not None:
            container.close()

    def _decode_packet(self) -> None:
        try:
            packet = next(self._packets, None)
            if packet is None or packet.size == 0:  # FFmpeg's way to say that nothing follows
                raise CameraLost(f"camera {self._name!r}: the stream {self._settings.url} ended")
            self._decoded.extend(frame for frame in packet.decode() if isinstance(frame, VideoFrame))
        except InvalidDataError:
            self._undecodable += 1
        except FFmpegError as error:
            raise CameraLost(
                f"camera {self._name!r}: the stream {self._settings.url} broke: {error.strerror}"
            ) from None

    def _url(self) -> str:
        """The URL with the login in it, as FFmpeg wants it: for its eyes only."""
        settings = self._settings
        if settings.user is None:
            return settings.url
        scheme, rest = settings.url.split("://", 1)
        return f"{scheme}://{quote(settings.user, safe='')}:{quote(self._password(), safe='')}@{rest}"

    def _password(self) -> str:
        settings = self._settings
        if settings.password_env is not None:
            password = os.environ.get(settings.password_env, "")
            place = f"variable {settings.password_env}"
        else:
            path = self._folder / (settings.password_file or "")
            place = f"file {path}"
            try:
                password = path.read_text(encoding="utf-8").strip()
            except OSError as error:
                raise CameraMisconfigured(f"camera {self._name!r}: password {place}: {error.strerror}") from error
        if not password:
            raise CameraMisconfigured(f"camera {self._name!r}: {place} holds no password")
        return password


def _to_image(frame: VideoFrame) -> Image:
    return np.asarray(frame.to_ndarray(format="gray" if frame.format.name in _GRAY else "bgr24"), dtype=np.uint8)
