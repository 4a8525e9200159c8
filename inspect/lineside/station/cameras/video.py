"""Kind `video`: a video file, frame by frame, at its own pace or another."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import av
import av.error
import numpy as np
from av.container import InputContainer

from lineside.inspection.frames import Image
from lineside.station.cameras.errors import CameraEnded, CameraLost, CameraMisconfigured, FrameBroken
from lineside.station.cameras.replay import ReplayCamera
from lineside.station.cameras.settings import CameraContext, CameraSettings, PixelFormatName
from lineside.station.cameras.video_settings import VideoSettings

_AV_FORMATS: dict[PixelFormatName, Literal["gray", "bgr24"]] = {"mono8": "gray", "bgr8": "bgr24"}


class VideoSource:
    """Pictures of a video file's first video stream; one that is moved back is decoded again from its beginning.

    Args:
        file: the video.
        camera: name of the camera, for messages.
        loops: whether the first picture follows the last.
        pixel_format: what pictures are made into; a codec has a layout of its own.
    """

    def __init__(self, file: Path, *, camera: str, loops: bool, pixel_format: PixelFormatName) -> None:
        self._file = file
        self._camera = camera
        self._loops = loops
        self._pixel_format: PixelFormatName = pixel_format
        self._container: InputContainer | None = None
        self._frames: Iterator[av.VideoFrame] = iter(())
        self._position = 0
        self._taken_in_round = 0

    def open(self) -> float | None:
        """Open the file; returns its pictures a second."""
        self._position = 0
        return self._begin()

    def take(self, position: int) -> Callable[[], Image]:
        """The picture at this position, counted on over all rounds."""
        self.check()
        if position < self._position:
            self.open()
        while True:
            found = self._next()
            self._position += 1
            if self._position > position:
                return lambda: self._to_image(found)

    def check(self) -> None:
        """Raises `CameraLost` if the file is gone."""
        if not self._file.is_file():
            raise CameraLost(f"camera {self._camera!r}: no video at {self._file}; put it there, or name another one")

    def close(self) -> None:
        """Close the file."""
        container, self._container = self._container, None
        self._frames = iter(())
        if container is not None:
            container.close()

    def _begin(self) -> float | None:
        self.close()
        self.check()
        try:
            container = av.open(str(self._file), mode="r")
        except av.error.FFmpegError as error:
            raise CameraMisconfigured(
                f"camera {self._camera!r}: {self._file} is no video that can be read: {error.strerror}"
            ) from error
        if not container.streams.video:
            container.close()
            raise CameraMisconfigured(f"camera {self._camera!r}: {self._file} holds no pictures; name a video file")
        self._container = container
        stream = container.streams.video[0]
        self._frames = container.decode(stream)
        self._taken_in_round = 0
        return None if stream.average_rate is None else float(stream.average_rate)

    def _next(self) -> av.VideoFrame | FrameBroken:
        """What comes next; behind a place that cannot be decoded, the round is over."""
        while True:
            try:
                frame = next(self._frames, None)
            except av.error.FFmpegError as error:
                self._frames = iter(())
                return self._broken(error.strerror or type(error).__name__)
            if frame is not None:
                self._taken_in_round += 1
                return self._broken("marked as corrupt by its decoder") if frame.is_corrupt else frame
            if not self._loops or self._taken_in_round == 0:
                raise CameraEnded(
                    f"camera {self._camera!r} has shown all {self._taken_in_round} pictures of {self._file}"
                )
            self._begin()

    def _broken(self, why: str) -> FrameBroken:
        return FrameBroken(f"camera {self._camera!r}: picture {self._taken_in_round} of {self._file}: {why}")

    def _to_image(self, found: av.VideoFrame | FrameBroken) -> Image:
        if isinstance(found, FrameBroken):
            raise found
        return np.ascontiguousarray(found.to_ndarray(format=_AV_FORMATS[self._pixel_format]), np.uint8)


def build(settings: CameraSettings, context: CameraContext) -> ReplayCamera:
    """A camera of kind `video`."""
    if not isinstance(settings, VideoSettings):
        raise TypeError(f"settings of kind {settings.kind!r}; expected those of kind 'video'")
    source = VideoSource(
        context.folder / settings.file, camera=context.name, loops=settings.loop, pixel_format=settings.pixel_format
    )
    return ReplayCamera(source, settings, context, rate_hz=settings.rate_hz)
