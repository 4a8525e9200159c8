"""What a training run is asked to do, checked before anything is loaded."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lineside.training.errors import PlanRefused

Device = Literal["cpu", "cuda"]

SCRATCH = ("scratch", "none")
"""How a start from random weights is named."""

_RATE_FROM_SCRATCH = 0.002
_RATE_FROM_WEIGHTS = 0.001

STRIDE_PX = 32
"""The coarsest grid of the networks: sides of training images are multiples of it."""


class Architecture(StrEnum):
    """The networks that can be trained: ultralytics' stock detectors in three sizes."""

    YOLO11N = "yolo11n"
    YOLO11S = "yolo11s"
    YOLO11M = "yolo11m"
    YOLO26N = "yolo26n"
    YOLO26S = "yolo26s"
    YOLO26M = "yolo26m"

    @property
    def is_end_to_end(self) -> bool:
        """Whether the network itself decides which boxes stay, so that nothing is suppressed after it."""
        return self.value.startswith("yolo26")


class DeviceChoice(StrEnum):
    """What may be asked for."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Orientation(StrEnum):
    """In which orientations a crop may be shown, where they leave its labels true."""

    AS_IS = "as-is"
    """Only as the camera sees it: for parts with a print, or with another kind of top and bottom."""
    ALL = "all"
    """Mirrored and turned by quarters: for boards and textures."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How a detector is trained.

    Attributes:
        architecture: of the network.
        epochs: passes over the training images, at most.
        batch: images per step.
        image_px: side of the square training images, a multiple of 32.
        learning_rate: after the warm-up; it falls to a hundredth of it as half a cosine.
        seed: of the weights, the crops and their order.
        device: "cpu" (in bfloat16 where the processor has it) or "cuda".
        patience: epochs without a better figure on the validation split after which the run ends, at least
            `validate_every`; None: never.
        minutes: of the whole training, resumed parts together; None: no limit. The learning rate falls with the time
            when that runs out before the epochs do.
        validate_every: epochs from one look at the validation split to the next; the last epoch always gets one.
    """

    architecture: Architecture = Architecture.YOLO11N
    epochs: int = 6
    batch: int = 32
    image_px: int = 320
    learning_rate: float = 0.002
    seed: int = 1
    device: Device = "cpu"
    patience: int | None = None
    minutes: float | None = None
    validate_every: int = 1

    def __post_init__(self) -> None:
        """Refuse what no run can do."""
        if min(self.epochs, self.batch, self.validate_every) < 1:
            raise PlanRefused(f"epochs {self.epochs}, batch {self.batch}, validate_every {self.validate_every}: from 1")
        if self.image_px < STRIDE_PX or self.image_px % STRIDE_PX:
            raise PlanRefused(f"training images of {self.image_px} px: expected a multiple of {STRIDE_PX}")
        if not 0 < self.learning_rate < 1:
            raise PlanRefused(f"a learning rate of {self.learning_rate}: expected more than 0 and less than 1")
        if self.patience is not None and self.patience < 1:
            raise PlanRefused(f"a patience of {self.patience} epochs: expected at least 1")
        if self.patience is not None and self.patience < self.validate_every:
            raise PlanRefused(
                f"a patience of {self.patience} epochs with a look every {self.validate_every}: the run would end "
                "before it looks; expected a patience of at least as many"
            )
        if self.minutes is not None and not self.minutes > 0:
            raise PlanRefused(f"a limit of {self.minutes} minutes: expected more than 0")


def default_learning_rate(start: str) -> float:
    """A rate that has done well: lower where the weights know something already."""
    return _RATE_FROM_SCRATCH if start in SCRATCH else _RATE_FROM_WEIGHTS
