"""Taking deployments in and back: load, verify, warm, try on known defects, write down, and only then switch."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

from lineside.inspection.errors import LinesideError
from lineside.inspection.recipe import Recipe
from lineside.inspection.release import (
    Deployment,
    DeploymentMode,
    Release,
    ReleaseReference,
    verify_deployment,
)
from lineside.serving.clock import Clock
from lineside.serving.deployments import store
from lineside.serving.deployments.assignment import ref_of
from lineside.serving.deployments.book import DeploymentBook, DeploymentRecord, Scope, Withdrawal
from lineside.serving.errors import DeploymentUnfit, DeploymentWithdrawn, UnknownDeployment
from lineside.serving.inspections.inspectors import InspectorKey, InspectorPool
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.metrics import Metrics
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.releases import Purpose, ReleaseRef, ReleaseShelf, TrustFile
from lineside.serving.stations import DEFAULT_LINE, StationDirectory

_log = structlog.get_logger(__name__)


class DeploymentService:
    """The deployments in force. The ledger is written first, the memory after it. Open it with `open`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        clock: Clock,
        trust: TrustFile,
        releases: ReleaseShelf,
        inspectors: InspectorPool,
        recipes: RecipeBook,
        stations: StationDirectory,
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._trust = trust
        self._releases = releases
        self._inspectors = inspectors
        self._recipes = recipes
        self._stations = stations
        self._metrics = metrics
        self._book = DeploymentBook()
        self._unusable: dict[str, str] = {}
        self._changing = asyncio.Lock()

    async def restore(self) -> None:
        """Read what was in force before the last stop, and check every signature again.

        What no longer verifies decides as before, and decides that nothing is judged: its parts are NOT_INSPECTED.
        """
        records = await self._ledger.read(lambda connection: store.all_deployments(connection, self._ledger.plant))
        self._book = DeploymentBook(records)
        now = self._clock.now()
        for record in records:
            if record.withdrawal is None and not record.is_expired(now):
                reason = await asyncio.to_thread(self._why_not_verified, record, now)
                if reason is not None:
                    self._unusable[record.id] = reason
                    _log.error("deployment_not_verified", serial=record.serial, reason=reason)

    @property
    def book(self) -> DeploymentBook:
        """Every deployment, and what follows from them."""
        return self._book

    def unusable(self, record: DeploymentRecord) -> str | None:
        """Why a deployment cannot be carried out here although it stands; None if it can."""
        return self._unusable.get(record.id)

    def keys_for(self, stored: StoredRecipe, line: str, book: DeploymentBook | None = None) -> tuple[InspectorKey, ...]:
        """The inspectors that the parts of a recipe need at a line.

        Args:
            stored: the recipe.
            line: where the station stands.
            book: the deployments; those in force if None.
        """
        scope = Scope(line, stored.recipe.product, stored.recipe.release)
        decision = (book or self._book).decide(scope)
        live = ReleaseRef(scope.release_name) if decision.live is None else ref_of(decision.live)

        def key(ref: ReleaseRef, purpose: Purpose) -> InspectorKey:
            return InspectorKey(stored.recipe.id, stored.recipe.version, ref, purpose)

        keys = [key(live, Purpose.JUDGE)]
        candidate = decision.candidate
        if candidate is None or candidate.is_expired(self._clock.now()) or self.unusable(candidate) is not None:
            return tuple(keys)
        if candidate.deployment.mode is DeploymentMode.CANARY:
            keys += [key(ref_of(candidate), Purpose.JUDGE), key(live, Purpose.OBSERVE)]
        else:
            keys.append(key(ref_of(candidate), Purpose.OBSERVE))
        return tuple(keys)

    def judged_by(self, recipe: Recipe) -> tuple[ReleaseRef, ...]:
        """The releases that judge a recipe's parts on the plant's lines, each once."""
        lines = {station.line for station in self._stations.all()} or {DEFAULT_LINE}
        found: dict[ReleaseRef, None] = {}
        for line in sorted(lines):
            live = self._book.decide(Scope(line, recipe.product, recipe.release)).live
            found[ReleaseRef(recipe.release) if live is None else ref_of(live)] = None
        return tuple(found)

    async def accept(self, document: bytes, signature: bytes, *, accepted_by: str) -> DeploymentRecord:
        """Carry out a signed deployment; the very same one again changes nothing.

        Args:
            document: the exact bytes that the deploy key signed.
            signature: the content of the signature file.
            accepted_by: name of the key that it came with.

        Raises:
            NoTrustFile, DeploymentRefused: it is not signed for this plant, expired, or not newer than the last one.
            UnknownRelease: its release was not uploaded.
            DeploymentWithdrawn: this very one was accepted and withdrawn before.
            DeploymentUnfit: its release fails on a known defect or does not fit a recipe; what was live stays live.
        """
        async with self._changing:
            known = self._find_same(document)
            if known is not None:
                return known
            deployment = await asyncio.to_thread(self._verify, document, signature)
            record = DeploymentRecord(
                id=self._ledger.new_id(),
                deployment=deployment,
                document=document.decode(),
                signature=signature.decode(),
                accepted_at=self._clock.now(),
                accepted_by=accepted_by,
            )
            try:
                book = self._book.with_accepted(record)
                await self._make_ready(record, book)
                await self._ledger.write(lambda transaction: store.add(transaction, record))
                self._book = book  # between two frames: whatever began before it finishes with what it began with
            except LinesideError as error:
                self._metrics.deployment_changed("refused")
                _log.warning("deployment_refused", serial=deployment.serial, reason=str(error))
                raise
            finally:
                self._inspectors.retain(self._is_wanted)
        self._metrics.deployment_changed("accepted")
        _log.info(
            "deployment_accepted",
            serial=record.serial,
            mode=deployment.mode.value,
            release=deployment.release.name,
            version=deployment.release.version,
        )
        return record

    async def withdraw(
        self,
        deployment_id: str,
        *,
        by: str,
        reason: str,
        also: Callable[[Transaction], None] | None = None,
    ) -> DeploymentRecord:
        """Take a deployment back: what was in force below it is in force again.

        It needs no deploy key, because it only returns to what was verified and live before.

        Args:
            deployment_id: which.
            by: who.
            reason: why.
            also: further writes of the same transaction.

        Raises:
            UnknownDeployment: there is none.
            DeploymentWithdrawn: it was withdrawn before.
        """
        async with self._changing:
            record = self.find(deployment_id)
            if record.withdrawal is not None:
                raise DeploymentWithdrawn(
                    f"deployment {deployment_id} was withdrawn at {record.withdrawal.at:%Y-%m-%d %H:%M} UTC "
                    f"by {record.withdrawal.by}"
                )
            book = self._book.with_withdrawn(deployment_id, Withdrawal(self._clock.now(), by, reason))
            withdrawn = book.find(deployment_id) or record
            try:
                for key in self._needed(book):
                    await self._inspectors.prepare(key)  # one that fails is logged: its parts say why, too

                def write(transaction: Transaction) -> None:
                    store.withdraw(transaction, withdrawn)
                    if also is not None:
                        also(transaction)

                await self._ledger.write(write)
                self._book = book
            finally:
                self._inspectors.retain(self._is_wanted)
        self._metrics.deployment_changed("withdrawn")
        _log.warning("deployment_withdrawn", serial=record.serial, by=by, reason=reason)
        return withdrawn

    def find(self, deployment_id: str) -> DeploymentRecord:
        """One deployment.

        Raises:
            UnknownDeployment: there is none.
        """
        record = self._book.find(deployment_id)
        if record is None:
            raise UnknownDeployment(f"no deployment {deployment_id!r}; GET /v1/deployments lists them")
        return record

    def scopes(self) -> tuple[tuple[Scope, StoredRecipe], ...]:
        """Every line and product that parts can come of now, with the recipe that they are judged by."""
        found: dict[tuple[Scope, str, int], tuple[Scope, StoredRecipe]] = {}
        for line, stored in self._recipes_at_lines():
            scope = Scope(line, stored.recipe.product, stored.recipe.release)
            found.setdefault((scope, stored.recipe.id, stored.recipe.version), (scope, stored))
        return tuple(found.values())

    def _recipes_at_lines(self) -> Iterator[tuple[str, StoredRecipe]]:
        """Recipes that stations judge by, or will after a changeover."""
        for station in self._stations.all():
            contexts = [station.context] if station.pending is None else [station.context, station.pending.context]
            for context in contexts:
                if context.recipe_id is not None and context.recipe_version is not None:
                    yield station.line, self._recipes.get(context.recipe_id, context.recipe_version)

    def _needed(self, book: DeploymentBook) -> tuple[InspectorKey, ...]:
        """The inspectors that parts can come for at any moment, each once."""
        return tuple(
            dict.fromkeys(key for line, stored in self._recipes_at_lines() for key in self.keys_for(stored, line, book))
        )

    def _is_wanted(self, key: InspectorKey) -> bool:
        """Whether a part may need the inspector, at any line that has a station."""
        stored = self._recipes.get(key.recipe_id, key.version)
        return any(key in self.keys_for(stored, line) for line in {station.line for station in self._stations.all()})

    def _find_same(self, document: bytes) -> DeploymentRecord | None:
        for record in self._book.records:
            if record.document.encode() == document:
                if record.withdrawal is not None:
                    raise DeploymentWithdrawn(
                        f"deployment {record.serial} was accepted and withdrawn; have a new one signed to return to it"
                    )
                return record
        return None

    def _verify(self, document: bytes, signature: bytes) -> Deployment:
        return verify_deployment(
            document,
            signature,
            self._trust.load(),
            plant=self._ledger.plant,
            now=self._clock.now(),
            highest_serial=self._book.highest_serial,
        )

    def _why_not_verified(self, record: DeploymentRecord, now: datetime) -> str | None:
        """Why an accepted deployment is no longer to be followed; None if it is."""
        try:
            verify_deployment(
                record.document.encode(),
                record.signature.encode(),
                self._trust.load(),
                plant=self._ledger.plant,
                now=now,
                highest_serial=record.serial - 1,
            )
        except LinesideError as error:
            return f"deployment {record.serial} no longer verifies: {error}"
        return None

    async def _make_ready(self, record: DeploymentRecord, book: DeploymentBook) -> None:
        """Have everything in memory and tried out that the switch needs."""
        ref = ref_of(record)
        purpose = Purpose.OBSERVE if record.deployment.mode is DeploymentMode.SHADOW else Purpose.JUDGE
        await asyncio.to_thread(self._releases.folder_of, ref)  # not there: that is no fault of the deployment
        try:
            lease = await asyncio.to_thread(self._releases.load, ref, purpose)
        except LinesideError as error:
            raise DeploymentUnfit(f"deployment {record.serial} cannot be carried out: {error}") from error
        try:
            release = lease.loaded.release
            record.deployment.check_release(ReleaseReference(release.name, release.version, release.digest))
            await asyncio.to_thread(self._check_recipes, record, release)
            for key in self._needed(book):
                await self._inspectors.prepare(key)
                why = self._inspectors.failure(key)
                if key.ref == ref and why is not None:
                    raise DeploymentUnfit(f"deployment {record.serial} cannot be carried out: {why}")
        finally:
            lease.end()

    def _check_recipes(self, record: DeploymentRecord, release: Release) -> None:
        """Every recipe whose parts the release would see fits it: those in use, and those the next order may pick."""
        deployment = record.deployment
        lines = {station.line for station in self._stations.all()}
        affected = {
            (stored.recipe.id, stored.recipe.version): stored
            for stored in (*(stored for _, stored in self._recipes_at_lines()), *self._recipes.latest())
            if stored.recipe.release == release.name
            and any(deployment.covers(line=line, product=stored.recipe.product) for line in lines)
        }
        for (recipe_id, version), stored in affected.items():
            try:
                self._recipes.check_fits(stored, release)
            except LinesideError as error:
                raise DeploymentUnfit(
                    f"release {release.name} {release.version} does not fit recipe {recipe_id!r} version {version}: "
                    f"{error}"
                ) from error
