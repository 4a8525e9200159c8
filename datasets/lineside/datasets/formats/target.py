"""What writers write into: pictures by their digest, text, and the suffix that fits an encoding."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lineside.datasets.labelled import ImageFile
from lineside.inspection.frames import MediaType

_SUFFIXES = {MediaType.PNG: ".png", MediaType.JPEG: ".jpg", MediaType.BMP: ".bmp"}


def suffix_of(file: ImageFile) -> str:
    """The usual ending of a picture's name, with its dot."""
    return _SUFFIXES[file.media_type]


@dataclass(frozen=True, slots=True)
class ExportTarget:
    """The folder of an export in the making.

    Attributes:
        root: an empty folder.
        read: gives a picture's bytes, checked against its digest.
    """

    root: Path
    read: Callable[[ImageFile], bytes]

    def picture(self, path: str, file: ImageFile) -> None:
        """Write a picture, byte by byte as it was imported."""
        self._new(path).write_bytes(self.read(file))

    def text(self, path: str, content: str) -> None:
        """Write a text file in UTF-8."""
        self._new(path).write_text(content, encoding="utf-8", newline="\n")

    def data(self, path: str, content: bytes) -> None:
        """Write any other file."""
        self._new(path).write_bytes(content)

    def _new(self, path: str) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return target
