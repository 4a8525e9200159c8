"""What a recipe holds, checked and resolved: no rule that judging needs is left to be looked up elsewhere."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lineside.inspection.catalogue import Severity
from lineside.inspection.decoding import SixteenBitRule
from lineside.inspection.errors import RecipeError
from lineside.inspection.image_health import HealthLimits
from lineside.inspection.recipe.hold_rules import HoldRule
from lineside.inspection.reference import RegistrationLimits
from lineside.inspection.sizes import SizeDefinition
from lineside.inspection.zones import Polygon


@dataclass(frozen=True, slots=True)
class ClassLimit:
    """What a recipe allows of one defect class, in one scope (the part, or one zone).

    Attributes:
        max_count: defects allowed; one more makes the part NG.
        size_definition: which size the limits below, and the recorded size, are about.
        severity: as the catalogue ranks the class.
        confidence: the recipe's own threshold in [0, 1]; None leaves it to the release.
        min_size_mm: smaller detections do not count, None counts all; mm² where the definition is area.
        max_size_mm: a larger defect makes the part NG whatever the count, None sets no such limit; mm² for an
            area.
    """

    max_count: int = 0
    size_definition: SizeDefinition = SizeDefinition.LENGTH
    severity: Severity = Severity.CRITICAL
    confidence: float | None = None
    min_size_mm: float | None = None
    max_size_mm: float | None = None

    def __post_init__(self) -> None:
        """Refuse a limit that no part could be held to."""
        if self.max_count < 0:
            raise RecipeError(f"max_count is {self.max_count}; expected 0 or more")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise RecipeError(f"confidence is {self.confidence}; expected a number in [0, 1]")
        for size in (self.min_size_mm, self.max_size_mm):
            if size is not None and not (math.isfinite(size) and size > 0):
                raise RecipeError(f"a size limit is {size}; expected a finite number above 0")

    @property
    def needs_scale(self) -> bool:
        """Whether it can only be applied where the scale is known."""
        return self.min_size_mm is not None or self.max_size_mm is not None


STRICTEST_LIMIT = ClassLimit()
"""For a class that neither the recipe nor its catalogue knows: a single detection makes the part NG."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A named region of a view.

    Attributes:
        name: unique in its view.
        polygon: where it is, in the view's pixels.
        limits: by class name, limits of its own for every class of the catalogue; None ignores what lies
            wholly inside.
    """

    name: str
    polygon: Polygon
    limits: Mapping[str, ClassLimit] | None

    @property
    def is_ignored(self) -> bool:
        """Whether defects wholly inside do not count."""
        return self.limits is None

    def limit_for(self, class_name: str) -> ClassLimit:
        """What the zone allows of a class; nothing at all of one that it does not know."""
        return (self.limits or {}).get(class_name, STRICTEST_LIMIT)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The measurement that a scale rests on.

    Attributes:
        id: the plant's number of the calibration record.
        method: how it was measured, e.g. "glass scale, 5 positions".
        at: aware UTC instant of the measurement.
        expires_at: from this instant on the scale may not be used; None sets no end.
    """

    id: str
    method: str
    at: datetime
    expires_at: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether the scale may no longer be used at that aware instant."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a pixel is on the part.

    Attributes:
        mm_per_px: millimetres, above 0, equal in both directions.
        calibration: where the figure comes from.
    """

    mm_per_px: float
    calibration: Calibration

    def __post_init__(self) -> None:
        """Refuse a scale under which every size would be nonsense."""
        if not (math.isfinite(self.mm_per_px) and self.mm_per_px > 0):
            raise RecipeError(f"mm_per_px is {self.mm_per_px}; expected a finite number above 0")


@dataclass(frozen=True, slots=True)
class ReferenceSpec:
    """An approved reference image (golden image) of a view.

    Attributes:
        id: unique in its view.
        image: a path relative to the recipe's file, or `sha256:<64 hex digits>` of a stored image.
        approved_by: who approved it.
        approved_at: aware UTC instant of the approval; it may not be used before.
        expires_at: from this instant on it may not be used; None sets no end.
    """

    id: str
    image: str
    approved_by: str
    approved_at: datetime
    expires_at: datetime | None = None

    @property
    def sha256(self) -> str | None:
        """Lowercase hex digest of a stored image; None where `image` is a path."""
        return self.image.removeprefix("sha256:") if self.image.startswith("sha256:") else None

    def is_usable(self, now: datetime) -> bool:
        """Whether it is approved and has not expired at that aware instant."""
        return self.approved_at <= now and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class View:
    """One image of a part that the recipe asks for.

    Attributes:
        name: unique in the recipe; "default" where there is one.
        size_wh_px: the only width and height a frame may have; None accepts any.
        references: approved reference images; empty for a single-image release.
        registration: how far a frame may lie from its reference.
        zones: in the file's order.
        scale: this view's own, else the recipe's; None where neither gives one.
        sixteen_bit: how 16-bit pixels become the 8 that are judged; None refuses 16-bit frames.
    """

    name: str
    size_wh_px: tuple[int, int] | None
    references: tuple[ReferenceSpec, ...]
    registration: RegistrationLimits
    zones: tuple[Zone, ...]
    scale: Scale | None
    sixteen_bit: SixteenBitRule | None = None

    @property
    def ignore_zones(self) -> Iterator[Zone]:
        """The zones in which nothing counts."""
        return (zone for zone in self.zones if zone.is_ignored)

    @property
    def limit_zones(self) -> Iterator[Zone]:
        """The zones with limits of their own."""
        return (zone for zone in self.zones if not zone.is_ignored)


@dataclass(frozen=True, slots=True)
class Retention:
    """Which images are kept, and how long. NG, reviewed and audited ones are always kept for `days`.

    Attributes:
        ok_share: share of OK parts whose images are kept, in [0, 1].
        near_threshold: images of an OK part are kept as well if its surest score reaches this share of the lowest
            threshold in force, in (0, 1]; None keeps none for that.
        days: age at which kept images go.
        max_gigabytes: size at which the oldest go; None sets no bound.
    """

    ok_share: float = 0.05
    near_threshold: float | None = None
    days: int = 90
    max_gigabytes: float | None = None

    def __post_init__(self) -> None:
        """Refuse a share that is none."""
        if self.near_threshold is not None and not 0.0 < self.near_threshold <= 1.0:
            raise RecipeError(
                f"retention.near_threshold is {self.near_threshold}; expected a share of the threshold above 0 and up "
                "to 1, or none given"
            )

    def is_near_threshold(self, peak_score: float | None, thresholds: Mapping[str, float]) -> bool:
        """Whether an OK part came so near to being rejected that its images are worth a look.

        Args:
            peak_score: the surest score of any class on any of its images; None where it is not known.
            thresholds: those in force, by class; with none nothing is near.
        """
        if self.near_threshold is None or peak_score is None or not thresholds:
            return False
        return peak_score >= self.near_threshold * min(thresholds.values())


@dataclass(frozen=True, slots=True)
class Recipe:
    """The rules of one product, one version; a version never changes.

    Attributes:
        id: the recipe's name.
        version: from 1 upwards.
        product: the product it is for.
        catalogue_id: the defect catalogue that names its classes.
        catalogue_version: its version.
        release: name of the model release that finds the defects.
        views: by view name, in the file's order; at least one.
        limits: by class name, for every class of the catalogue; one that the file does not name allows nothing.
        named_classes: the classes that the file names; the release must be able to find each of them.
        scale: the scale of views without one of their own; None where there is none.
        health: what an image must satisfy to be judged.
        deadline_ms: a verdict later than this after the trigger is no verdict.
        audit_share: share of passed parts drawn for human review, in [0, 1].
        retention: which images are kept.
        confirmation_share: share of flagged parts drawn for confirmation by a human, above 0 and up to 1.
        opportunities: how many places of a part a defect can be at, for DPMO; None where nobody has counted them.
        holds: when parts are held back, in the file's order.
    """

    id: str
    version: int
    product: str
    catalogue_id: str
    catalogue_version: int
    release: str
    views: Mapping[str, View]
    limits: Mapping[str, ClassLimit]
    named_classes: frozenset[str]
    scale: Scale | None
    health: HealthLimits
    deadline_ms: int
    audit_share: float
    retention: Retention = field(default_factory=Retention)
    confirmation_share: float = 1.0
    opportunities: int | None = None
    holds: tuple[HoldRule, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a recipe that asks for nothing, or for sizes without a scale."""
        if not self.views:
            raise RecipeError(f"recipe {self.id!r} asks for no view; nothing would ever be looked at")
        if not 0.0 <= self.audit_share <= 1.0:
            raise RecipeError(f"the audit share is {self.audit_share}; expected a number in [0, 1]")
        if not 0.0 < self.confirmation_share <= 1.0:
            raise RecipeError(
                f"the confirmation share is {self.confirmation_share}; expected a number above 0 and up to 1: "
                "with none of the flagged parts looked at, nothing is known of them"
            )
        if self.opportunities is not None and self.opportunities < 1:
            raise RecipeError(f"opportunities is {self.opportunities}; expected at least 1, or none given")
        for view in self.views.values():
            limits = [
                *self.limits.values(),
                *(each for zone in view.zones for each in (zone.limits or {}).values()),
            ]
            if view.scale is None and any(limit.needs_scale for limit in limits):
                raise RecipeError(f"view {view.name!r} has size limits but no scale, so they could not be applied")

    def limit_for(self, class_name: str) -> ClassLimit:
        """What the recipe allows of a class outside all zones; nothing at all of one that it does not know."""
        return self.limits.get(class_name, STRICTEST_LIMIT)
