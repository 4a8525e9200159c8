"""The defect catalogue that a command names."""

from pathlib import Path

from lineside.inspection.catalogue import Catalogue, builtin_catalogue, load_catalogue
from lineside.workflows.text_files import read_text_file

_BUILTIN = "pcb"


def read_catalogue(file: Path | None) -> Catalogue:
    """The catalogue in a YAML file; the built-in one if there is no file.

    Raises:
        CatalogueError: the file is no catalogue.
        NotText: the file cannot be read as text.
    """
    return builtin_catalogue(_BUILTIN) if file is None else load_catalogue(read_text_file(file), source=str(file))


def named_catalogue(named: str) -> Catalogue:
    """The built-in catalogue by its name, `pcb`, or one from a YAML file; raises as `read_catalogue` does."""
    return read_catalogue(None if named == _BUILTIN else Path(named))
