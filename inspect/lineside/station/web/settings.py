"""`web.yaml`: which web a station reads, how fast it must decide, and what it does with what it finds.

```yaml
schema: lineside.web-station/1
roll: ROLL-7
source: {kind: looped, path: web/web.mono8, width_px: 2048, line_rate_hz: 6000}
encoder: {mm_per_count: 0.0208333}
mm_per_px_across: 0.0208333
parts: {pitch_mm: 68.0}
reject: {distance_mm: 400, actuator_ms: 30, speed_mm_s: 125}
release: starter:pcb-single
grades: [{grade: A, max_defects: 0}, {grade: B, max_defects: 3, max_defect_mm: 2.0}]
marker: {kind: file, path: marks.jsonl}
out: out
```

Relative paths begin at the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from lineside.inspection.file_models import FileModel, SourceFile
from lineside.inspection.strips.picture_watch import PITCH_LINES
from lineside.station.cameras.configuration import parse_camera
from lineside.station.cameras.genicam_settings import GenicamSettings
from lineside.station.cameras.settings import CameraSettings
from lineside.station.rig.kinds import RIG_KINDS
from lineside.station.rig.settings import RigSettings
from lineside.station.web.errors import WebFileRefused

SCHEMA: Final = "lineside.web-station/1"

STARTER: Final = "starter:"
"""Before the name of a release that comes with the program."""

_Path = Annotated[str, Field(min_length=1, max_length=4096)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
_Width = Annotated[int, Field(ge=16, le=65_536)]


class LoopedSource(FileModel):
    """A web in a file, read around and around.

    Attributes:
        kind: always "looped".
        path: uint8 pixels, line by line, without any header; or the folder of a synthetic web.
        width_px: pixels of a line.
        line_rate_hz: lines a second; without it as fast as they are judged, once.
        lines: where the roll ends.
        chunk_lines: lines that come at a time.
    """

    kind: Literal["looped"]
    path: _Path
    width_px: _Width
    line_rate_hz: float | None = Field(default=None, gt=0, le=1e6)
    lines: int | None = Field(default=None, ge=1)
    chunk_lines: int = Field(default=128, ge=1, le=65_536)


class CameraSource(FileModel):
    """A camera whose frames are lines.

    Attributes:
        kind: always "camera".
        camera: its own kind and keys, as in a station's `cameras` section.
        width_px: columns of every frame.
        lines_per_frame: rows of every frame: the camera's Height.
        timeout_ms: how long to wait for a frame before looking again.
    """

    kind: Literal["camera"]
    camera: dict[str, Any]
    width_px: _Width
    lines_per_frame: int = Field(ge=1, le=65_536)
    timeout_ms: float = Field(default=1000.0, ge=1, le=60_000)


class FolderSource(FileModel):
    """Pictures whose rows are the lines of one web, by name.

    Attributes:
        kind: always "folder".
        folder: holds them.
        width_px: of every picture.
    """

    kind: Literal["folder"]
    folder: _Path
    width_px: _Width


SourceInFile = Annotated[LoopedSource | CameraSource | FolderSource, Field(discriminator="kind")]


class EncoderInFile(FileModel):
    """How the web's way is counted.

    Attributes:
        mm_per_count: web for one count.
        direction: whether counts rise or fall as the web runs.
        counts_per_line: counts from one line to the next.
        bits: of a counter that rolls over; without it the counter never does.
        stuck_lines: lines at one count from which the encoder counts as stuck.
        jump_lines: a step of more lines than this is a jump.
        repeated_lines: equal lines one after another, with a moving encoder, from which the camera counts as frozen;
            null does not look.
        fill_lines: a gap of at most so many lines is filled, so that places stay right; it is never inspected.
    """

    mm_per_count: float = Field(gt=0, le=1000)
    direction: Literal["rising", "falling"] = "rising"
    counts_per_line: int = Field(default=1, ge=1, le=1_000_000)
    bits: int | None = Field(default=None, ge=8, le=63)
    stuck_lines: int = Field(default=64, ge=1, le=1_000_000)
    jump_lines: int = Field(default=16, ge=2, le=10_000_000)
    repeated_lines: int | None = Field(default=8, ge=2, le=1_000_000)
    fill_lines: int = Field(default=4096, ge=0, le=10_000_000)


class SpeedInFile(FileModel):
    """What happens where lines lie further apart, or closer, than they should.

    Attributes:
        on_change: resample to the nominal distance, or refuse the stretch.
        tolerance: share of the nominal distance that is taken as it is.
        most_stretch: factor past which nothing is resampled.
    """

    on_change: Literal["resample", "refuse"] = "refuse"
    tolerance: float = Field(default=0.05, gt=0, lt=1)
    most_stretch: float = Field(default=1.5, ge=1, le=10)


class PartsInFile(FileModel):
    """How the web is cut into regions.

    Attributes:
        pitch_mm: length of a region; with `marks` its nominal length.
        first_mm: where the first one begins; not with `marks`.
        marks: a file with the encoder's count at each mark where a region begins, one to a line; for webs that are
            read from files.
        tolerance_mm: with `marks`: how far a region may be longer or shorter. A mark that comes earlier is a false
            one, and one that does not come ends the region at its nominal length; neither region is ever OK.
        slip_mm: with `marks` that are printed at the pitch: how far the encoder's distance between two of them may be
            off. More means that its wheel slips, and the region between them is never OK; without it nobody looks.
    """

    pitch_mm: float = Field(gt=0, le=100_000)
    first_mm: float = Field(default=0.0, ge=0)
    marks: _Path | None = None
    tolerance_mm: float | None = Field(default=None, gt=0, le=50_000)
    slip_mm: float | None = Field(default=None, gt=0, le=50_000)

    @model_validator(mode="after")
    def _is_cut_one_way(self) -> Self:
        if (self.marks is None) != (self.tolerance_mm is None):
            raise ValueError("marks and tolerance_mm go together")
        if self.slip_mm is not None and (self.tolerance_mm is None or self.slip_mm >= self.tolerance_mm):
            raise ValueError("slip_mm goes with marks and is less than tolerance_mm: past that a mark is false anyhow")
        if self.marks is not None and self.first_mm:
            raise ValueError("first_mm with marks: the first region begins at the first mark")
        if self.tolerance_mm is not None and 2 * self.tolerance_mm >= self.pitch_mm:
            raise ValueError(f"tolerance_mm {self.tolerance_mm:g} is half a region of {self.pitch_mm:g} mm or more")
        return self

    @property
    def longest_mm(self) -> float:
        """Of any region."""
        return self.pitch_mm + (self.tolerance_mm or 0.0)


class RejectInFile(FileModel):
    """Until when a region must be decided.

    Attributes:
        distance_mm: from the camera's line to the marker.
        actuator_ms: from the verdict to the mark.
        speed_mm_s: the web's nominal speed.
    """

    distance_mm: float = Field(gt=0, le=1e6)
    actuator_ms: float = Field(default=0.0, ge=0, le=60_000)
    speed_mm_s: float = Field(gt=0, le=1e6)


class EngineInFile(FileModel):
    """What judges.

    Attributes:
        name: "auto" for the fastest that the release offers on this host, or an engine's name.
        threads: cores it may use; without it all.
    """

    name: str = "auto"
    threads: int | None = Field(default=None, ge=1, le=256)


class TilesInFile(FileModel):
    """How the web is cut into windows of the model's input size.

    Attributes:
        overlap_px: least overlap of neighbouring windows, at least the largest defect that is no streak; and no less
            than the lines over which speed is measured, so that a region is not decided before its end's is known.
        ring_lines: lines kept for the model; without it those that pass until a region must be decided.
    """

    overlap_px: int = Field(default=128, ge=PITCH_LINES, le=4096)
    ring_lines: int | None = Field(default=None, ge=64, le=10_000_000)


class GradeInFile(FileModel):
    """One grade, see `GradeRule`."""

    grade: str = Field(min_length=1, max_length=40)
    max_defects: int = Field(ge=0)
    max_defect_mm: float | None = Field(default=None, gt=0)


class FileMarkerInFile(FileModel):
    """Permits and marks as lines of JSON.

    Attributes:
        kind: always "file".
        path: appended to.
    """

    kind: Literal["file"]
    path: _Path = "marks.jsonl"


class RigMarkerInFile(FileModel):
    """A PLC that is given a permit for each region that is OK.

    Attributes:
        kind: always "rig".
        rig: kind and keys, as in a station's `rig` section.
        ack_timeout_ms: how long it may take for one result before the run ends.
        scan_ms: how often it is written and read.
    """

    kind: Literal["rig"]
    rig: dict[str, Any]
    ack_timeout_ms: float = Field(default=1000.0, ge=1, le=60_000)
    scan_ms: float = Field(default=10.0, ge=1, le=1000)


MarkerInFile = Annotated[FileMarkerInFile | RigMarkerInFile, Field(discriminator="kind")]


class ServerInFile(FileModel):
    """A server that says what judges, and is told of each region; the station judges, and never waits for it.

    The station runs the release and recipe of the deployment that is signed for its line, as long as it verifies.

    Attributes:
        url: of the server.
        station: name under which this station is known there.
        key_file: holds its API key; or
        key_env: the variable that does.
        trust_file: whose signatures count; not needed with a starter.
        spool: folder for what waits, and for the deployment that was verified last.
        max_gib: most gibibytes of pictures that wait.
        product: what is made; without it, lot and order as the server says them.
        lot: its lot.
        order_id: the MES's order.
    """

    url: str = Field(pattern=r"^https?://[^\s]+$")
    station: _Name
    key_file: _Path | None = None
    key_env: str | None = Field(default=None, min_length=1, max_length=200)
    trust_file: _Path | None = None
    spool: _Path = "spool"
    max_gib: float = Field(default=20.0, gt=0, le=100_000)
    product: str | None = Field(default=None, min_length=1, max_length=200)
    lot: str | None = Field(default=None, min_length=1, max_length=200)
    order_id: str | None = Field(default=None, min_length=1, max_length=200)

    @model_validator(mode="after")
    def _names_one_key(self) -> Self:
        if (self.key_file is None) == (self.key_env is None):
            raise ValueError("name one of key_file and key_env")
        return self


class WebFile(FileModel):
    """The whole file."""

    schema_: Literal["lineside.web-station/1"] = Field(alias="schema")
    roll: _Name
    source: SourceInFile
    encoder: EncoderInFile
    mm_per_px_across: float = Field(gt=0, le=1000)
    speed: SpeedInFile = SpeedInFile()
    parts: PartsInFile
    reject: RejectInFile | None = None
    release: _Path | None = None
    reference: _Path | None = None
    recipe: _Path | None = None
    engine: EngineInFile = EngineInFile()
    tiles: TilesInFile = TilesInFile()
    grades: list[GradeInFile] = Field(default=[], max_length=26)
    grade_otherwise: str = Field(default="scrap", min_length=1, max_length=40)
    marker: MarkerInFile | None = None
    server: ServerInFile | None = None
    out: _Path = "out"

    @model_validator(mode="after")
    def _decides_in_time(self) -> Self:
        is_live = isinstance(self.source, CameraSource) or (
            isinstance(self.source, LoopedSource) and self.source.line_rate_hz is not None
        )
        if self.marker is not None and self.reject is None:
            raise ValueError("a marker without `reject`: say how far it is from the camera, so that marks come in time")
        if self.reject is not None and not is_live:
            raise ValueError("`reject` with a source that waits: only a camera or a paced web has deadlines")
        if self.parts.marks is not None and isinstance(self.source, CameraSource):
            raise ValueError("marks in a file with a camera: a live web has none yet; cut it by pitch_mm alone")
        if self.parts.marks is not None and isinstance(self.marker, RigMarkerInFile):
            raise ValueError("marks with a rig: the PLC counts regions of one pitch; cut the web by pitch_mm alone")
        if self.reject is not None and self.reject.distance_mm <= self.parts.longest_mm:
            raise ValueError(
                f"the reject point is {self.reject.distance_mm:g} mm behind the camera and a region is up to "
                f"{self.parts.longest_mm:g} mm long: its beginning would be there before its end was seen"
            )
        return self

    @model_validator(mode="after")
    def _judges_through_the_gate(self) -> Self:
        if self.server is None:
            return self
        if self.release is None:
            if self.recipe is not None or self.reference is not None:
                raise ValueError(
                    "`recipe` and `reference` with `server`: both come with the signed deployment; take them out"
                )
            if self.server.trust_file is None:
                raise ValueError("`server` without trust_file: say whose deployments this station may run")
        elif not self.release.startswith(STARTER):
            raise ValueError(
                f"`release: {self.release}` with `server`: a station with a server runs the release of its signed "
                "deployment; take `release` out, and promote the release for the station's line"
            )
        elif self.recipe is None:
            raise ValueError("a starter with `server` needs `recipe`: the recipe that the server knows, as a file")
        return self


@dataclass(frozen=True, slots=True)
class WebSettings:
    """A file that was read.

    Attributes:
        source: what to call it in messages.
        file: what it says.
        camera: the settings of the source's camera; None for another source.
        rig: the settings of the marker's rig; None for another marker.
    """

    source: str
    file: WebFile
    camera: CameraSettings | None
    rig: RigSettings | None

    @property
    def held_mm(self) -> float:
        """Web that has passed since lines were seen when they come: a frame whose end the next one's count tells."""
        source, encoder = self.file.source, self.file.encoder
        if not isinstance(source, CameraSource) or not isinstance(self.camera, GenicamSettings):
            return 0.0
        lines = 0 if self.camera.encoder_feature is None else source.lines_per_frame
        return lines * encoder.counts_per_line * encoder.mm_per_count


