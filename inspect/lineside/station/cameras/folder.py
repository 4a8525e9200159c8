"""Kind `folder`: the pictures of a folder, in order."""

import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from pydantic import Field

from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.errors import FrameError, GeometryMismatch
from lineside.inspection.frames import Image, MediaType
from lineside.station.cameras.errors import CameraEnded, CameraLost, FrameBroken, WrongPixelFormat
from lineside.station.cameras.replay import ReplayCamera
from lineside.station.cameras.settings import CameraContext, CameraSettings, ReplaySettings

MEDIA_TYPES: Final = MappingProxyType(
    {".png": MediaType.PNG, ".jpg": MediaType.JPEG, ".jpeg": MediaType.JPEG, ".bmp": MediaType.BMP}
)
"""What is read, by the end of a file's name; other files are passed over."""

_DIGITS = re.compile(r"(\d+)")


class FolderSettings(ReplaySettings):
    """Pictures of a folder, sorted by name as people sort: picture 2 before picture 10."""

    kind: Literal["folder"]
    folder: str = Field(min_length=1, description="Where the pictures are; relative to this file.")
    rate_hz: float = Field(4.0, gt=0, le=1000, description="Pictures a second of a free pace.")
    loop: bool = Field(default=True, description="Begin anew behind the last one; otherwise the camera ends there.")


class FolderSource:
    """Pictures of a folder; it is looked at anew whenever the replay begins anew.

    Args:
        folder: where they are.
        camera: name of the camera, for messages.
        loops: whether the first one follows the last.
    """

    def __init__(self, folder: Path, *, camera: str, loops: bool) -> None:
        self._folder = folder
        self._camera = camera
        self._loops = loops
        self._files: tuple[Path, ...] = ()
        self._begins_at = 0

    def open(self) -> float | None:
        """List the pictures; a folder knows no speed of its own."""
        self._files = self._listed()
        return None

    def take(self, position: int) -> Callable[[], Image]:
        """The picture at this position, counted on over all rounds."""
        self.check()
        if position < self._begins_at:  # somebody moved the replay back
            self._begins_at = 0
        while position - self._begins_at >= len(self._files):
            if not self._loops:
                raise CameraEnded(
                    f"camera {self._camera!r} has shown all {len(self._files)} pictures of {self._folder}"
                )
            self._begins_at += len(self._files)
            self._files = self._listed()
        file = self._files[position - self._begins_at]
        return lambda: self._read(file)

    def check(self) -> None:
        """Raises `CameraLost` if the folder is gone."""
        if not self._folder.is_dir():
            raise CameraLost(f"camera {self._camera!r}: no folder at {self._folder}; make it, or name another one")

    def close(self) -> None:
        """Nothing is held."""

    def _listed(self) -> tuple[Path, ...]:
        self.check()
        try:
            found = [file for file in self._folder.iterdir() if file.suffix.lower() in MEDIA_TYPES and file.is_file()]
        except OSError as error:
            raise CameraLost(f"camera {self._camera!r}: cannot list {self._folder}: {error.strerror}") from error
        if not found:
            raise CameraLost(
                f"camera {self._camera!r}: no picture in {self._folder}; put {', '.join(MEDIA_TYPES)} files there"
            )
        return tuple(sorted(found, key=lambda file: _as_people_sort(file.name)))

    def _read(self, file: Path) -> Image:
        try:
            frame = decode(file.read_bytes(), MEDIA_TYPES[file.suffix.lower()], limits=DecodingLimits())
        except OSError as error:
            raise FrameBroken(f"camera {self._camera!r}: cannot read {file}: {error.strerror}") from error
        except GeometryMismatch as error:
            raise WrongPixelFormat(f"camera {self._camera!r}: {file}: {error}") from error
        except FrameError as error:
            raise FrameBroken(f"camera {self._camera!r}: {file}: {error}") from error
        return frame.image.copy()  # the decoder's is read-only; a frame's belongs to its receiver


def _as_people_sort(name: str) -> tuple[tuple[int, int, str], ...]:
    """Numbers in a name by their value, the rest by letters."""
    return tuple(
        (0, int(piece), "") if piece.isdigit() else (1, 0, piece.casefold()) for piece in _DIGITS.split(name) if piece
    )


def build(settings: CameraSettings, context: CameraContext) -> ReplayCamera:
    """A camera of kind `folder`."""
    if not isinstance(settings, FolderSettings):
        raise TypeError(f"settings of kind {settings.kind!r}; expected those of kind 'folder'")
    source = FolderSource(context.folder / settings.folder, camera=context.name, loops=settings.loop)
    return ReplayCamera(source, settings, context, rate_hz=settings.rate_hz)
