"""Putting a station's kit together from what is in force there."""

import base64

from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import Clock
from lineside.serving.deployments.book import DeploymentRecord, Scope
from lineside.serving.deployments.service import DeploymentService
from lineside.serving.errors import UnknownReference, UnknownRelease
from lineside.serving.holds import HoldBook
from lineside.serving.inspections.schemas import ReleaseOut
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.station_kits.schemas import KitDeployment, KitOut, KitPending, KitRecipe
from lineside.serving.stations import BoundContext, PendingChange, StationDirectory


class StationKits:
    """What stations may keep to judge by themselves: only what is in force where they stand.

    Args:
        plant: whose stations.
        stations: what they work on.
        recipes: by which rules.
        catalogues: by which defect classes.
        deployments: with which release.
        holds: which parts are held.
        clock: for the expiry of deployments.
    """

    def __init__(
        self,
        plant: str,
        *,
        stations: StationDirectory,
        recipes: RecipeBook,
        catalogues: CatalogueShelf,
        deployments: DeploymentService,
        holds: HoldBook,
        clock: Clock,
    ) -> None:
        self._plant = plant
        self._stations = stations
        self._recipes = recipes
        self._catalogues = catalogues
        self._deployments = deployments
        self._holds = holds
        self._clock = clock

    def kit(self, station_id: str, *, part_id: str | None = None, encoder: int | None = None) -> KitOut:
        """A station's kit, for its next part.

        Args:
            station_id: which station.
            part_id: the next part: a pending order may begin with it.
            encoder: its encoder count.

        Raises:
            UnknownStation: there is none.
        """
        station = self._stations.get(station_id)
        pending = station.pending
        if pending is not None and _is_due(pending, part_id, encoder):
            context, pending = pending.context, None
        else:
            context = station.context
        stored = self._recipe(context)
        scope = None if stored is None else Scope(station.line, stored.recipe.product, stored.recipe.release)
        record = None if scope is None else self._live(scope)
        return KitOut(
            plant=self._plant,
            station=station.id,
            line=station.line,
            product=context.product if stored is None else stored.recipe.product,
            lot=context.lot,
            order_id=context.order_id,
            is_held=bool(self._holds.concerning(station_id)),
            recipe=None if stored is None else self._kit_recipe(stored),
            deployment=None if record is None else _deployment(record),
            withdrawn=() if scope is None else self._deployments.book.withdrawn(scope),
            release=None if record is None else _release(record),
            references={} if stored is None else _references(stored),
            pending=None if pending is None else self._pending(pending),
        )

    def check_release(self, station_id: str, digest: str) -> None:
        """Let a station have the release that judges there, and no other.

        Raises:
            UnknownRelease: its kit names another, or none.
        """
        named = {kit.release.digest for kit in self._kits(station_id) if kit.release is not None}
        if digest not in named:
            raise UnknownRelease(f"the kit of station {station_id!r} names no release {digest}: ask for the kit again")

    def check_reference(self, station_id: str, digest: str) -> None:
        """Let a station have the reference images of its recipe, and no others.

        Raises:
            UnknownReference: its kit names no such image.
        """
        named = {each for kit in self._kits(station_id) for view in kit.references.values() for each in view}
        if digest not in named:
            raise UnknownReference(
                f"the kit of station {station_id!r} names no reference image {digest}: ask for the kit again"
            )

    def _kits(self, station_id: str) -> tuple[KitOut, ...]:
        """The kit in force, and that of a pending order, which a station may fetch ahead."""
        pending = self._stations.get(station_id).pending
        current = self.kit(station_id)
        if pending is None:
            return (current,)
        return current, self.kit(station_id, part_id=pending.part_id, encoder=pending.encoder)

    def _pending(self, pending: PendingChange) -> KitPending:
        context = pending.context
        stored = self._recipe(context)
        return KitPending(
            part_id=pending.part_id,
            encoder=pending.encoder,
            product=context.product if stored is None else stored.recipe.product,
            lot=context.lot,
            order_id=context.order_id,
            recipe=None if stored is None else self._kit_recipe(stored),
        )

    def _recipe(self, context: BoundContext) -> StoredRecipe | None:
        if context.recipe_id is None or context.recipe_version is None:
            return None
        return self._recipes.get(context.recipe_id, context.recipe_version)

    def _kit_recipe(self, stored: StoredRecipe) -> KitRecipe:
        recipe = stored.recipe
        catalogue = self._catalogues.get(recipe.catalogue_id, recipe.catalogue_version)
        return KitRecipe(
            id=recipe.id,
            version=recipe.version,
            digest=stored.digest,
            text=stored.text,
            catalogue_text=catalogue.text,
        )

    def _live(self, scope: Scope) -> DeploymentRecord | None:
        record = self._deployments.book.decide(scope).live
        if record is None or record.is_expired(self._clock.now()) or self._deployments.unusable(record) is not None:
            return None
        return record


def _is_due(pending: PendingChange, part_id: str | None, encoder: int | None) -> bool:
    return (part_id is not None and pending.part_id == part_id) or (
        encoder is not None and pending.encoder is not None and encoder >= pending.encoder
    )


def _deployment(record: DeploymentRecord) -> KitDeployment:
    return KitDeployment(
        id=record.id,
        serial=record.serial,
        document=base64.b64encode(record.document.encode()).decode(),
        signature=base64.b64encode(record.signature.encode()).decode(),
        expires_at=record.deployment.expires_at,
    )


def _release(record: DeploymentRecord) -> ReleaseOut:
    release = record.deployment.release
    return ReleaseOut(name=release.name, version=release.version, digest=release.digest)


def _references(stored: StoredRecipe) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(reference.sha256 for reference in view.references if reference.sha256 is not None)
        for name, view in stored.recipe.views.items()
    }
