"""Pictures of picked parts: the frame as the detector saw it, and the golden image that it was compared with."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lineside.client import KeptImage, LinesideClient, NothingThere
from lineside.datasets.errors import SampleUnreadable
from lineside.datasets.labelling import judged_pixels
from lineside.datasets.revisions import read_picture
from lineside.datasets.revisions.pictures import LIMITS
from lineside.inspection.catalogue import load_catalogue
from lineside.inspection.errors import FrameError, RegistrationRefused
from lineside.inspection.frames import Image, MediaType
from lineside.inspection.recipe import Recipe, ReferenceSpec, View, load_recipe
from lineside.inspection.reference import PreparedReference, Reference, register, to_gray
from lineside.workflows.errors import PictureGone, PictureUnusable

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)  # which references were valid is settled by the recipe's dates before


@dataclass(frozen=True, slots=True, eq=False)
class GoldenPicture:
    """A golden image beside its frame.

    Attributes:
        content: the stored file.
        laid: its pixels in the frame's coordinates where it fits the frame, else its own, of the frame's size.
    """

    content: bytes = field(repr=False)
    laid: Image = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class PartPicture:
    """One view of a picked part.

    Attributes:
        kept: as the server keeps it.
        pixels: as the detector saw it.
        golden: what it was compared with, None for single-image recipes.
    """

    kept: KeptImage
    pixels: Image = field(repr=False)
    golden: GoldenPicture | None

    @property
    def size_wh_px(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class _Golden:
    content: bytes = field(repr=False)
    prepared: PreparedReference


class PartPictures:
    """Fetches pictures from a server; recipes and golden images once each.

    Args:
        client: of the server.
    """

    def __init__(self, client: LinesideClient) -> None:
        self._client = client
        self._recipes: dict[tuple[str, int], Recipe] = {}
        self._golden: dict[str, _Golden] = {}

    async def fetch(
        self, inspection_id: str, view: str, *, recipe: tuple[str, int] | None, judged_at: datetime
    ) -> PartPicture:
        """One view with its golden image.

        Args:
            inspection_id: whose.
            view: which.
            recipe: id and version of the recipe that judged; None where there was none.
            judged_at: aware instant that says which golden images were approved.

        Raises:
            PictureGone: the server does not keep it any more, or the inspection is unknown.
            PictureUnusable: it cannot be decoded.
        """
        try:
            kept = await self._client.kept_image(inspection_id, view=view)
        except NothingThere as error:
            raise PictureGone(str(error)) from error
        rules = await self._rules(recipe, view)
        sixteen_bit = None if rules is None else rules.sixteen_bit
        try:
            pixels = await asyncio.to_thread(
                judged_pixels, kept.content, kept.media_type, raw=kept.raw, sixteen_bit=sixteen_bit, limits=LIMITS
            )
        except FrameError as error:
            raise PictureUnusable(f"view {view!r} of inspection {inspection_id}: {error}") from error
        return PartPicture(kept, pixels, await self._beside(pixels, rules, judged_at))

    async def golden(self, view: str, *, recipe: tuple[str, int] | None, judged_at: datetime) -> bytes | None:
        """The first golden image that was approved for a view, None for single-image recipes."""
        rules = await self._rules(recipe, view)
        usable = [spec for spec in (() if rules is None else rules.references) if spec.is_usable(judged_at)]
        return (await self._read_golden(usable[0])).content if usable else None

    async def _rules(self, recipe: tuple[str, int] | None, view: str) -> View | None:
        if recipe is None:
            return None
        if recipe not in self._recipes:
            stored = await self._client.recipe(recipe[0], version=recipe[1])
            catalogue = await self._client.catalogue(stored["catalogue_id"], version=stored["catalogue_version"])
            self._recipes[recipe] = load_recipe(stored["text"], catalogue=load_catalogue(catalogue["text"]))
        return self._recipes[recipe].views.get(view)

    async def _beside(self, pixels: Image, rules: View | None, judged_at: datetime) -> GoldenPicture | None:
        if rules is None:
            return None
        usable = [spec for spec in rules.references if spec.is_usable(judged_at)]
        golden = [await self._read_golden(spec) for spec in usable]
        fitting = {
            each.prepared.reference.id: each
            for each in golden
            if each.prepared.reference.image.shape == pixels.shape[:2]
        }
        return await asyncio.to_thread(_lay, pixels, fitting, rules) if fitting else None

    async def _read_golden(self, spec: ReferenceSpec) -> _Golden:
        digest = spec.sha256 or ""
        if digest not in self._golden:
            content = await self._client.reference_image(digest)
            try:
                picture = await asyncio.to_thread(read_picture, content, source=f"golden image {spec.id!r}")
            except SampleUnreadable as error:
                raise PictureUnusable(str(error)) from error
            reference = Reference(spec.id, to_gray(picture.pixels), spec.approved_by, _ALWAYS)
            self._golden[digest] = _Golden(content, await asyncio.to_thread(PreparedReference.prepare, reference))
        return self._golden[digest]


def _lay(pixels: Image, golden: Mapping[str, _Golden], rules: View) -> GoldenPicture:
    prepared = [each.prepared for each in golden.values()]
    try:
        laid = register(to_gray(pixels), prepared, limits=rules.registration, now=_ALWAYS)
    except RegistrationRefused:
        # People see at once that it does not fit; that is no reason not to show the part.
        first = next(iter(golden.values()))
        return GoldenPicture(first.content, first.prepared.reference.image)
    return GoldenPicture(golden[laid.reference_id].content, laid.image)


def is_for_revisions(kept: KeptImage, pixels: Image) -> bool:
    """Whether a revision may hold the very bytes: raw pixels and 16 bits have no place in one."""
    if kept.media_type is MediaType.RAW:
        return False
    try:
        return bool((read_picture(kept.content, source="the picture").pixels == pixels).all())
    except SampleUnreadable:
        return False
