"""The defect catalogue that a command names."""

from pathlib import Path

from lineside.inspection.catalogue import Catalogue, builtin_catalogue, load_catalogue
from lineside.workflows.text_files import read_text_file

_BUILTIN = "pcb"


def read_catalogue(named: str) -> Catalogue:
    """The built-in catalogue `pcb`, or one from a YAML file.

    Raises:
        CatalogueError: the file is no catalogue.
        NotText: the file cannot be read as text.
    """
    return (
        builtin_catalogue(_BUILTIN) if named == _BUILTIN else load_catalogue(read_text_file(Path(named)), source=named)
    )
