"""What is shown of a station: itself, and what holds its parts back."""

from pydantic import Field

from lineside.serving.holds import HoldOut
from lineside.serving.stations.schemas import StationOut


class StationView(StationOut):
    """A station, what is in force there, what will be, and what holds its parts back."""

    holds: tuple[HoldOut, ...] = Field(description="Its own hold and that of its lot, oldest first.")
