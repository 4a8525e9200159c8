"""What is kept of a camera's pictures to hold the next one against, besides the digest of the last."""

from dataclasses import dataclass, field

from lineside.inspection.light_baseline import LightBaseline
from lineside.inspection.sensor_noise import NoisePrint


@dataclass(frozen=True, slots=True)
class CameraPast:
    """The past of one camera, as one view of one recipe saw it.

    Attributes:
        noise: of the picture before; None where there is none, or where it says nothing.
        light: how bright its pictures usually are.
    """

    noise: NoisePrint | None = field(default=None, repr=False)
    light: LightBaseline = field(default_factory=LightBaseline)
