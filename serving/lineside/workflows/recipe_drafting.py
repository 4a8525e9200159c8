"""A new product's first recipe, from a folder of good parts and a picture of a calibration target."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import cv2
import numpy as np

from lineside.inspection.calibration_target import CalibrationTarget, measure_scale
from lineside.inspection.catalogue import Catalogue
from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe import (
    CalibratedScale,
    Calibration,
    DraftTerms,
    LearntView,
    Recipe,
    draft_recipe,
    learn_view,
    load_recipe,
)
from lineside.workflows.errors import NameTaken
from lineside.workflows.judging import read_image
from lineside.workflows.pictures import find_parts

GOLDEN_FILE = "references/golden-1.png"


@dataclass(frozen=True, slots=True, eq=False)
class DraftedRecipe:
    """What was written.

    Attributes:
        file: the recipe.
        recipe: as it reads.
        learnt: what the good parts said.
    """

    file: Path
    recipe: Recipe
    learnt: LearntView


def calibrated_scale(picture: Path, target: CalibrationTarget, *, calibration: Calibration) -> CalibratedScale:
    """The scale from a picture of a calibration target.

    Raises:
        CalibrationRefused: it gives none.
        FrameError: it is no complete picture.
    """
    return CalibratedScale(measure_scale(read_image(picture), target), calibration)


def write_draft(good_parts: Sequence[Path], folder: Path, *, terms: DraftTerms, catalogue: Catalogue) -> DraftedRecipe:
    """Learn from pictures of good parts and write a recipe with its golden image.

    Args:
        good_parts: pictures, and folders of pictures.
        folder: gets `<recipe id>.yaml` and the golden image.
        terms: what a person says; the golden image's file below the folder among it.
        catalogue: that the terms name.

    Raises:
        RecipeError: the pictures do not make a view, or the terms no recipe; the id is no file name.
        NothingToInspect: there are no pictures.
        FrameError: one is no complete picture.
        NameTaken: the folder has a recipe or golden image of that name already.
    """
    if PurePath(terms.recipe_id).name != terms.recipe_id or "\\" in terms.recipe_id:
        raise RecipeError(f"recipe id {terms.recipe_id!r} is the file's name too; expected one without / and \\")
    parts = find_parts(good_parts)
    learnt = learn_view({str(part.path): read_image(part.path) for part in parts})
    text = draft_recipe(learnt, terms)
    file, golden = folder / f"{terms.recipe_id}.yaml", folder / terms.golden_file
    recipe = load_recipe(text, catalogue=catalogue, source=str(file))
    for path in (file, golden):
        if path.exists():
            raise NameTaken(f"{path} is there already; give another --out, or move it away")
    golden.parent.mkdir(parents=True, exist_ok=True)
    _, encoded = cv2.imencode(".png", learnt.golden)
    golden.write_bytes(np.asarray(encoded, np.uint8).tobytes())
    file.write_text(text, encoding="utf-8")
    return DraftedRecipe(file, recipe, learnt)
