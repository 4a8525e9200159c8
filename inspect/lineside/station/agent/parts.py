"""A part on its way through the station, as the judges see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lineside.station.agent.making import Making
from lineside.station.spool import JudgedView


@dataclass(frozen=True, slots=True)
class TakenPart:
    """A part with all its views taken and its identity known.

    Attributes:
        id: the UUID that the station gave this attempt at the trigger.
        acquisition_id: the PLC's 16-bit number of the trigger.
        part_id: which part it is.
        encoder: the PLC's count at the trigger.
        triggered_at: aware UTC instant of the trigger.
        views: every view that was taken, by name; at least one.
        making: what was being made at its trigger, and by which recipe.
    """

    id: str
    acquisition_id: int
    part_id: str
    encoder: int
    triggered_at: datetime
    views: Mapping[str, JudgedView]
    making: Making

    def __post_init__(self) -> None:
        """Refuse a part without a picture, and pictures under a wrong name."""
        if not self.views:
            raise ValueError(f"part {self.part_id!r} has no view: there is nothing to judge")
        for name, view in self.views.items():
            if view.encoded.view != name:
                raise ValueError(f"a picture of view {view.encoded.view!r} stands under {name!r}")

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each view's body."""
        return {name: view.encoded.digest for name, view in self.views.items()}

    def key_of(self, view: str) -> str:
        """The idempotency key of a view's frame: the same after a restart, and another for each view."""
        return f"{self.id}.{view}"
