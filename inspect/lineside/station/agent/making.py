"""What the station makes now, as its kit says: bound to each part at its trigger."""

from dataclasses import dataclass, field

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
