"""What the station makes now and next, as its kit says: bound to each part at its trigger."""

from dataclasses import dataclass, field
from typing import Protocol

from lineside.station.spool import PartContext, UsedRecipe


@dataclass(frozen=True, slots=True)
class Making:
    """Order and recipe in force.

    Attributes:
        context: product, lot and order.
        recipe: None while the station knows none.
        views: what the recipe asks for; empty while none is known.
    """

    context: PartContext = field(default_factory=PartContext)
    recipe: UsedRecipe | None = None
    views: frozenset[str] = frozenset()


UNKNOWN = Making()
"""Before the first kit."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An order that begins later.

    Attributes:
        making: from then on.
        part_id: the first part that it is for; None for one that begins at an encoder count.
        encoder: the first count that it is for; None for one that begins with a part.
    """

    making: Making
    part_id: str | None
    encoder: int | None

    def begins_with(self, part_id: str | None, encoder: int) -> bool:
        """Whether a part is the first one, or beyond the count, that it is for."""
        if self.part_id is not None:
            return part_id == self.part_id
        return self.encoder is not None and encoder >= self.encoder

    def is_same_order(self, other: "Pending | None") -> bool:
        """Whether both are one order from one place on; its recipe may have been renewed since."""
        if other is None:
            return False
        mine = (self.part_id, self.encoder, self.making.context)
        return mine == (other.part_id, other.encoder, other.making.context)


class Bind(Protocol):
    """Says what a part is made by; a pending order begins with the first part that it is for."""

    def __call__(
        self, *, encoder: int, seen_s: float, part_id: str | None = None, bound: Making | None = None
    ) -> Making:
        """What was being made at a part's trigger.

        Args:
            encoder: counts at the trigger.
            seen_s: when the trigger was seen, on the station's monotonic clock.
            part_id: its name in all records, as soon as it has one.
            bound: what was bound to it when its name was not known yet.
        """
        ...
