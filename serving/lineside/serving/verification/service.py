"""The review place: hands out parts to read, writes readings down, and says how well people read."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from lineside.inspection.decoding import DecodingLimits
from lineside.inspection.errors import FrameError
from lineside.inspection.verdict import Verdict
from lineside.serving.catalogue import CatalogueShelf
from lineside.serving.clock import Clock
from lineside.serving.errors import UnknownCatalogue
from lineside.serving.history.lookup import inspection_row
from lineside.serving.history.store import find_frame
from lineside.serving.images import ImageStore, ImageStoreError
from lineside.serving.inspections.schemas import DefectOut
from lineside.serving.inspections.store import answer_of
from lineside.serving.ledger import Ledger, Transaction
from lineside.serving.ledger.tables import frames
from lineside.serving.recipes import RecipeBook, StoredRecipe
from lineside.serving.reviews.frame_sizes import check_boxes
from lineside.serving.reviews.standing import in_force
from lineside.serving.reviews.store import reviews_of
from lineside.serving.security import Principal
from lineside.serving.settings import Settings
from lineside.serving.shadowing.service import Shadowing
from lineside.serving.verification import claims, store
from lineside.serving.verification.claims import HeldPart, ReaderWindow
from lineside.serving.verification.pictures import Layer, frame_of, layer_png
from lineside.serving.verification.reviewers import ReviewerQuestion, tally_readings
from lineside.serving.verification.schemas import (
    ClaimIn,
    ClaimOut,
    QueueOut,
    ReadingIn,
    ReadingOut,
    ReviewersOut,
    ShownClass,
    ShownView,
)
from lineside.serving.verification.store import SecondReadings
from lineside.serving.verification.waiting import WaitKind


class VerificationService:
    """The queue of parts that people read, and what they say."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        images: ImageStore,
        recipes: RecipeBook,
        catalogues: CatalogueShelf,
        shadowing: Shadowing,
        second: SecondReadings,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._images = images
        self._recipes = recipes
        self._catalogues = catalogues
        self._shadowing = shadowing
        self._second = second
        self._lasting = timedelta(minutes=settings.verification_claim_minutes)
        self._is_simulated = settings.is_simulated
        self._limits = DecodingLimits(max_pixels=settings.max_pixels, max_bytes=settings.max_body_bytes)

    async def queue(self) -> QueueOut:
        """What waits now."""
        await self._catch_up()
        counts = await self._ledger.read(
            lambda connection: store.count_waits(connection, self._ledger.plant, now=self._clock.now())
        )
        return QueueOut(
            waiting=counts.by_kind,
            claimed=counts.claimed,
            without_image=counts.without_image,
            oldest_since=counts.oldest_since,
            second_share=self._second.share,
        )

    async def take(self, wanted: ClaimIn, principal: Principal) -> ClaimOut | None:
        """The next part for a reader, or the one that this window of his holds; None if nothing waits for him."""
        await self._catch_up()
        window = ReaderWindow.of(principal, reader=wanted.reader, holder=wanted.holder)
        held = await self._ledger.write(
            lambda transaction: claims.take(transaction, window, station=wanted.station, lasting=self._lasting)
        )
        return None if held is None else await self._shown(held)

    async def hold_on(self, claim_id: str, principal: Principal) -> ClaimOut:
        """Hold a part longer.

        Raises:
            UnknownClaim, ClaimEnded: as `claims.hold_on`.
        """
        held = await self._ledger.write(
            lambda transaction: claims.hold_on(transaction, claim_id, principal, lasting=self._lasting)
        )
        return await self._shown(held)

    async def release(self, claim_id: str, principal: Principal) -> None:
        """Let a part go unread.

        Raises:
            UnknownClaim, ClaimEnded: as `claims.release`.
        """
        await self._ledger.write(lambda transaction: claims.release(transaction, claim_id, principal))

    async def read(self, claim_id: str, reading: ReadingIn, principal: Principal) -> ReadingOut:
        """Write a reading down.

        Raises:
            UnknownClaim, ClaimEnded, ReviewUnfit: as `claims.read`.
            Unacceptable: a box is on no view, or outside it.
        """
        claim = await self._ledger.write(lambda transaction: claims.own_claim(transaction, claim_id, principal))
        row, frame_rows = await self._ledger.read(lambda connection: self._rows(connection, claim.inspection_id))
        if reading.boxes:
            recipe = self._recipe(row)
            sizes = {frame.view: await self._size_of(frame, recipe) for frame in frame_rows}
            check_boxes(reading.boxes, sizes)
        stored = [frame.digest for frame in frame_rows if await asyncio.to_thread(self._images.contains, frame.digest)]
        recorded = await self._ledger.write(
            lambda transaction: claims.read(
                transaction, claim_id, reading, principal=principal, stored_digests=stored, second=self._second
            )
        )
        await self._shadowing.reviewed(row.id)
        return recorded

    async def undo(self, claim_id: str, principal: Principal) -> ClaimOut | None:
        """Take a reading back; the part as it is held again, or None if somebody else has it by now.

        Raises:
            UnknownClaim, ClaimEnded, ReviewUnfit: as `claims.undo`.
        """

        def write(transaction: Transaction) -> HeldPart | None:
            claims.undo(transaction, claim_id, principal, second=self._second)
            return claims.take_again(transaction, claim_id, principal, lasting=self._lasting)

        held = await self._ledger.write(write)
        return None if held is None else await self._shown(held)

    async def layer(self, inspection_id: str, layer: Layer, *, view: str | None) -> bytes:
        """One layer of a view as PNG.

        Raises:
            UnknownInspection: there is no such inspection.
            ImageGone: it has no such view, its image is not kept, or it has no reference.
        """

        def query(connection: Connection) -> tuple[Row[Any], Row[Any]]:
            plant = self._ledger.plant
            frame = find_frame(connection, plant, inspection_id, view=view)
            return inspection_row(connection, plant, inspection_id), frame

        row, frame = await self._ledger.read(query)
        return await asyncio.to_thread(
            layer_png, row, frame, layer, images=self._images, recipe=self._recipe(row), limits=self._limits
        )

    async def reviewers(
        self, *, start: datetime, end: datetime, is_simulated: bool | None, confidence: float
    ) -> ReviewersOut:
        """How well people read the parts that came in a span.

        Args:
            start: aware UTC.
            end: aware UTC; not part of it.
            is_simulated: of a simulated line or of a real one; None for what the server is set to.
            confidence: of the intervals.
        """
        question = ReviewerQuestion(
            start=start,
            end=end,
            is_simulated=self._is_simulated if is_simulated is None else is_simulated,
            confidence=confidence,
            longest=self._lasting,
        )
        plant = self._ledger.plant
        tallies = await self._ledger.read(lambda connection: tally_readings(connection, plant, question))
        return tallies.shown(confidence)

    async def _catch_up(self) -> None:
        """Take in what happened; the writer is left to others between the parts of a long way."""
        plant = self._ledger.plant
        if not await self._ledger.read(lambda connection: store.is_behind(connection, plant)):
            return
        while not await self._ledger.write(lambda transaction: store.catch_up(transaction, self._second)):
            pass

    async def _shown(self, held: HeldPart) -> ClaimOut:
        """What a reader may know of the part that he holds: nothing that others said, save in a conflict."""
        claim = held.claim

        def query(connection: Connection) -> tuple[Row[Any], Sequence[Row[Any]], Sequence[Any], Sequence[Any]]:
            row, frame_rows = self._rows(connection, claim.inspection_id)
            answer = answer_of(connection, self._ledger.plant, row.id)
            return row, frame_rows, answer["defects"], reviews_of(connection, row)

        row, frame_rows, defects, reviews = await self._ledger.read(query)
        recipe = self._recipe(row)
        views = [await self._view(frame, recipe) for frame in frame_rows if frame.kept]
        is_conflict = claim.kind == WaitKind.CONFLICT.value
        by_verdict: Literal["flagged", "audit"] = "flagged" if row.verdict == Verdict.NG.value else "audit"
        return ClaimOut(
            id=claim.id,
            inspection_id=row.id,
            kind="conflict" if is_conflict else by_verdict,
            reader=claim.reader,
            until=held.until,
            station=row.station,
            part_id=row.part_id,
            attempt=row.attempt,
            product=row.product,
            lot=row.lot,
            verdict=Verdict(row.verdict),
            judged_at=row.judged_at,
            views=tuple(view for view in views if view is not None),
            defects=tuple(DefectOut.model_validate(defect) for defect in defects),
            classes=self._classes(recipe),
            readings=tuple(in_force(reviews)) if is_conflict else (),
        )

    def _rows(self, connection: Connection, inspection_id: str) -> tuple[Row[Any], Sequence[Row[Any]]]:
        row = inspection_row(connection, self._ledger.plant, inspection_id)
        of_it = select(frames).where(frames.c.inspection_id == row.id).order_by(frames.c.received_at, frames.c.view)
        return row, connection.execute(of_it).all()

    async def _view(self, frame: Row[Any], recipe: StoredRecipe | None) -> ShownView | None:
        size = await self._size_of(frame, recipe)
        if size is None:
            return None
        view = None if recipe is None else recipe.recipe.views.get(frame.view)
        layers = tuple(Layer) if view is not None and view.references else (Layer.IMAGE,)
        return ShownView(view=frame.view, size_wh_px=size, layers=tuple(layer.value for layer in layers))

    async def _size_of(self, frame: Row[Any], recipe: StoredRecipe | None) -> tuple[int, int] | None:
        """Width and height; None where the image is gone or unreadable."""
        view = None if recipe is None else recipe.recipe.views.get(frame.view)
        if view is not None and view.size_wh_px is not None:
            return view.size_wh_px
        try:
            found = await asyncio.to_thread(frame_of, frame, self._images, view=view, limits=self._limits)
        except (ImageStoreError, FrameError):
            return None
        return found.size_wh_px

    def _recipe(self, row: Row[Any]) -> StoredRecipe | None:
        return None if row.recipe_id is None else self._recipes.get(row.recipe_id, row.recipe_version)

    def _classes(self, recipe: StoredRecipe | None) -> tuple[ShownClass, ...]:
        if recipe is None:
            return ()
        try:
            stored = self._catalogues.get(recipe.recipe.catalogue_id, recipe.recipe.catalogue_version)
        except UnknownCatalogue:
            return ()
        return tuple(ShownClass(name=each.name, name_ko=each.name_ko) for each in stored.catalogue.classes.values())
