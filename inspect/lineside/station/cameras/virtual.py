"""Kind `virtual`: a camera over a line of synthetic boards with known defects."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from lineside.datasets.synthetic import LARGEST_SIDE_PX, LayoutFamily, Look
from lineside.inspection.frames import Image
from lineside.station.cameras.errors import CameraExtraMissing, CameraLost
from lineside.station.cameras.replay import ReplayCamera
from lineside.station.cameras.settings import CameraContext, CameraSettings, ReplaySettings
from lineside.station.cameras.virtual_line import CODE_STRIP_PX, LinePlan, VirtualLine
from lineside.station.part_codes import CodeFormat, CodeReaderMissing, draw_code


class VirtualSettings(ReplaySettings):
    """Boards drawn as they are wanted; `LinePlan` says what each key means."""

    kind: Literal["virtual"]
    rate_hz: float = Field(4.0, gt=0, le=1000, description="Pictures a second of a free pace.")
    width_px: int = Field(640, ge=64, le=LARGEST_SIDE_PX, description="Columns of the picture.")
    height_px: int = Field(640, ge=64, le=LARGEST_SIDE_PX, description="Rows of the picture, the code's strip too.")
    family: Literal["bus", "surface_mount", "connector", "power", "sparse", "mesh"] = "surface_mount"
    design_seed: int = Field(11, ge=0)
    look: Literal["camera", "binarised"] = "camera"
    seed: int = Field(1, ge=0)
    defect_share: float = Field(0.1, ge=0, le=1)
    most_defects: int = Field(3, ge=1, le=20)
    mark_share: float = Field(0.2, ge=0, le=1)
    distinct_parts: int | None = Field(None, ge=1, le=256, description="So many pictures, again and again.")
    bears_code: bool = Field(default=False, description="Print a Data Matrix of the part's id below the board.")
    part_id_prefix: str = Field("V-", max_length=12, pattern=r"^[!-~]*$")
    plug_file: str | None = Field(None, description="Stands for the cable: while there is no such file, it is pulled.")

    @model_validator(mode="after")
    def _leaves_room_for_the_board(self) -> Self:
        if self.bears_code and (self.height_px < 2 * CODE_STRIP_PX or self.width_px < CODE_STRIP_PX):
            raise ValueError(
                f"{self.width_px} x {self.height_px} px with a code below the board; "
                f"expected {CODE_STRIP_PX} x {2 * CODE_STRIP_PX} or more"
            )
        return self

    @property
    def plan(self) -> LinePlan:
        """What the line makes."""
        return LinePlan(
            family=LayoutFamily(self.family),
            design_seed=self.design_seed,
            width_px=self.width_px,
            height_px=self.height_px - (CODE_STRIP_PX if self.bears_code else 0),
            look=Look(self.look),
            seed=self.seed,
            defect_share=self.defect_share,
            most_defects=self.most_defects,
            mark_share=self.mark_share,
            distinct_parts=self.distinct_parts,
            bears_code=self.bears_code,
            part_id_prefix=self.part_id_prefix,
        )


class VirtualSource:
    """Pictures of a virtual line.

    Args:
        line: the line.
        camera: name of the camera, for messages.
        plug: file that stands for the cable; None: it is never pulled.
    """

    def __init__(self, line: VirtualLine, *, camera: str, plug: Path | None = None) -> None:
        self._line = line
        self._camera = camera
        self._plug = plug

    def open(self) -> float | None:
        """Begin; a virtual line has no speed of its own."""
        self.check()
        return None

    def take(self, position: int) -> Callable[[], Image]:
        """The part at this position."""
        self.check()

        def expose() -> Image:
            image = self._line.picture(position)
            self.check()  # the cable may be pulled while the frame is under way
            return image

        return expose

    def check(self) -> None:
        """Raises `CameraLost` while the cable is pulled."""
        if self._plug is not None and not self._plug.exists():
            raise CameraLost(f"camera {self._camera!r} is unplugged: {self._plug} is not there")

    def close(self) -> None:
        """Nothing is held."""


def build(settings: CameraSettings, context: CameraContext) -> ReplayCamera:
    """A camera of kind `virtual`.

    Raises:
        CameraExtraMissing: it is to print codes, and their library is not installed.
    """
    if not isinstance(settings, VirtualSettings):
        raise TypeError(f"settings of kind {settings.kind!r}; expected those of kind 'virtual'")
    if settings.bears_code:
        try:
            draw_code(f"{settings.part_id_prefix}0", CodeFormat.DATA_MATRIX)
        except CodeReaderMissing as missing:
            raise CameraExtraMissing(f"camera {context.name!r} is to print codes: {missing}") from missing
    plug = None if settings.plug_file is None else context.folder / settings.plug_file
    source = VirtualSource(VirtualLine(settings.plan), camera=context.name, plug=plug)
    return ReplayCamera(source, settings, context, rate_hz=settings.rate_hz)
