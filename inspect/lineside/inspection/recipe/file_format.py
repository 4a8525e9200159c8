"""The recipe file as its author writes it; the JSON Schema for editors is made from these models."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from lineside.inspection.file_models import FileModel
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.reference import RegistrationLimits

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveSize = Annotated[float, Field(gt=0)]
PointInFile = Annotated[list[float], Field(min_length=2, max_length=2)]
PixelRangeInFile = Annotated[list[Annotated[int, Field(ge=0, le=65535)]], Field(min_length=2, max_length=2)]
SizeInFile = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]


def _instant(value: Any) -> Any:
    """An instant from its RFC 3339 text; it must say its offset, since a local time is not one instant."""
    if not isinstance(value, str):
        return value
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at the ends of the calendar
        pass
    raise PydanticCustomError("instant", "expected an instant with its offset, such as 2026-01-31T09:00:00+09:00")


Instant = Annotated[
    datetime,
    BeforeValidator(_instant, json_schema_input_type=str),
    Field(json_schema_extra={"format": "date-time"}),
]


def _image(value: str) -> str:
    """A relative path that stays in the recipe's folder, or the digest of a stored image."""
    if value.startswith("sha256:"):
        digest = value.removeprefix("sha256:")
        if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise PydanticCustomError("image", "expected sha256: and 64 lowercase hex digits")
    elif value.startswith(("/", "\\")) or ":" in value or ".." in value.replace("\\", "/").split("/"):
        raise PydanticCustomError("image", "expected sha256:<hex> or a path below the recipe's own folder")
    return value


class CatalogueInFile(FileModel):
    """The defect catalogue whose classes the recipe names."""

    id: Name
    version: int = Field(ge=1)


class CalibrationInFile(FileModel):
    """The measurement that the scale rests on."""

    id: Name = Field(description="The plant's number of the calibration record.")
    method: Name = Field(description='How it was measured, e.g. "glass scale, 5 positions".')
    at: Instant
    expires_at: Instant | None = Field(default=None, description="From then on no part is judged with this scale.")


class ScaleInFile(FileModel):
    """How large a pixel is on the part."""

    mm_per_px: float = Field(gt=0, description="Millimetres that one pixel covers, equal in both directions.")
    calibration: CalibrationInFile


class ReferenceInFile(FileModel):
    """An approved reference image (golden image)."""

    id: Name
    image: Annotated[Name, AfterValidator(_image)] = Field(
        description="Path below the recipe's folder, or sha256:<hex> of a stored image."
    )
    approved_by: Name
    approved_at: Instant
    expires_at: Instant | None = None


class ZoneLimitInFile(FileModel):
    """What a zone allows of a class. A threshold belongs to a class, not to a place: there is none here."""

    max_count: int = Field(default=0, ge=0, description="Defects allowed; one more makes the part NG.")
    min_size_mm: PositiveSize | None = Field(default=None, description="Smaller ones do not count (width, length).")
    max_size_mm: PositiveSize | None = Field(
        default=None, description="A larger one makes the part NG (width, length)."
    )
    min_size_mm2: PositiveSize | None = Field(default=None, description="Smaller ones do not count (area).")
    max_size_mm2: PositiveSize | None = Field(default=None, description="A larger one makes the part NG (area).")


class LimitInFile(ZoneLimitInFile):
    """What the recipe allows of a class."""

    confidence: Share | None = Field(default=None, description="Threshold of its own; else the release's.")
    size_definition: Literal["width", "length", "area"] | None = Field(
        default=None, description="Which size counts; else the catalogue's definition."
    )


class ZoneInFile(FileModel):
    """A region of a view: either nothing wholly inside counts (ignore), or it has limits of its own."""

    name: Name
    polygon_px: list[PointInFile] = Field(min_length=3, description="Corners [x, y] in order around the zone.")
    ignore: Literal[True] | None = None
    limits: dict[Name, ZoneLimitInFile] | None = Field(
        default=None, description="By class; a class that is not named keeps the recipe's limit."
    )


_REGISTRATION = RegistrationLimits()
_HEALTH = HealthLimits()


class RegistrationInFile(FileModel):
    """How far a frame may lie from its reference image and still be judged. Fields as in `RegistrationLimits`."""

    max_shift_px: int = Field(default=_REGISTRATION.max_shift_px, ge=0, description="Largest shift of any corner.")
    max_residual: Share = Field(
        default=_REGISTRATION.max_residual, description="Largest difference left once the reference is laid over."
    )
    max_uncovered_share: Share = Field(
        default=_REGISTRATION.max_uncovered_share, description="Largest share of the frame that it does not reach."
    )
    motion: Literal["translation", "euclidean", "affine"] = Field(
        default=_REGISTRATION.motion.value, description="How a part may lie differently from its reference."
    )


