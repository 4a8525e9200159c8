"""The JSON of defect catalogues."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from lineside.inspection.catalogue import Catalogue, Severity
from lineside.inspection.sizes import SizeDefinition


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DefectClassOut(_Out):
    """One kind of defect."""

    name: str
    name_ko: str
    severity: Severity
    size_definition: SizeDefinition
    mes_code: str | None
    description: str


class CatalogueSummary(_Out):
    """One version of a catalogue, without its classes."""

    id: str
    version: int
    digest: str
    created_at: datetime
    created_by: str


class CatalogueOut(CatalogueSummary):
    """One version of a catalogue."""

    classes: tuple[DefectClassOut, ...]
    text: str

    @classmethod
    def of(cls, summary: CatalogueSummary, catalogue: Catalogue, text: str) -> Self:
        """The catalogue as JSON."""
        classes = tuple(
            DefectClassOut(
                name=entry.name,
                name_ko=entry.name_ko,
                severity=entry.severity,
                size_definition=entry.size_definition,
                mes_code=entry.mes_code,
                description=entry.description,
            )
            for entry in catalogue.classes.values()
        )
        return cls(**summary.model_dump(), classes=classes, text=text)


class CatalogueList(_Out):
    """The latest version of every catalogue."""

    items: tuple[CatalogueSummary, ...]


class CatalogueChanged(_Out):
    """Data of the event `catalogue.v1`: a version was added."""

    id: str
    version: int
    digest: str
    classes: tuple[str, ...]
    changed_by: str
