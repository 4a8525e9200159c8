"""The kinds of cameras: one table. A kind's module is imported when a file names it, and not before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from lineside.station.cameras.errors import CameraExtraMissing
from lineside.station.cameras.protocol import Camera
from lineside.station.cameras.settings import CameraContext, CameraSettings


@dataclass(frozen=True, slots=True)
class CameraKind:
    """One row: where a kind's names are found.

    Attributes:
        name: as the file writes it.
        about: what it is, in a few words.
        settings_at: "module:Model" of its settings, a child of `CameraSettings`; importing it needs no extra.
        build_at: "module:function" of (settings, context) that makes the camera without connecting.
        extra: what to install for it, None where the base has all.
        devices_at: "module:function" that looks for devices and returns a line about each, None where it cannot.
    """

    name: str
    about: str
    settings_at: str
    build_at: str
    extra: str | None = None
    devices_at: str | None = None

    @property
    def settings(self) -> type[CameraSettings]:
        """The model of its settings."""
        model: type[CameraSettings] = _found_at(self.settings_at)
        return model

    def build(self, settings: CameraSettings, context: CameraContext) -> Camera:
        """Make a camera; nothing connects yet, and nothing comes back by itself: see `open_camera`.

        Raises:
            CameraExtraMissing: its library is not installed.
            CameraMisconfigured: the settings contradict each other or name what is not there.
        """
        build: Callable[[CameraSettings, CameraContext], Camera] = self._with_extra(self.build_at)
        return build(settings, context)

    @property
    def can_look(self) -> bool:
        """Whether it can look for devices."""
        return self.devices_at is not None

    def devices(self) -> tuple[str, ...]:
        """A line about each device that can be found now; empty where the kind cannot look.

        Raises:
            CameraExtraMissing: its library is not installed.
        """
        if self.devices_at is None:
            return ()
        found: Callable[[], tuple[str, ...]] = self._with_extra(self.devices_at)
        return found()

    def _with_extra(self, place: str) -> Any:
        try:
            return _found_at(place)
        except ModuleNotFoundError as missing:
            if self.extra is None or (missing.name or "").startswith("lineside"):
                raise
            raise extra_missing(self.name, missing, extra=self.extra) from missing


def extra_missing(kind: str, missing: ModuleNotFoundError, *, extra: str) -> CameraExtraMissing:
    """The error for a kind whose library is not there; also for modules that import theirs late."""
    return CameraExtraMissing(f"cameras of kind {kind!r} need {missing.name}: install lineside[{extra}]")


def _found_at(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


_PACKAGE = "lineside.station.cameras"

CAMERA_KINDS: Mapping[str, CameraKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            CameraKind(
                "virtual",
                "synthetic boards with known defects",
                f"{_PACKAGE}.virtual:VirtualSettings",
                f"{_PACKAGE}.virtual:build",
            ),
            CameraKind(
                "folder",
                "pictures of a folder, in order",
                f"{_PACKAGE}.folder:FolderSettings",
                f"{_PACKAGE}.folder:build",
            ),
            CameraKind(
                "video",
                "a video file, played at its pace or another",
                f"{_PACKAGE}.video_settings:VideoSettings",
                f"{_PACKAGE}.video:build",
                "cameras",
            ),
            CameraKind(
                "genicam",
                "GenICam through a vendor's GenTL producer (.cti)",
                f"{_PACKAGE}.genicam_settings:GenicamSettings",
                f"{_PACKAGE}.genicam:build",
                "cameras",
                f"{_PACKAGE}.genicam:devices",
            ),
            CameraKind(
                "gige",
                "GigE Vision without a vendor's producer",
                f"{_PACKAGE}.genicam_settings:GigeSettings",
                f"{_PACKAGE}.gige:build",
                "cameras",
                f"{_PACKAGE}.gige:devices",
            ),
            CameraKind(
                "rtsp",
                "an RTSP stream, for looking only: compressed pictures",
                f"{_PACKAGE}.rtsp_settings:RtspSettings",
                f"{_PACKAGE}.rtsp:build",
                "cameras",
            ),
        )
    }
)
"""Every kind by name."""
