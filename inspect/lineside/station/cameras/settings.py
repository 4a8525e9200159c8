"""What every kind of camera can be told in a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from lineside.client.backoff import Backoff
from lineside.client.clock import Clock
from lineside.inspection.file_models import FileModel


class CameraSettings(FileModel):
    """What all kinds share; each kind's own model adds its `kind` and its rest.

    A frame of another pixel format or size than the settings name is refused, never converted.
    """

    kind: str
    pixel_format: Literal["mono8", "bgr8"] | None = Field(
        None, description="Layout of what it must give; without it that of its first frame."
    )
    width_px: int | None = Field(None, ge=1, le=65536, description="Columns that every frame must have.")
    height_px: int | None = Field(None, ge=1, le=65536, description="Rows that every frame must have.")
    reconnect_first_s: float = Field(0.2, gt=0, le=60, description="Longest wait before the first new connection.")
    reconnect_longest_s: float = Field(5.0, gt=0, le=600, description="Longest wait between two of them.")

    @property
    def backoff(self) -> Backoff:
        """How long to wait between connections."""
        return Backoff(
            first_s=min(self.reconnect_first_s, self.reconnect_longest_s), longest_s=self.reconnect_longest_s
        )


@dataclass(frozen=True, slots=True)
class CameraContext:
    """What a camera is built with besides its settings.

    Attributes:
        name: what the station calls the camera, its key in the file; by convention the view that it takes.
        clock: the station's.
        folder: of the settings' file; relative paths begin there.
    """

    name: str
    clock: Clock
    folder: Path
