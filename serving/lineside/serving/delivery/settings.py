"""What every sink's settings have in common; each kind's model is a child of this one."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from lineside.inspection.file_models import FileModel
from lineside.serving.delivery.filters import DELIVERED_TYPES, EventFilter

SinkName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""Names a sink in the API, its metrics and its folder; its cursor goes with it."""

_FIRST_YEAR, _LAST_YEAR = 1970, 9000  # what every database holds, with room for offsets

_Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=1000)]


class FilterSettings(FileModel):
    """Which events a sink wants; what is left out asks nothing."""

    types: list[str] = Field(default_factory=list, json_schema_extra={"items": {"enum": list(DELIVERED_TYPES)}})
    stations: _Names = Field(default_factory=list)
    lines: _Names = Field(default_factory=list)
    products: _Names = Field(default_factory=list)
    verdicts: list[Literal["OK", "NG", "NOT_INSPECTED"]] = Field(default_factory=list)

    @field_validator("types")
    @classmethod
    def _are_delivered(cls, types: list[str]) -> list[str]:
        EventFilter(types=frozenset(types))
        return types

    def to_record(self) -> EventFilter:
        """As the runner knows it."""
        return EventFilter(
            types=frozenset(self.types),
            stations=frozenset(self.stations),
            lines=frozenset(self.lines),
            products=frozenset(self.products),
            verdicts=frozenset(self.verdicts),
        )


class SinkSettings(FileModel):
    """One sink of the file; a kind adds its own keys and narrows `kind` to its name.

    Attributes:
        name: its own in the plant.
        kind: what it speaks.
        filter: which events it wants.
        from_: where a sink that was never there before begins: "head" (what comes from now on), "beginning", or an
            instant with its offset.
    """

    name: SinkName
    kind: str
    filter: FilterSettings = FilterSettings()
    from_: str = Field(default="head", alias="from")

    @field_validator("from_")
    @classmethod
    def _is_a_place(cls, written: str) -> str:
        start_of(written)
        return written


def start_of(written: str) -> Literal["head", "beginning"] | datetime:
    """Where a new sink begins, read from the file.

    Raises:
        ValueError: neither of the two words nor an aware instant.
    """
    if written == "head":
        return "head"
    if written == "beginning":
        return "beginning"
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise ValueError("expected 'head', 'beginning' or an instant like 2026-01-31T06:00:00+09:00")
    return instant


def settings_json(settings: SinkSettings) -> dict[str, Any]:
    """The settings as the file would have them; they hold no secret, only where secrets are."""
    return settings.model_dump(mode="json", by_alias=True)
