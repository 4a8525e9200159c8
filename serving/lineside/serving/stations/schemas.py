"""The JSON of stations, orders and holds."""

from datetime import datetime
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineside.inspection.decoding import ExpectedGeometry
from lineside.inspection.frames import PixelFormat, RawGeometry
from lineside.serving.fields import Name
from lineside.serving.stations.records import BoundContext, EffectiveFrom, PendingChange, Station

DEFAULT_LINE = "line-1"
"""The line of a station that names none: many plants have one."""

LineName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]

LARGEST_INTEGER = 2**63 - 1  # what the ledger's columns hold


class Shape(BaseModel):
    """What these shapes have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RawGeometryModel(Shape):
    """Geometry of raw bodies."""

    width_px: int = Field(ge=1, le=1_000_000)
    height_px: int = Field(ge=1, le=1_000_000)
    pixel_format: PixelFormat

    def to_record(self) -> RawGeometry:
        """As the core knows it."""
        return RawGeometry(self.width_px, self.height_px, self.pixel_format)


class ExpectedGeometryModel(Shape):
    """What the station's camera delivers."""

    size_wh_px: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    channels: Literal[1, 3] | None = None

    def to_record(self) -> ExpectedGeometry:
        """As the core knows it."""
        return ExpectedGeometry(self.size_wh_px, self.channels)


class RecipeRef(Shape):
    """One version of a recipe."""

    id: Name
    version: int = Field(ge=1, le=2**31 - 1)


class EffectiveModel(Shape):
    """From when a change counts: at once, from a part, or from an encoder count."""

    from_: EffectiveFrom = Field(default=EffectiveFrom.NOW, alias="from")
    value: Name | Annotated[int, Field(ge=0)] | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        fits = {
            EffectiveFrom.NOW: self.value is None,
            EffectiveFrom.PART: isinstance(self.value, str),
            EffectiveFrom.ENCODER: isinstance(self.value, int),
        }
        if not fits[self.from_]:
            raise ValueError(
                f"from {self.from_.value!r} with value {self.value!r}: 'now' has none, 'part' the first part's id, "
                "'encoder' the first count"
            )
        if isinstance(self.value, int) and self.value > LARGEST_INTEGER:
            raise ValueError(f"the encoder count {self.value} is above {LARGEST_INTEGER}")
        return self

    @property
    def part_id(self) -> str | None:
        """The first part that the change is for."""
        return self.value if isinstance(self.value, str) else None

    @property
    def encoder(self) -> int | None:
        """The first encoder count that the change is for."""
        return self.value if isinstance(self.value, int) else None


class StationIn(Shape):
    """A station's settings. What is left out takes its default; `recipe` left out keeps what is in force."""

    name: Name
    line: LineName = DEFAULT_LINE
    digest_required: bool = True
    raw_geometry: RawGeometryModel | None = None
    expected_geometry: ExpectedGeometryModel | None = None
    recipe: RecipeRef | None = None
    lot: Name | None = None
    effective: EffectiveModel = EffectiveModel()


class OrderIn(Shape):
    """A job order (ISA-95) for one station; it selects the latest recipe of its product."""

    order_id: Name
    product: Name
    lot: Name | None = None
    quantity: int | None = Field(default=None, ge=1, le=LARGEST_INTEGER)
    effective: EffectiveModel = EffectiveModel()


class ContextModel(Shape):
    """A production context."""

    product: str | None
    order_id: str | None
    lot: str | None
    recipe: RecipeRef | None

    @classmethod
    def of(cls, context: BoundContext) -> Self:
        """The context as JSON."""
        recipe = None
        if context.recipe_id is not None and context.recipe_version is not None:
            recipe = RecipeRef(id=context.recipe_id, version=context.recipe_version)
        return cls(product=context.product, order_id=context.order_id, lot=context.lot, recipe=recipe)

    def to_record(self) -> BoundContext:
        """As the directory knows it."""
        return BoundContext(
            product=self.product,
            order_id=self.order_id,
            lot=self.lot,
            recipe_id=None if self.recipe is None else self.recipe.id,
            recipe_version=None if self.recipe is None else self.recipe.version,
        )


class PendingModel(Shape):
    """A context that takes effect later."""

    context: ContextModel
    part_id: str | None
    encoder: int | None
    requested_at: datetime
    requested_by: str

    @classmethod
    def of(cls, pending: PendingChange) -> Self:
        """The pending change as JSON."""
        return cls(
            context=ContextModel.of(pending.context),
            part_id=pending.part_id,
            encoder=pending.encoder,
            requested_at=pending.requested_at,
            requested_by=pending.requested_by,
        )

    def to_record(self) -> PendingChange:
        """As the directory knows it."""
        return PendingChange(self.context.to_record(), self.part_id, self.encoder, self.requested_at, self.requested_by)


class HoldModel(Shape):
    """Why, by whom and since when parts are held back."""

    reason: str
    by: str
    at: datetime


class StationOut(Shape):
    """A station, what is in force there, and what will be."""

    id: str
    name: str
    line: str
    digest_required: bool
    raw_geometry: RawGeometryModel | None
    expected_geometry: ExpectedGeometryModel | None
    context: ContextModel
    pending: PendingModel | None
    hold: HoldModel | None
    updated_at: datetime

    @classmethod
    def of(cls, station: Station) -> Self:
        """The station as JSON."""
        raw, expected, hold = station.raw_geometry, station.expected_geometry, station.hold
        channels: Literal[1, 3] | None = None
        if expected is not None and expected.channels is not None:
            channels = 1 if expected.channels == 1 else 3
        return cls(
            id=station.id,
            name=station.name,
            line=station.line,
            digest_required=station.digest_required,
            raw_geometry=None
            if raw is None
            else RawGeometryModel(width_px=raw.width_px, height_px=raw.height_px, pixel_format=raw.pixel_format),
            expected_geometry=None
            if expected is None
            else ExpectedGeometryModel(size_wh_px=expected.size_wh_px, channels=channels),
            context=ContextModel.of(station.context),
            pending=None if station.pending is None else PendingModel.of(station.pending),
            hold=None if hold is None else HoldModel(reason=hold.reason, by=hold.by, at=hold.at),
            updated_at=station.updated_at,
        )


class StationList(Shape):
    """All stations of the plant that the caller may see."""

    items: tuple[StationOut, ...]


class StationChanged(Shape):
    """Data of the event `station.v1`: a station was enrolled or its settings changed."""

    station: StationOut
    changed_by: str


class JudgedModel(Shape):
    """Parts by the verdict of their newest attempt."""

    ok: int
    ng: int
    not_inspected: int

    @property
    def inspected(self) -> int:
        """Parts that were judged."""
        return self.ok + self.ng


OrderEventState: TypeAlias = Literal["accepted", "in_force", "done", "refused"]
"""What happened to an order."""


class OrderChanged(Shape):
    """Data of the event `order.v1`: a context was ordered for a station, took effect there, or is done."""

    station: str
    state: OrderEventState = Field(
        description="done: its quantity of parts was judged. refused: its first part was taken in before it counted."
    )
    context: ContextModel
    quantity: int | None
    effective: EffectiveModel
    changed_by: str
    judged: JudgedModel | None = Field(default=None, description="Of an order that is done: its parts by verdict.")
