"""Whether a release can carry out a recipe."""

from collections.abc import Iterable, Sequence

from lineside.inspection.catalogue import Catalogue
from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe.records import Recipe


def check_release_fits(recipe: Recipe, release_class_names: Sequence[str], catalogue: Catalogue) -> None:
    """Refuse a release that cannot find what the recipe limits, or finds what it does not know.

    Args:
        recipe: the rules.
        release_class_names: the classes that the release can find.
        catalogue: the recipe's defect catalogue.

    Raises:
        RecipeError: the catalogue is not the recipe's; the release finds a class that is not in it; or it
            cannot find a class that the recipe names, so that a limit on it would always hold.
    """
    if (catalogue.id, catalogue.version) != (recipe.catalogue_id, recipe.catalogue_version):
        raise RecipeError(
            f"recipe {recipe.id!r} uses catalogue {recipe.catalogue_id!r} version {recipe.catalogue_version}; "
            f"it was compared with {catalogue.id!r} version {catalogue.version}"
        )
    unknown = [name for name in release_class_names if name not in catalogue.classes]
    if unknown:
        raise RecipeError(
            f"release {recipe.release!r} finds {_list(unknown)}, not in catalogue {catalogue.id!r} version "
            f"{catalogue.version} ({_list(catalogue.classes)}); add the class in a new version of the catalogue"
        )
    unseen = sorted(recipe.named_classes.difference(release_class_names))
    if unseen:
        raise RecipeError(
            f"release {recipe.release!r} cannot find {_list(unseen)}, which recipe {recipe.id!r} limits; it finds "
            f"{_list(release_class_names)}; use a release that does, or a catalogue without the class"
        )


def _list(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
