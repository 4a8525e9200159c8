"""The JSON of a station's kit."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lineside.serving.inspections.schemas import ReleaseOut


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KitRecipe(_Shape):
    """The recipe in force, with the catalogue that it names."""

    id: str
    version: int
    digest: str
    text: str
    catalogue_text: str


class KitDeployment(_Shape):
    """The signed permission of the release that judges: the exact bytes of both files, in base64."""

    id: str
    serial: int
    document: str
    signature: str
    expires_at: datetime


class KitPending(_Shape):
    """What will be made, and from which part or encoder count on; one of the two is given."""

    part_id: str | None
    encoder: int | None
    product: str | None
    lot: str | None
    order_id: str | None
    recipe: KitRecipe | None


class KitOut(_Shape):
    """What judges the station's next part, for the station to verify and keep.

    `deployment` and `release` are null where no signed deployment judges here: a station's own engine follows nothing
    else.
    """

    plant: str
    station: str
    line: str
    product: str | None
    lot: str | None
    order_id: str | None
    is_held: bool
    recipe: KitRecipe | None
    deployment: KitDeployment | None
    withdrawn: tuple[int, ...] = Field(
        description="Serials of live deployments for this line and product that were taken back: a station that "
        "followed one of them comes back to an earlier one only by this."
    )
    release: ReleaseOut | None
    references: Mapping[str, tuple[str, ...]] = Field(description="Digests of each view's reference images.")
    pending: KitPending | None = Field(
        description="The order that begins later: a station follows it at the trigger, also while it is cut off."
    )
