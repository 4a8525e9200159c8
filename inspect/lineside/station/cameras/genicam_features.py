"""What GenICam cameras share, whatever transports them: features by their SFNC name, and how they are triggered."""

from typing import Protocol

from lineside.station.cameras.errors import CameraMisconfigured, NotSupported
from lineside.station.cameras.genicam_settings import GenicamFeatureSettings

FeatureValue = str | int | float | bool


class Features(Protocol):
    """A camera's features, blocking."""

    def has(self, name: str) -> bool:
        """Whether the camera has it."""
        ...

    def feature(self, name: str) -> FeatureValue:
        """Read one; raises `NotSupported` or `CameraLost`."""
        ...

    def set_feature(self, name: str, value: FeatureValue) -> None:
        """Write one; raises `NotSupported` or `CameraLost`."""
        ...

    def execute(self, name: str) -> None:
        """Execute a command; raises `NotSupported` or `CameraLost`."""
        ...


def set_up(features: Features, settings: GenicamFeatureSettings) -> None:
    """Write the settings' features and trigger into a camera that does not acquire yet.

    Raises:
        CameraMisconfigured: the camera does not take one of them; the settings must be changed.
        CameraLost: it is gone.
    """
    try:
        for name, value in settings.features.items():
            features.set_feature(name, value)
        _set_up_trigger(features, settings)
    except NotSupported as refused:
        raise CameraMisconfigured(str(refused)) from refused


def _set_up_trigger(features: Features, settings: GenicamFeatureSettings) -> None:
    if settings.trigger == "off" and not features.has("TriggerMode"):
        return
    if features.has("TriggerSelector"):
        features.set_feature("TriggerSelector", settings.trigger_selector)
    if settings.trigger == "off":
        features.set_feature("TriggerMode", "Off")
        return
    features.set_feature("TriggerMode", "On")
    features.set_feature("TriggerSource", settings.trigger_source or "Software")
    if settings.trigger_activation is not None:
        features.set_feature("TriggerActivation", settings.trigger_activation)


def fire(features: Features, settings: GenicamFeatureSettings, *, camera: str) -> None:
    """Trigger by software.

    Raises:
        NotSupported: the camera runs free, or hardware triggers it.
        CameraLost: it is gone.
    """
    if settings.trigger != "software":
        raise NotSupported(f"camera {camera!r} has trigger {settings.trigger}; a software trigger needs software")
    features.execute("TriggerSoftware")
