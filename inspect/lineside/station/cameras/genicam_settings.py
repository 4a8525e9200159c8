"""What a file may say about a GenICam camera; read without any camera's library."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from lineside.station.cameras.driven import Delivery, DrivingRules
from lineside.station.cameras.settings import NEWEST_REFUSED, CameraSettings


class GenicamFeatureSettings(CameraSettings):
    """What a file may say about any GenICam camera."""

    features: Mapping[str, bool | int | float | str] = Field(
        default={},
        description="Features by their GenICam name, written in this order: {PixelFormat: Mono8, ExposureTime: 100.0}.",
    )
    trigger: Literal["off", "software", "hardware"] = Field(
        "off", description="What starts an exposure; off: the camera runs free."
    )
    trigger_selector: str = Field("FrameStart", description="Which of its triggers that is.")
    trigger_source: str | None = Field(None, description="Input of the camera that a hardware trigger comes to: Line1.")
    trigger_activation: str | None = Field(None, description="Edge of that input: RisingEdge, FallingEdge.")
    delivery: Delivery | None = Field(
        None,
        description="newest: a frame that arrives after it is asked for, so never the part before; every: all of them "
        "in order. Without it, newest for a camera that runs free and every for one that is triggered.",
    )
    buffered_frames: int = Field(
        4, ge=1, le=256, description="Held until somebody asks; older ones are thrown away and counted as lost."
    )
    call_s: float = Field(5.0, gt=0, le=60, description="Longest that connecting, a trigger or a feature may take.")

    @model_validator(mode="after")
    def _trigger_is_complete(self) -> Self:
        if (self.trigger == "hardware") != (self.trigger_source is not None):
            raise ValueError("trigger hardware and trigger_source (e.g. Line1) belong together")
        if self.trigger != "off" and self.delivery == "newest":
            raise ValueError("a triggered camera delivers every frame; newest is for one that runs free")
        return self

    @property
    def driving(self) -> DrivingRules:
        """How the camera's driver is used."""
        delivery = self.delivery or ("newest" if self.trigger == "off" else "every")
        return DrivingRules(delivery, self.buffered_frames, self.call_s)

    def with_every_frame(self) -> Self:
        """See `CameraSettings.with_every_frame`."""
        if self.delivery == "newest":
            raise ValueError(NEWEST_REFUSED)
        return self.model_copy(update={"delivery": "every"})


class GenicamSettings(GenicamFeatureSettings):
    """A camera behind its vendor's GenTL producer."""

    kind: Literal["genicam"]
    producer: str = Field(min_length=1, description="The vendor's .cti file, from the settings' folder on.")
    device: str | None = Field(
        None, description="Serial number, user-defined name or id of the device; without it there must be one only."
    )
    encoder_feature: str | None = Field(
        None,
        description="Integer feature that is read with each frame: the encoder's count as its first line began. For "
        "chunk data ChunkEncoderValue, with ChunkModeActive, ChunkSelector and ChunkEnable among the features.",
    )


class GigeSettings(GenicamFeatureSettings):
    """A GigE Vision camera on the network."""

    kind: Literal["gige"]
    address: str | None = Field(None, description="IPv4 address of the camera; or")
    mac: str | None = Field(None, description="its hardware address. Without either there must be one camera only.")
    interface: str | None = Field(None, description="Address or name of the station's own interface to it: eth1.")
    discovery_s: float = Field(0.5, gt=0, le=30, description="How long to wait for cameras to answer.")
    packet_bytes: int | None = Field(
        None, ge=576, le=16_000, description="Largest packet, e.g. 9000 with jumbo frames; without it the camera's own."
    )
    resend: bool = Field(default=True, description="Whether lost packets are asked for again.")
