"""What every camera can do, whatever it is."""

from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from lineside.station.cameras.records import CameraFrame, CameraHealth


class Camera(Protocol):
    """A source of frames. Building one connects nothing; `async with` is its life."""

    @property
    def name(self) -> str:
        """What the station calls it."""
        ...

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            CameraLost: it is not there.
            CameraMisconfigured: it is there, but cannot be set up as the settings say.
            CameraExtraMissing: its library is not installed.
        """
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it; safe after any failure."""
        ...

    async def grab(self, *, timeout_s: float) -> CameraFrame:
        """The next frame that was not given out yet. One caller at a time.

        Raises:
            CameraTimeout: none came within `timeout_s`.
            CameraLost: the camera is gone.
            WrongPixelFormat: a frame came, but of another layout or size.
            FrameBroken: a frame came that cannot be read.
        """
        ...

    async def trigger(self) -> None:
        """Expose now.

        Raises:
            NotSupported: it runs free, or hardware triggers it.
            CameraLost: the camera is gone.
        """
        ...

    @property
    def health(self) -> CameraHealth:
        """How it is now; never waits."""
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """A camera whose settings can be read and written by their name in the GenICam SFNC."""

    async def feature(self, name: str) -> str | int | float | bool:
        """The value of e.g. `ExposureTime` (µs).

        Raises:
            NotSupported: the camera has no such feature, or does not let it be read now.
        """
        ...

    async def set_feature(self, name: str, value: str | float | bool) -> None:  # noqa: FBT001 - a feature's value
        """Write a feature.

        Raises:
            NotSupported: the camera has no such feature, or does not take this value now.
        """
        ...
