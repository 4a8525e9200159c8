"""What the runtime tells the machine: the ends of what it was asked for, and what it noticed by itself.

Parts are named by `number`, the machine's own count of triggers from `Acquire`: an acquisition id has 16 bits and comes
again after a wrap or a restart of the PLC, a number never does, so a verdict can not fall to another part.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lineside.inspection.verdict import Verdict


@dataclass(frozen=True, slots=True)
class DefectPlace:
    """Where a defect was found.

    Attributes:
        class_name: of the defect.
        view: in which picture.
        x_mm: centre from the part's or picture's left edge; pixels where there is no scale.
        y_mm: centre from its upper edge.
    """

    class_name: str
    view: str
    x_mm: float
    y_mm: float


@dataclass(frozen=True, slots=True)
class Acquired:
    """All pictures of a part are here; the camera is free."""

    number: int


@dataclass(frozen=True, slots=True)
class AcquisitionFailed:
    """A picture of a part is missing; the camera is free. Its verdict (NOT_INSPECTED) still follows."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, told only after it stands on disk.

    Attributes:
        number: of the part.
        part_id: for which part it was given.
        verdict: OK, NG or NOT_INSPECTED.
        audit: whether a person is to look at it.
        defects: classes and places of what counted.
        judged_by: the server, or the station's own engine.
    """

    number: int
    part_id: str
    verdict: Verdict
    audit: bool = False
    defects: tuple[DefectPlace, ...] = ()
    judged_by: Literal["server", "station"] = "server"


@dataclass(frozen=True, slots=True)
class JudgeFailed:
    """A part gets no verdict that stands: no judge, or the disk did not take the record."""

    number: int
    reason: str


class Block(StrEnum):
    """What stands against Ready."""

    NO_DEPLOYMENT = "no_deployment"
    CAMERA = "camera"
    DISK = "disk"
    FAULT = "fault"
    ENCODER = "encoder"
    LINK = "link"
    OFFLINE = "offline"
    BYPASS = "bypass"
    STOPPED = "stopped"
    MASTERS = "masters"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class CameraTrouble:
    """A camera is lost. Whoever sends it reports it (camera_lost)."""

    camera: str
    reason: str


@dataclass(frozen=True, slots=True)
class CameraBack:
    """A camera delivers again."""

    camera: str


@dataclass(frozen=True, slots=True)
class DeploymentReady:
    """There is a judge: the server answers, or a verified kit is loaded."""


@dataclass(frozen=True, slots=True)
class DeploymentNotReady:
    """There is no judge any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Changeover:
    """Another product, None for none."""

    product: str | None


@dataclass(frozen=True, slots=True)
class ShiftBegan:
    """A shift began: masters are due where the rule says so."""


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Records can not be written. Whoever sends it reports it."""

    reason: str


@dataclass(frozen=True, slots=True)
class DiskBack:
    """Records can be written again."""


@dataclass(frozen=True, slots=True)
class MasterPresented:
    """A person lays a master on the line: the next trigger is it. Needed only where the PLC gives no part ids."""

    part_id: str


@dataclass(frozen=True, slots=True)
class StationFault:
    """A task of the station died: Error until the station is started anew."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The station is about to end: no trigger is taken and no permit given any more."""


Happening = (
    Acquired
    | AcquisitionFailed
    | Judged
    | JudgeFailed
    | CameraTrouble
    | CameraBack
    | DeploymentReady
    | DeploymentNotReady
    | Changeover
    | ShiftBegan
    | DiskFull
    | DiskBack
    | MasterPresented
    | StationFault
    | Ending
)
