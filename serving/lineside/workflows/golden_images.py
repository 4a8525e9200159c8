"""The golden images that a recipe names, by path or by digest, and the text in which all are named by digest.

A server has no folder to look into, so a stored recipe names its golden images by the SHA-256 of their bytes. What a
gate's report and a verdict call "the recipe" is the digest of that text, which fixes the pictures as well as the rules.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lineside.inspection.frames import MediaType
from lineside.inspection.recipe import Recipe, ReferenceSpec
from lineside.inspection.strict_yaml import KeyPath, NotStrictYaml, replace_scalars
from lineside.workflows.errors import RecipeUnusable
from lineside.workflows.pictures import MEDIA_TYPES, media_type_of

REFERENCES_FOLDER = "references"


@dataclass(frozen=True, slots=True)
class GoldenImage:
    """The file of a golden image, read once, so that what is judged by is what the digest is of.

    Attributes:
        content: the encoded picture.
        media_type: its encoding, as its name says.
        sha256: lowercase hex digest of `content`.
    """

    content: bytes = field(repr=False)
    media_type: MediaType
    sha256: str


def golden_images(recipe: Recipe, *, folder: Path) -> dict[str, GoldenImage]:
    """Every golden image of a recipe, by the name that the recipe gives it.

    Args:
        recipe: names them.
        folder: of the recipe's file. One that is named by digest is looked for among the pictures there and in
            `references/` below.

    Raises:
        RecipeUnusable: one that is named by digest is not there.
        NothingToInspect: the name of one is no picture's.
        OSError: one cannot be read.
    """
    return {spec.image: _read(spec, recipe, folder) for spec in _references(recipe)}


def golden_images_by_path(recipe: Recipe, *, folder: Path) -> dict[str, GoldenImage]:
    """As `golden_images`, but only those that are named by path; the others need not be at hand."""
    return {spec.image: _read(spec, recipe, folder) for spec in _references(recipe) if spec.sha256 is None}


def text_with_digests(text: str, recipe: Recipe, golden: Mapping[str, GoldenImage]) -> str:
    """A recipe's text as a server stores it: each path of a golden image is `sha256:<hex>`, all else stays as it is.

    Args:
        text: of the recipe's file.
        recipe: what was read from it.
        golden: holds at least the images that are named by path.

    Raises:
        RecipeUnusable: a path is written as a block over several lines.
    """
    replacements: dict[KeyPath, str] = {
        ("views", view.name, "references", position, "image"): f"sha256:{golden[spec.image].sha256}"
        for view in recipe.views.values()
        for position, spec in enumerate(view.references)
        if spec.sha256 is None
    }
    try:
        return replace_scalars(text, replacements)
    except NotStrictYaml as error:
        raise RecipeUnusable(f"recipe {recipe.id!r}, line {error.line}: {error}") from error


def _references(recipe: Recipe) -> Iterator[ReferenceSpec]:
    for view in recipe.views.values():
        yield from view.references


def _read(spec: ReferenceSpec, recipe: Recipe, folder: Path) -> GoldenImage:
    if spec.sha256 is None:
        path = folder / spec.image
        content = path.read_bytes()
        return GoldenImage(content, media_type_of(path), hashlib.sha256(content).hexdigest())
    for path in _pictures_at(folder):
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() == spec.sha256:
            return GoldenImage(content, media_type_of(path), spec.sha256)
    raise RecipeUnusable(
        f"reference {spec.id!r} of recipe {recipe.id!r} is {spec.image}, and no picture in {folder} or in "
        f"{REFERENCES_FOLDER}/ below it has that digest: put it there, or name a file"
    )


def _pictures_at(folder: Path) -> Iterator[Path]:
    for place in (folder / REFERENCES_FOLDER, folder):
        if place.is_dir():
            yield from sorted(path for path in place.iterdir() if path.suffix.lower() in MEDIA_TYPES and path.is_file())
