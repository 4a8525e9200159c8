"""What a station is, what is in force there, and what will be."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from lineside.inspection.decoding import ExpectedGeometry
from lineside.inspection.frames import RawGeometry


@dataclass(frozen=True, slots=True)
class BoundContext:
    """The production context of one part, as it is in force at the part's trigger.

    Attributes:
        product: what is made.
        order_id: the job order it is made for.
        lot: the lot it belongs to.
        recipe_id: the recipe it is judged by; None if the station has none.
        recipe_version: that recipe's version.
    """

    product: str | None = None
    order_id: str | None = None
    lot: str | None = None
    recipe_id: str | None = None
    recipe_version: int | None = None

    def __post_init__(self) -> None:
        """Refuse half a recipe."""
        if (self.recipe_id is None) != (self.recipe_version is None):
            raise ValueError(f"recipe {self.recipe_id!r} version {self.recipe_version!r}: both or neither")

    def with_lot(self, lot: str) -> "BoundContext":
        """The same context with the lot that the station itself named."""
        return replace(self, lot=lot)


class EffectiveFrom(StrEnum):
    """From when a change of context counts."""

    NOW = "now"
    PART = "part"
    ENCODER = "encoder"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A context that takes effect later.

    Attributes:
        context: what will be in force.
        part_id: the first part that it is for; None for a change by encoder.
        encoder: the first encoder count that it is for; None for a change by part.
        requested_at: when it was asked for, aware UTC.
        requested_by: name of the key that asked.
    """

    context: BoundContext
    part_id: str | None
    encoder: int | None
    requested_at: datetime
    requested_by: str

    def __post_init__(self) -> None:
        """Refuse a change without exactly one position."""
        if (self.part_id is None) == (self.encoder is None):
            raise ValueError("a pending change takes effect from a part or from an encoder count: give one of them")

    def is_same_request(self, other: "PendingChange | None") -> bool:
        """Whether both were asked for at once, by one request; the context may have been renewed since."""
        if other is None:
            return False
        mine = (self.part_id, self.encoder, self.requested_at)
        return mine == (other.part_id, other.encoder, other.requested_at)

    def is_due(self, part_id: str, encoder: int | None) -> bool:
        """Whether a part is the first one, or beyond the position, that it is for."""
        if self.part_id is not None:
            return part_id == self.part_id
        return encoder is not None and self.encoder is not None and encoder >= self.encoder


@dataclass(frozen=True, slots=True)
class Hold:
    """Parts of a station are held back, whatever their verdict; verdicts stay as they are.

    Attributes:
        reason: why.
        by: name of the key that asked.
        at: since when, aware UTC.
    """

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Station:
    """One inspection point.

    Attributes:
        id: as requests name it.
        name: as people call it.
        line: the production line that it stands at; deployments are for lines.
        digest_required: whether each frame must carry its Content-Digest.
        raw_geometry: geometry of raw bodies that do not state their own.
        expected_geometry: what its camera delivers.
        context: what is in force.
        pending: what will be, and from where on.
        hold: why its parts are held back; None if they are not.
        updated_at: of the last change, aware UTC.
    """

    id: str
    name: str
    line: str
    digest_required: bool
    raw_geometry: RawGeometry | None
    expected_geometry: ExpectedGeometry | None
    context: BoundContext
    pending: PendingChange | None
    hold: Hold | None
    updated_at: datetime

    @property
    def product(self) -> str | None:
        """The product in force."""
        return self.context.product

    @property
    def order_id(self) -> str | None:
        """The order in force."""
        return self.context.order_id

    @property
    def lot(self) -> str | None:
        """The lot in force."""
        return self.context.lot

    @property
    def recipe_id(self) -> str | None:
        """The recipe in force."""
        return self.context.recipe_id

    @property
    def recipe_version(self) -> int | None:
        """The version of the recipe in force."""
        return self.context.recipe_version
