"""What the machine is told between two scans: ends of the work that it asked for, and news of its surroundings."""

from dataclasses import dataclass
from typing import TypeAlias

from lineside.inspection.verdict import ReasonCode, Verdict


@dataclass(frozen=True, slots=True)
class DefectPlace:
    """Where a defect that counts was seen, for the rule on equal defects.

    Attributes:
        view: the view.
        class_name: its class.
        centre_px: across and down, in the view's pixels.
    """

    view: str
    class_name: str
    centre_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A part's trigger stands on disk: only now is the PLC told that it was taken."""

    acquisition_id: int


@dataclass(frozen=True, slots=True)
class Acquired:
    """All pictures of a part are here; the part may move on."""

    acquisition_id: int


@dataclass(frozen=True, slots=True)
class AcquisitionFailed:
    """Some pictures of a part are not there."""

    acquisition_id: int
    message: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A part's verdict stands on disk.

    Attributes:
        acquisition_id: whose.
        part_id: the part that was judged.
        is_nameless: whether the station had to give it a name that no part bears (unread, duplicate).
        verdict: OK, NG or NOT_INSPECTED.
        code: why a NOT_INSPECTED part is that.
        is_audit: whether a person is to look at it.
        places: of the defects that count.
    """

    acquisition_id: int
    part_id: str
    verdict: Verdict
    code: ReasonCode | None = None
    is_audit: bool = False
    is_nameless: bool = False
    places: tuple[DefectPlace, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeFailed:
    """A part got no verdict, or its record found no room on the disk."""

    acquisition_id: int
    code: ReasonCode
    message: str


@dataclass(frozen=True, slots=True)
class CameraTrouble:
    """A camera is lost."""

    camera: str
    message: str


@dataclass(frozen=True, slots=True)
class CameraBack:
    """It delivers again."""

    camera: str


@dataclass(frozen=True, slots=True)
class DeploymentReady:
    """Somebody can judge: the server, or the station by a verified deployment."""


@dataclass(frozen=True, slots=True)
class DeploymentNotReady:
    """Nobody can judge."""

    message: str


@dataclass(frozen=True, slots=True)
class Changeover:
    """Another product is made from now on."""

    product: str | None


@dataclass(frozen=True, slots=True)
class MastersDue:
    """A shift begins: the master samples are to be shown."""

    why: str


@dataclass(frozen=True, slots=True)
class MasterPresented:
    """A person lays a master sample on the line: the next trigger is its. Not needed where the PLC names its parts."""

    part_id: str


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Records find no room."""

    message: str


@dataclass(frozen=True, slots=True)
class DiskBack:
    """Records find room again."""


@dataclass(frozen=True, slots=True)
class InternalFault:
    """A task of the station died."""

    message: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The station is told to end: no part gets a permit any more."""


Happening: TypeAlias = (
    Recorded
    | Acquired
    | AcquisitionFailed
    | Judged
    | JudgeFailed
    | CameraTrouble
    | CameraBack
    | DeploymentReady
    | DeploymentNotReady
    | Changeover
    | MastersDue
    | MasterPresented
    | DiskFull
    | DiskBack
    | InternalFault
    | Ending
)
