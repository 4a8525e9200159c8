"""Verifying a kit: a deployment signed for this plant, the very release it names, the recipe and images that fit.

What the deploy and build keys sign is believed for their signature; recipe, catalogue and the choice of deployment are
the server's word, as every verdict of its own is. A deployment that was replaced and has not expired still verifies:
whether it may be followed, `followed` knows.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from lineside.inspection.catalogue import load_catalogue
from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import LinesideError, ReleaseUnverified
from lineside.inspection.recipe import Recipe, check_release_fits, load_recipe, recipe_digest
from lineside.inspection.reference import PreparedReference
from lineside.inspection.release import (
    MANIFEST_NAME,
    Deployment,
    DeploymentMode,
    Release,
    TrustStore,
    read_release,
    starter_release_folder,
    verify_deployment,
    verify_release,
)
from lineside.inspection.stored_references import prepare_reference
from lineside.station.own_engine.errors import NoKit
from lineside.station.own_engine.kit_record import Kit, KitPapers


def verify_kit(
    papers: KitPapers,
    *,
    release_folder: Path,
    references: Mapping[str, bytes],
    trust: TrustStore,
    now: datetime,
    limits: DecodingLimits | None = None,
) -> Kit:
    """Verify everything that a station would judge with; reads and hashes the model, so not on the event loop.

    Args:
        papers: as the server said them.
        release_folder: the release, unpacked.
        references: image bodies by digest.
        trust: whose signatures count.
        now: aware.
        limits: of decoding reference images.

    Raises:
        NoKit: something does not verify; says what.
    """
    try:
        deployment = _deployment(papers, trust, now=now)
        release = _release(release_folder, deployment, trust, now=now)
        recipe = _recipe(papers, release)
        prepared = _references(recipe, references, limits or DecodingLimits())
    except NoKit:
        raise
    except LinesideError as error:
        raise NoKit(f"the station's kit does not verify: {error}") from error
    return Kit(papers.content_id, recipe, deployment, release, prepared)


def starter_folder(papers: KitPapers) -> Path | None:
    """Where the release lies if it is one that comes with the program, of the very digest; it carries no signature."""
    try:
        folder = starter_release_folder(papers.release_name)
    except ReleaseUnverified:
        return None
    return (
        folder if hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest() == papers.release_digest else None
    )


def _deployment(papers: KitPapers, trust: TrustStore, *, now: datetime) -> Deployment:
    deployment = verify_deployment(
        papers.deployment_document,
        papers.deployment_signature,
        trust,
        plant=papers.plant,
        now=now,
        highest_serial=0,  # a withdrawal brings back a lower one: see `followed`
    )
    if deployment.mode is not DeploymentMode.LIVE:
        raise NoKit(f"deployment {deployment.serial} is for {deployment.mode.value}: a station judges with a live one")
    if not deployment.covers(line=papers.line, product=papers.context.product):
        raise NoKit(
            f"deployment {deployment.serial} is not for product {papers.context.product!r} on line {papers.line!r}"
        )
    if (deployment.release.name, deployment.release.digest) != (papers.release_name, papers.release_digest):
        raise NoKit(f"deployment {deployment.serial} names another release than the server's kit")
    return deployment


def _release(folder: Path, deployment: Deployment, trust: TrustStore, *, now: datetime) -> Release:
    is_starter = folder == _starter(deployment.release.name)
    release = read_release(folder) if is_starter else verify_release(folder, trust, now=now)
    if release.digest != deployment.release.digest:
        raise NoKit(
            f"the release that came has digest {release.digest}; deployment {deployment.serial} names "
            f"{deployment.release.digest}"
        )
    return release


def _starter(name: str) -> Path | None:
    try:
        return starter_release_folder(name)
    except ReleaseUnverified:
        return None


def _recipe(papers: KitPapers, release: Release) -> Recipe:
    if recipe_digest(papers.recipe_text) != papers.recipe_digest:
        raise NoKit(f"the text of recipe {papers.recipe_id!r} is not the one of its digest")
    catalogue = load_catalogue(papers.catalogue_text, source="the kit's catalogue")
    recipe = load_recipe(papers.recipe_text, catalogue=catalogue, source="the kit's recipe")
    if (recipe.id, recipe.version) != (papers.recipe_id, papers.recipe_version):
        raise NoKit(
            f"the kit names recipe {papers.recipe_id!r} version {papers.recipe_version} and holds {recipe.id!r} "
            f"version {recipe.version}"
        )
    if recipe.release != release.name:
        raise NoKit(f"recipe {recipe.id!r} judges with release {recipe.release!r}; the kit's is {release.name!r}")
    check_release_fits(recipe, release.classes, catalogue)
    return recipe


def _references(
    recipe: Recipe, bodies: Mapping[str, bytes], limits: DecodingLimits
) -> dict[str, tuple[PreparedReference, ...]]:
    prepared: dict[str, tuple[PreparedReference, ...]] = {}
    for name, view in recipe.views.items():
        ready = []
        for reference in view.references:
            body = None if reference.sha256 is None else bodies.get(reference.sha256)
            if body is None or hashlib.sha256(body).hexdigest() != reference.sha256:
                raise NoKit(f"view {name!r}: reference image {reference.id!r} did not come as its digest says")
            ready.append(prepare_reference(view, reference, body, limits=limits))
        prepared[name] = tuple(ready)
    return prepared
