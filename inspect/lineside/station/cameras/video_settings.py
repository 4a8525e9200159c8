"""What a camera of kind `video` can be told; readable without its library."""

from typing import Literal

from pydantic import Field

from lineside.station.cameras.settings import PixelFormatName, ReplaySettings


class VideoSettings(ReplaySettings):
    """A video file. `pixel_format` is what its pictures are made into: a codec has a layout of its own."""

    kind: Literal["video"]
    file: str = Field(min_length=1, description="The video; relative to this file.")
    rate_hz: float | None = Field(None, gt=0, le=1000, description="Pictures a second; without it the video's own.")
    loop: bool = Field(default=True, description="Begin anew behind the last one; otherwise the camera ends there.")
    pixel_format: PixelFormatName = "bgr8"
