"""What the demonstration of a station shall be."""

from dataclasses import dataclass
from pathlib import Path

MM_TO_GATE = 600.0
"""From the camera to the gate."""
MM_TO_CONFIRM = 60.0
"""From the gate to the sensors of the lanes."""
SPACING_MM = 200.0
"""From part to part: three of them are between camera and gate."""


@dataclass(frozen=True, slots=True)
class StationDemoPlan:
    """What passes the station, and what is pulled meanwhile.

    Attributes:
        folder: for everything; it must be empty or not be there yet.
        parts: how many come.
        defect_share: of the parts that have a defect or more, in [0, 1].
        outage: whether the server is killed in the middle, and started again later.
        judges_itself: whether the station's own engine judges meanwhile; else such parts are NOT_INSPECTED.
        parts_per_s: pace of the belt.
        seed: of the parts.
        engine: of server and station: "auto", or an engine's name.
    """

    folder: Path
    parts: int = 40
    defect_share: float = 0.25
    outage: bool = True
    judges_itself: bool = True
    parts_per_s: float = 1.25
    seed: int = 1
    engine: str = "onnxruntime-fp32"

    def __post_init__(self) -> None:
        """Refuse a line that cannot run."""
        if self.parts < 1 or self.seed < 0:
            raise ValueError(f"{self.parts} parts, seed {self.seed}: expected at least 1 part and a seed from 0")
        if not 0.0 <= self.defect_share <= 1.0:
            raise ValueError(f"share of defective parts {self.defect_share}: expected 0 to 1")
        if not 0.0 < self.parts_per_s <= 10.0:
            raise ValueError(f"{self.parts_per_s} parts/s: expected above 0 and at most 10")

    @property
    def speed_mm_s(self) -> float:
        """Of the belt."""
        return SPACING_MM * self.parts_per_s

    @property
    def away_from(self) -> int:
        """After so many triggers the server goes."""
        return max(1, self.parts // 3)

    @property
    def back_from(self) -> int:
        """After so many it is started again."""
        return max(self.away_from + 1, self.parts * 5 // 9)

    @property
    def server_folder(self) -> Path:
        """The server's data."""
        return self.folder / "server"

    @property
    def station_folder(self) -> Path:
        """The station's file, key, trust file and spool."""
        return self.folder / "station"

    @property
    def station_file(self) -> Path:
        """`station.yaml`."""
        return self.station_folder / "station.yaml"

    @property
    def trust_file(self) -> Path:
        """Whose signatures count, at the server and at the station."""
        return self.folder / "keys" / "trust.json"