class HealthInFile(FileModel):
    """What an image must satisfy to be judged; null switches a check off. Fields as in `HealthLimits`."""

    min_std: float | None = Field(default=_HEALTH.min_std, description="Blank below this deviation of gray levels.")
    refuse_repeats: bool = Field(default=_HEALTH.refuse_repeats, description="Frozen if equal to the frame before.")
    min_brightest: float | None = Field(
        default=_HEALTH.min_brightest,
        description="Under-exposed if the 99.5 % quantile does not reach this level.",
    )
    max_darkest: float | None = Field(
        default=_HEALTH.max_darkest, description="Over-exposed if the 0.5 % quantile is above this level."
    )
    max_black_share: Share | None = Field(
        default=_HEALTH.max_black_share, description="Under-exposed if more than this share is black."
    )
    max_white_share: Share | None = Field(
        default=_HEALTH.max_white_share, description="Over-exposed if more than this share is white."
    )
    min_mean: float | None = Field(default=_HEALTH.min_mean, description="Under-exposed below this mean gray level.")
    max_mean: float | None = Field(default=_HEALTH.max_mean, description="Over-exposed above this mean gray level.")
    min_sharpness: float | None = Field(default=_HEALTH.min_sharpness, description="Defocused below this.")
    max_repeat_correlation: Share | None = Field(
        default=_HEALTH.max_repeat_correlation,
        description="With refuse_repeats, frozen too if the noise correlates with the frame before by more than this.",
    )
    max_dropped_lines: int | None = Field(
        default=_HEALTH.max_dropped_lines, ge=0, description="More rows and columns than this were dropped."
    )
    max_mean_drift: float | None = Field(
        default=_HEALTH.max_mean_drift,
        description="Other light than usual if the mean differs from the last frames' by more gray levels than this.",
    )


class SixteenBitInFile(FileModel):
    """How the 16-bit pixels of a camera become the 8 bits that are judged: one of the two rules."""

    shift_right: int | None = Field(
        default=None, ge=0, le=8, description="Drop this many low bits: 4 for a 12-bit camera, 8 for a 16-bit one."
    )
    window: PixelRangeInFile | None = Field(
        default=None, description="[low, high]: low becomes 0, high 255, what lies outside saturates."
    )


class ViewInFile(FileModel):
    """One image of a part that the recipe asks for."""

    size_wh_px: SizeInFile | None = Field(default=None, description="The only width and height accepted.")
    references: list[ReferenceInFile] = Field(default_factory=list)
    registration: RegistrationInFile = Field(default_factory=RegistrationInFile)
    zones: list[ZoneInFile] = Field(default_factory=list)
    scale: ScaleInFile | None = Field(default=None, description="Of this view's camera; else the recipe's.")
    sixteen_bit: SixteenBitInFile | None = Field(default=None, description="Without it 16-bit frames are refused.")


class AuditInFile(FileModel):
    """The random draw of passed parts for human review: the only way to estimate escapes."""

    share: Share


class ConfirmationInFile(FileModel):
    """The random draw of flagged parts that a human confirms: all of them, unless there are too many."""

    share: Annotated[float, Field(gt=0, le=1)]


class RetentionInFile(FileModel):
    """Which images are kept, and how long."""

    ok_share: Share = Field(default=0.05, description="Share of OK parts whose images are kept.")
    near_threshold: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None,
        description="Images of OK parts whose surest score reaches this share of the lowest threshold are kept too.",
    )
    days: int = Field(default=90, ge=1)
    max_gigabytes: float | None = Field(default=None, gt=0)


class HoldRuleInFile(FileModel):
    """When parts are held back. Fields as in `HoldRule`."""

    when: Literal["rate_above", "chart_signal", "drift_alarm", "image_alarm", "escape_confirmed"]
    do: Literal["propose", "order"] = Field(default="propose", description="Ask a person, or hold at once.")
    of: Literal["lot", "station"] = Field(
        default="station", description="What is held; a rate is that of the lot, or of the station's present window."
    )
    limit: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="rate_above: the share of parts that is too high."
    )
    confidence: Annotated[float, Field(ge=0.5, lt=1)] | None = Field(
        default=None, description="rate_above: of the interval whose lower end must be above the limit; else 0.95."
    )
    min_parts: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="rate_above: inspected parts before which the rate says nothing; else 30."
    )
    counted: Literal["detector", "process"] | None = Field(
        default=None, description="rate_above: the share of NG parts, or the estimated defect rate; else detector."
    )


class RecipeInFile(FileModel):
    """A recipe: the versioned rules by which the parts of one product are judged."""

    schema_: Literal["lineside.recipe/1"] = Field(alias="schema")
    id: Name
    version: int = Field(ge=1)
    product: Name
    catalogue: CatalogueInFile
    release: Name = Field(description="Name of the model release that finds the defects.")
    views: dict[Name, ViewInFile] = Field(min_length=1)
    limits: dict[Name, LimitInFile] = Field(
        default_factory=dict, description="By class; a class that is not named allows nothing."
    )
    scale: ScaleInFile | None = None
    health: HealthInFile = Field(default_factory=HealthInFile)
    deadline_ms: int = Field(gt=0, le=600_000, description="A verdict later than this is no verdict.")
    audit: AuditInFile = Field(default_factory=lambda: AuditInFile(share=0.01))
    confirmation: ConfirmationInFile = Field(default_factory=lambda: ConfirmationInFile(share=1.0))
    retention: RetentionInFile = Field(default_factory=RetentionInFile)
    opportunities: int | None = Field(
        default=None, ge=1, description="Places of a part that a defect can be at (joints, pads): DPMO counts by them."
    )
    holds: list[HoldRuleInFile] = Field(
        default_factory=list, max_length=20, description="When parts are held back, or a person is asked to."
    )
