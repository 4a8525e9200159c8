"""The JSON of a station's own record, and of what the server makes of it."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.frames import MediaType, PixelFormat
from lineside.inspection.verdict import Verdict
from lineside.serving.certificates import ThresholdStatus
from lineside.serving.inspections.schemas import DefectOut, Identifier, ReasonOut, ReleaseOut
from lineside.serving.inspections.submission import Cause

_DIGEST = r"^[0-9a-f]{64}$"
_LARGEST_COUNT = 2**63 - 1


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReportedFrameIn(_In):
    """One view that the station judged; its image follows as a part named after the view, unless it was dropped."""

    view: Identifier
    digest: Annotated[str, Field(pattern=_DIGEST)]
    size_bytes: int = Field(ge=0)
    media_type: MediaType
    width: int | None = Field(default=None, ge=1, le=1_000_000)
    height: int | None = Field(default=None, ge=1, le=1_000_000)
    pixel_format: PixelFormat | None = None
    captured_at: AwareDatetime | None = None
    sequence: int | None = Field(default=None, ge=0, le=_LARGEST_COUNT)
    encoder: int | None = Field(default=None, ge=-_LARGEST_COUNT, le=_LARGEST_COUNT)

    @model_validator(mode="after")
    def _geometry_fits_the_media_type(self) -> Self:
        given = [self.width, self.height, self.pixel_format]
        if (self.media_type is MediaType.RAW) != all(value is not None for value in given):
            raise ValueError("width, height and pixel_format belong to raw bodies, and a raw body needs all three")
        return self


class ReportIn(_In):
    """What a station decided by itself: the part was let through or not on the strength of it.

    A part that nobody could look at (no whole frame, no code, a turned bypass key) is recorded too: NOT_INSPECTED with
    its reasons, without frames, and without a recipe or a release where the station had none.
    """

    station: Identifier
    part_id: Identifier
    attempt: int = Field(default=1, ge=1, le=1000)
    cause: Cause = Cause.FIRST
    parent_id: Identifier | None = None
    product: Identifier | None = None
    lot: Identifier | None = None
    order_id: Identifier | None = None
    recipe_id: Identifier | None = None
    recipe_version: int | None = Field(default=None, ge=1)
    release: ReleaseOut | None = None
    engine: Identifier | None = None
    verdict: Verdict
    reasons: tuple[ReasonOut, ...] = ()
    defects: tuple[DefectOut, ...] = ()
    thresholds: Mapping[str, float] = Field(default_factory=dict)
    opened_at: AwareDatetime
    judged_at: AwareDatetime
    frames: tuple[ReportedFrameIn, ...] = ()

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.verdict is Verdict.OK) != (not self.reasons):
            raise ValueError(
                f"verdict {self.verdict.value} with {len(self.reasons)} reasons: OK has none, others say why"
            )
        if self.reasons and (self.verdict is Verdict.NG) != any(reason.code.makes_ng for reason in self.reasons):
            codes = ", ".join(reason.code.value for reason in self.reasons)
            raise ValueError(
                f"verdict {self.verdict.value} for {codes}: a finding beyond a limit makes NG, and nothing else does"
            )
        if (self.recipe_id is None) != (self.recipe_version is None):
            raise ValueError("recipe_id and recipe_version belong together")
        judged = (self.recipe_id, self.release, self.frames or None)
        if self.verdict is not Verdict.NOT_INSPECTED and any(value is None for value in judged):
            raise ValueError(
                f"verdict {self.verdict.value} without frames, recipe or release: only NOT_INSPECTED can do without"
            )
        if self.frames and self.recipe_id is None:
            raise ValueError("frames are of views that a recipe asks for: name the recipe")
        if (self.attempt == 1) != (self.cause is Cause.FIRST):
            raise ValueError(f"attempt {self.attempt} with cause {self.cause.value!r}: only attempt 1 is 'first'")
        views = [frame.view for frame in self.frames]
        if len(set(views)) != len(views):
            raise ValueError("a view is listed twice")
        if self.judged_at < self.opened_at:
            raise ValueError("judged_at is before opened_at")
        return self


class RejudgementOut(BaseModel):
    """What the server finds in the same frames. Also the data of the event `rejudgement.v1`; it changes no verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    inspection_id: str
    station: str
    part_id: str
    station_verdict: Verdict
    verdict: Verdict
    agrees: bool
    reasons: tuple[ReasonOut, ...]
    defects: tuple[DefectOut, ...]
    release: ReleaseOut | None
    engine: str | None
    thresholds: Mapping[str, float]
    threshold_status: ThresholdStatus = ThresholdStatus.UNCERTIFIED
    judged_at: AwareDatetime
