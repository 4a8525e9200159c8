"""What a file may say about an RTSP camera; read without PyAV."""

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from lineside.station.cameras.driven import DrivingRules
from lineside.station.cameras.settings import CameraSettings


class RtspSettings(CameraSettings):
    """A network camera's RTSP stream, over TCP.

    Its password is never part of the URL, which people copy into messages: a file or the environment holds it.
    """

    kind: Literal["rtsp"]
    url: str = Field(max_length=2000, description="rtsp://ADDRESS:PORT/PATH, without user and password.")
    user: str | None = Field(None, min_length=1, max_length=200, description="To log in as, if the camera asks.")
    password_file: str | None = Field(None, min_length=1, description="Holds the password; or")
    password_env: str | None = Field(None, min_length=1, description="the variable that does.")
    silent_s: float = Field(2.0, gt=0, le=60, description="A stream that is silent for longer is lost.")
    connect_s: float = Field(10.0, gt=0, le=60, description="Longest that connecting may take.")

    @model_validator(mode="after")
    def _login_is_complete(self) -> Self:
        try:
            parts = urlsplit(self.url)
        except ValueError:
            parts = urlsplit("")
        if "@" in self.url:
            raise ValueError("url names a login; give user and password_file instead, and change that password")
        if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
            raise ValueError("url is none of a stream; expected rtsp://ADDRESS:PORT/PATH")
        given = [place for place in (self.password_file, self.password_env) if place is not None]
        if len(given) != (0 if self.user is None else 1):
            raise ValueError("user goes with one of password_file and password_env, and neither without user")
        return self

    @property
    def driving(self) -> DrivingRules:
        """How the stream's driver is used: nobody can trigger it, so only frames taken after the call count."""
        return DrivingRules("newest", buffered_frames=1, call_s=self.connect_s)
