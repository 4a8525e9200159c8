"""The plant's recipes: append-only versions, all in memory, never edited in place."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Row

from lineside.inspection.catalogue import Catalogue
from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import RecipeError
from lineside.inspection.recipe import Recipe, check_release_fits, load_recipe, looser_than, recipe_digest
from lineside.inspection.release import InputKind, Release
from lineside.inspection.strict_yaml import NotStrictYaml, read_yaml
from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import Clock
from lineside.serving.errors import (
    LooserRecipe,
    RecipeUnfit,
    UnknownCatalogue,
    UnknownRecipe,
    UnknownRelease,
    VersionConflict,
)
from lineside.serving.gates.report import GateReport
from lineside.serving.images import ImageStore
from lineside.serving.ledger import Ledger
from lineside.serving.recipes import store
from lineside.serving.recipes.schemas import OverrideOut, RecipeChanged
from lineside.serving.recipes.stored import StoredRecipe
from lineside.serving.releases import ReleaseRef, ReleaseShelf


class RecipeBook:
    """All versions of all recipes. Open it with `open`."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        images: ImageStore,
        catalogues: CatalogueShelf,
        releases: ReleaseShelf,
        clock: Clock,
        limits: DecodingLimits,
    ) -> None:
        self._ledger = ledger
        self._images = images
        self._catalogues = catalogues
        self._releases = releases
        self._clock = clock
        self._limits = limits
        self._versions: dict[tuple[str, int], StoredRecipe] = {}

    @classmethod
    async def open(
        cls,
        ledger: Ledger,
        *,
        images: ImageStore,
        catalogues: CatalogueShelf,
        releases: ReleaseShelf,
        clock: Clock,
        limits: DecodingLimits | None = None,
    ) -> "RecipeBook":
        """Read every recipe; reference images are read when they are first used."""
        book = cls(
            ledger,
            images=images,
            catalogues=catalogues,
            releases=releases,
            clock=clock,
            limits=limits or DecodingLimits(),
        )
        for row in await ledger.read(store.all_recipes):
            book._versions[row.id, row.version] = book._stored(row)
        return book

    def get(self, recipe_id: str, version: int | None = None) -> StoredRecipe:
        """One version; the latest if none is named.

        Raises:
            UnknownRecipe: there is none.
        """
        wanted = self.last_version(recipe_id) if version is None else version
        found = self._versions.get((recipe_id, wanted))
        if found is None:
            which = "" if version is None else f" version {version}"
            known = ", ".join(sorted({name for name, _ in self._versions})) or "none"
            raise UnknownRecipe(f"no recipe {recipe_id!r}{which}; there are: {known}")
        return found

    def last_version(self, recipe_id: str) -> int:
        """Number of the latest version; 0 if there is none."""
        return max((number for name, number in self._versions if name == recipe_id), default=0)

    def latest(self) -> Sequence[StoredRecipe]:
        """The latest version of every recipe, by name."""
        return [self.get(name) for name in sorted({name for name, _ in self._versions})]

    def latest_for_product(self, product: str) -> StoredRecipe | None:
        """The version that an order for a product selects: of its recipes' latest ones the newest."""
        fitting = [each for each in self.latest() if each.recipe.product == product]
        return max(fitting, key=lambda each: (each.created_at, each.recipe.version), default=None)

    async def add(
        self,
        recipe_id: str,
        text: str,
        *,
        changed_by: str,
        judged_by: Callable[[Recipe], Sequence[ReleaseRef]],
        override: OverrideOut | None = None,
        gate_report: GateReport | None = None,
    ) -> StoredRecipe:
        """Add the version that follows the last one; the same text again changes nothing.

        Args:
            recipe_id: as in the address.
            text: the YAML file's text.
            changed_by: name of the key it came with.
            judged_by: the releases that judge a recipe's parts on the plant's lines.
            override: who answers for it where it allows more than the one before.
            gate_report: of the gate that compared it with the one before.

        Raises:
            RecipeError, RecipeUnfit: it is no recipe, or this server cannot judge with it.
            VersionConflict: another version number.
            LooserRecipe: it allows more than the one before, and there is neither a gate's report nor an override.
            GateReportUnfit: the report is about something else, or the gate did not let it pass.
        """
        # Some YAML takes seconds to refuse, and parts must not wait for it.
        recipe = await asyncio.to_thread(self._load, recipe_id, text)
        digest = recipe_digest(text)
        if recipe.id != recipe_id:
            raise RecipeError(f"the file's id is {recipe.id!r} and the address says {recipe_id!r}; make them agree")
        last = self.last_version(recipe_id)
        if recipe.version == last and self.get(recipe_id).digest == digest:
            return self.get(recipe_id)
        if recipe.version != last + 1:
            raise VersionConflict(
                f"recipe {recipe_id!r} is at version {last}: the next is {last + 1}, not {recipe.version}"
            )
        stored = StoredRecipe(
            recipe,
            text,
            digest,
            self._clock.now(),
            changed_by,
            override,
            None if gate_report is None else gate_report.digest,
            self._images,
            self._limits,
        )
        releases = await asyncio.to_thread(self._check_usable, stored, judged_by(recipe))
        looser_by: Sequence[str] = ()
        if last:
            before = self.get(recipe_id)
            looser_by = tuple(
                dict.fromkeys(
                    where
                    for release in releases
                    for where in looser_than(recipe, before.recipe, release_thresholds=release.thresholds)
                )
            )
            if gate_report is not None:
                gate_report.check_speaks_for(
                    candidate=digest,
                    in_force=before.digest,
                    releases={release.digest for release in releases},
                )
        if looser_by and override is None and gate_report is None:
            raise LooserRecipe(
                f"version {recipe.version} allows more than version {last}: {'; '.join(looser_by)}. Make it as strict, "
                "put it through the gate and name its report with the query parameter gate_report, or answer for it "
                "with override_name and override_reason"
            )
        await self._write(stored, looser_by)
        self._versions[recipe.id, recipe.version] = stored
        return stored

    def _load(self, recipe_id: str, text: str) -> Recipe:
        return load_recipe(text, catalogue=self._catalogue_of(text), source=f"recipe {recipe_id}")

    def _check_usable(self, stored: StoredRecipe, refs: Sequence[ReleaseRef]) -> Sequence[Release]:
        """Everything the recipe stands on is there and fits: releases, classes, reference images."""
        try:
            releases = [self._releases.read(ref) for ref in refs]
        except UnknownRelease as error:
            raise RecipeUnfit(f"recipe {stored.recipe.id!r}: {error}") from error
        for release in releases:
            self.check_fits(stored, release)
        return releases

    def check_fits(self, stored: StoredRecipe, release: Release) -> None:
        """Check that a release can judge by a recipe; reads the recipe's reference images when it is the first to.

        Raises:
            RecipeError, RecipeUnfit: it cannot; the message says what is missing.
        """
        recipe = stored.recipe
        catalogue = self._catalogues.get(recipe.catalogue_id, recipe.catalogue_version).catalogue
        check_release_fits(recipe, release.classes, catalogue)
        for name, references in stored.references.items():
            if release.input_kind is InputKind.REFERENCE and not references:
                raise RecipeUnfit(
                    f"release {release.name!r} compares with a reference image and view {name!r} has none; "
                    "give it `references`"
                )

    async def _write(self, stored: StoredRecipe, looser_by: Sequence[str]) -> None:
        recipe = stored.recipe
        override = None if stored.override is None else stored.override.model_dump(mode="json")
        values = {
            "id": recipe.id,
            "version": recipe.version,
            "product": recipe.product,
            "text": stored.text,
            "digest": stored.digest,
            "created_at": stored.created_at,
            "created_by": stored.created_by,
            "override": override,
            "gate_report": stored.gate_report,
        }
        event = RecipeChanged(
            id=recipe.id,
            version=recipe.version,
            product=recipe.product,
            release=recipe.release,
            catalogue_id=recipe.catalogue_id,
            catalogue_version=recipe.catalogue_version,
            digest=stored.digest,
            looser_by=tuple(looser_by),
            override=stored.override,
            gate_report=stored.gate_report,
            changed_by=stored.created_by,
        ).model_dump(mode="json")
        await self._ledger.write(lambda transaction: store.add_recipe(transaction, values, event=event))

    def _stored(self, row: "Row[tuple[object, ...]]") -> StoredRecipe:
        recipe: Recipe = load_recipe(
            row.text, catalogue=self._catalogue_of(row.text), source=f"recipe {row.id} version {row.version}"
        )
        override = None if row.override is None else OverrideOut.model_validate(row.override)
        return StoredRecipe(
            recipe,
            row.text,
            row.digest,
            row.created_at,
            row.created_by,
            override,
            row.gate_report,
            self._images,
            self._limits,
        )

    def _catalogue_of(self, text: str) -> Catalogue:
        """The catalogue that a recipe's text names; any if it names none, so that reading it says what is wrong."""
        try:
            content = read_yaml(text).value
        except NotStrictYaml:
            content = None
        named = content.get("catalogue") if isinstance(content, Mapping) else None
        if isinstance(named, Mapping):
            name, version = named.get("id"), named.get("version")
            if isinstance(name, str) and isinstance(version, int):
                try:
                    return self._catalogues.get(name, version).catalogue
                except UnknownCatalogue as error:
                    raise RecipeUnfit(str(error)) from error
        return self._catalogues.latest()[0].catalogue
