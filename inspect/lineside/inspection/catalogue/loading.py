"""A catalogue's file: YAML text in, frozen records out."""

from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field

from lineside.inspection.catalogue.records import Catalogue, DefectClass, LimitSample, Migration, Severity
from lineside.inspection.errors import CatalogueError
from lineside.inspection.file_models import FileModel, SourceFile
from lineside.inspection.sizes import SizeDefinition

_BUILTIN = ("pcb",)

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]


class LimitSampleInFile(FileModel):
    """A limit sample (한도견본)."""

    image: Name = Field(description="Path relative to this file, or sha256:<hex> of a stored image.")
    is_acceptable: bool = Field(description="Whether a part that looks like this still passes.")
    note: str = Field(default="", max_length=500, description="What to look at.")


class DefectClassInFile(FileModel):
    """A defect class."""

    name: Name = Field(description="The class name that models, labels and recipes use.")
    name_ko: Name = Field(description="The Korean shop-floor word.")
    severity: Literal["critical", "major", "minor"]
    size_definition: Literal["width", "length", "area"] = Field(
        description="Short side, long side (mm) or area (mm²) of the defect's box."
    )
    mes_code: Name | None = Field(default=None, description="The plant's code for it in the MES.")
    limit_samples: list[LimitSampleInFile] = Field(default_factory=list)
    description: str = Field(default="", max_length=500)


class MigrationInFile(FileModel):
    """A class of an earlier version that was split, merged or renamed."""

    since_version: int = Field(ge=2, description="The first version without the old class.")
    old: Name
    new: list[Name] = Field(min_length=1, description="One class for a merge or a new name, several for a split.")
    note: str = Field(default="", max_length=500)


class CatalogueInFile(FileModel):
    """A defect catalogue: the versioned list of a plant's defect classes."""

    schema_: Literal["lineside.catalogue/1"] = Field(alias="schema")
    id: Name
    version: int = Field(ge=1)
    classes: list[DefectClassInFile] = Field(min_length=1)
    migrations: list[MigrationInFile] = Field(default_factory=list)


def load_catalogue(text: str, *, source: str = "catalogue") -> Catalogue:
    """Read a catalogue.

    Args:
        text: the YAML file's text.
        source: what to call it in messages.

    Raises:
        CatalogueError: naming key path and line.
    """
    file = SourceFile(text, source=source, error=CatalogueError)
    content = file.parse(CatalogueInFile)
    classes: dict[str, DefectClass] = {}
    for position, entry in enumerate(content.classes):
        if entry.name in classes:
            raise file.problem(("classes", position, "name"), f"the class {entry.name!r} is here twice")
        classes[entry.name] = DefectClass(
            name=entry.name,
            name_ko=entry.name_ko,
            severity=Severity(entry.severity),
            size_definition=SizeDefinition(entry.size_definition),
            mes_code=entry.mes_code,
            limit_samples=tuple(
                LimitSample(sample.image, sample.is_acceptable, sample.note) for sample in entry.limit_samples
            ),
            description=entry.description,
        )
    migrations = tuple(
        Migration(entry.since_version, entry.old, tuple(entry.new), entry.note) for entry in content.migrations
    )
    catalogue = Catalogue(content.id, content.version, MappingProxyType(classes), migrations)
    for position, migration in enumerate(migrations):
        _check_migration(file, position, migration, catalogue)
    return catalogue


def _check_migration(file: SourceFile, position: int, migration: Migration, catalogue: Catalogue) -> None:
    """Refuse a migration that leads nowhere: history counted under the old class would vanish from the rates."""
    path = ("migrations", position)
    if migration.since_version > catalogue.version:
        message = f"version {migration.since_version} lies after this one, {catalogue.version}"
        raise file.problem((*path, "since_version"), message)
    if migration.old in catalogue.classes:
        raise file.problem((*path, "old"), f"the class {migration.old!r} is still in the catalogue")
    for name in catalogue.successors(migration.old):
        if name not in catalogue.classes:
            raise file.problem((*path, "new"), f"it leads to {name!r}; known classes: {', '.join(catalogue.classes)}")


def builtin_catalogue(name: str) -> Catalogue:
    """A catalogue that comes with the program.

    Args:
        name: "pcb": the six classes of bare printed-circuit boards.

    Raises:
        CatalogueError: there is none of that name.
    """
    if name not in _BUILTIN:
        raise CatalogueError(f"no catalogue {name!r} comes with the program; it has: {', '.join(_BUILTIN)}")
    file = resources.files("lineside.inspection.catalogue") / f"{name}.yaml"
    return load_catalogue(file.read_text(encoding="utf-8"), source=f"built-in catalogue {name}")


def catalogue_json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file, for editors."""
    schema = CatalogueInFile.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