def parse_web_file(text: str, *, source: str) -> WebSettings:
    """Read a `web.yaml`.

    Args:
        text: the whole file.
        source: what to call it in messages.

    Raises:
        WebFileRefused: naming key and line of what is wrong.
    """
    parsed = SourceFile(text, source=source, error=WebFileRefused)
    file = parsed.parse(WebFile)
    is_camera = isinstance(file.source, CameraSource)
    camera = _line_camera(parsed) if is_camera else None
    return WebSettings(source, file, camera, _rig(parsed, file))


def _line_camera(parsed: SourceFile) -> CameraSettings:
    """A camera of which no frame is passed over: it would be web that nobody looked at."""
    at = ("source", "camera")
    camera = parse_camera(parsed, at=at)
    if camera.lost_after_timeouts is not None:
        said = "a web that stands gives no frames, and a camera that is connected anew ends the roll; take it out"
        raise parsed.problem((*at, "lost_after_timeouts"), said)
    try:
        return camera.with_every_frame()
    except ValueError as refused:
        raise parsed.problem(at, str(refused)) from refused


def _rig(parsed: SourceFile, file: WebFile) -> RigSettings | None:
    if not isinstance(file.marker, RigMarkerInFile):
        return None
    kind = RIG_KINDS.get(str(file.marker.rig.get("kind")))
    if kind is None:
        raise parsed.problem(("marker", "rig"), f"no such kind of rig; expected one of {', '.join(RIG_KINDS)}")
    return parsed.parse(kind.settings, at=("marker", "rig"))


def web_json_schema() -> Mapping[str, Any]:
    """JSON Schema (2020-12) of the file, for editors and other programs; camera and rig are those of a station's."""
    return WebFile.model_json_schema(by_alias=True)
