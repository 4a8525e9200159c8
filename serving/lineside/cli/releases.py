"""Which release a command uses."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineside.workflows.pictures import PartPicture

SINGLE, REFERENCE = "pcb-single", "pcb-reference"
STARTER = "starter:"


def named_release_folder(name: str) -> Path:
    """The folder of a release or a training run, or of a starter: `starter:pcb-reference`.

    Raises:
        ReleaseUnverified: no such starter is installed.
    """
    from lineside.inspection.release import starter_release_folder

    starter = name.removeprefix(STARTER)
    return starter_release_folder(starter) if starter != name else Path(name)


def release_folder(named: Path | None, parts: "Sequence[PartPicture]", *, recipe: Path | None = None) -> Path:
    """The folder named; else the starter that the recipe names; else the one that fits the parts."""
    from lineside.inspection.release import starter_release_folder

    if named is not None:
        return named
    if recipe is not None:
        from lineside.workflows.judging import read_recipe

        return starter_release_folder(read_recipe(recipe).release)
    return starter_release_folder(REFERENCE if any(part.reference for part in parts) else SINGLE)
