"""The rules that a recipe's file gives to an evaluation: the recipe, its catalogue and its reference images."""

from dataclasses import dataclass
from pathlib import Path

from lineside.inspection.recipe import check_release_fits, load_recipe, recipe_digest
from lineside.inspection.release import Release
from lineside.training.evaluation import Rules, Truth
from lineside.workflows.catalogues import read_catalogue
from lineside.workflows.golden_images import golden_images, text_with_digests
from lineside.workflows.judging import recipe_references
from lineside.workflows.text_files import read_text_file


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe to judge by.

    Attributes:
        path: of its file; reference images lie beside it.
        catalogue: the defect catalogue's file that it names; None is the built-in one.
    """

    path: Path
    catalogue: Path | None = None


def rules_for(recipe: RecipeFile | None, release: Release, *, truth: Truth = Truth.LABELS) -> tuple[Rules, str | None]:
    """Rules and digest of a recipe; without one, rules that allow no defect.

    The digest is that of the text which `lineside recipe put` stores, with golden images named by their digests: what
    was evaluated is then known by the digest that the server's verdicts carry.

    Args:
        recipe: its file.
        release: must know the classes that the recipe names.
        truth: what makes a labelled part defective.

    Raises:
        RecipeError, CatalogueError, NotText, RecipeUnusable: recipe or catalogue cannot be used.
        FrameError: a reference is no picture.
    """
    if recipe is None:
        return Rules(truth=truth), None
    catalogue = read_catalogue(recipe.catalogue)
    text = read_text_file(recipe.path)
    loaded = load_recipe(text, catalogue=catalogue, source=str(recipe.path))
    check_release_fits(loaded, release.classes, catalogue)
    golden = golden_images(loaded, folder=recipe.path.parent)
    return Rules(loaded, recipe_references(loaded, golden), truth), recipe_digest(
        text_with_digests(text, loaded, golden)
    )
