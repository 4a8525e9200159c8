"""Judging pictures without a server: the same core, the same recipe rules, the same failing closed."""

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from lineside.inspection.any_defect import any_defect_recipe
from lineside.inspection.catalogue import Catalogue, builtin_catalogue
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import choose_engine
from lineside.inspection.frames import Image
from lineside.inspection.inspector import EncodedFrame, Inspector
from lineside.inspection.recipe import Recipe, ReferenceSpec, check_release_fits, load_recipe
from lineside.inspection.reference import PreparedReference, Reference, to_gray
from lineside.inspection.release import MANIFEST_NAME, InputKind, Release, read_release, run_canary
from lineside.inspection.verdict import Judgement, judge
from lineside.workflows.errors import RecipeUnusable, Unpaired
from lineside.workflows.golden_images import GoldenImage, golden_images
from lineside.workflows.ordered_work import in_order
from lineside.workflows.pictures import PartPicture, media_type_of
from lineside.workflows.text_files import read_text_file

LIMITS = DecodingLimits(max_pixels=2**28, max_bytes=2**28)
"""Files are the user's own, so a whole board's scan of 16k x 16k may be one."""

_PREPARED_REFERENCES = 4  # one golden image is shared by many parts, or each has its own: no more is worth keeping


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """What was found of one picture.

    Attributes:
        part: the picture.
        judgement: the verdict with its reasons and defects.
        judging_ms: from encoded bytes to verdict, without reading the file.
    """

    part: PartPicture
    judgement: Judgement
    judging_ms: float


def release_or_run(folder: Path) -> Release:
    """The release in a folder, or the model of a finished training run that is no release yet.

    Raises:
        ReleaseError: it may not be loaded.
        NothingToEvaluate: the folder holds neither.
    """
    if (folder / MANIFEST_NAME).is_file():
        return read_release(folder)
    from lineside.training.evaluation import read_subject  # only a run needs anything of the training package

    return read_subject(folder)


def recipe_without_rules(release: Release) -> Recipe:
    """What judges parts when nobody gave a recipe; classes are ranked by the built-in catalogue if they are of it."""
    catalogue = builtin_catalogue("pcb")
    is_of_it = (release.catalogue_id, release.catalogue_version) == (catalogue.id, catalogue.version)
    return any_defect_recipe(release, catalogue=catalogue if is_of_it else None)


def read_recipe(path: Path, *, catalogue: Catalogue | None = None) -> Recipe:
    """A recipe for judging single pictures.

    Raises:
        RecipeError: it is not valid.
        NotText: it is no text.
        RecipeUnusable: it asks for several views.
    """
    recipe = load_recipe(read_text_file(path), catalogue=catalogue or builtin_catalogue("pcb"), source=str(path))
    if len(recipe.views) != 1:
        raise RecipeUnusable(
            f"{path} asks for {len(recipe.views)} views ({', '.join(recipe.views)}) and a file is one: "
            "recipes of several views are judged by a server"
        )
    return recipe


def recipe_references(recipe: Recipe, golden: Mapping[str, GoldenImage]) -> dict[str, tuple[PreparedReference, ...]]:
    """The reference images that a recipe's views name, ready for registration, by view; no entry for one without.

    Args:
        recipe: names them.
        golden: of `golden_images`.

    Raises:
        FrameError: one is no picture.
    """
    return {
        view.name: tuple(_recipe_reference(spec, golden[spec.image]) for spec in view.references)
        for view in recipe.views.values()
        if view.references
    }


def read_image(path: Path) -> Image:
    """The picture in a file.

    Raises:
        FrameError: it is no complete picture of the kind that its name says.
    """
    return decode(path.read_bytes(), media_type_of(path), limits=LIMITS).image


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges pictures with one loaded release under one recipe; make it with `open_judge`.

    Attributes:
        inspector: the core.
        prepared: gives the golden image in a file, ready for registration.
    """

    inspector: Inspector
    prepared: Callable[[Path], PreparedReference] = field(repr=False)

    @property
    def release(self) -> Release:
        """The loaded release."""
        return self.inspector.release

    @property
    def streams(self) -> int:
        """How many parts it makes sense to judge at once."""
        return self.inspector.detector.streams

    @property
    def engine_name(self) -> str:
        """Engine and precision."""
        return self.inspector.detector.engine_name

    @property
    def compares(self) -> bool:
        """Whether the release compares a part with a reference."""
        return self.release.input_kind is InputKind.REFERENCE

    def judge_all(self, parts: Sequence[PartPicture]) -> Iterator[JudgedPart]:
        """Judge parts, several at once, and give the results in their order.

        Raises:
            Unpaired: the release compares with a reference, and a part has none.
            FrameError: a reference picture cannot be used. (A part's own makes it NOT_INSPECTED.)
        """
        self.require_references(parts)
        return in_order(self._judge, parts, workers=self.streams)

    def require_references(self, parts: Sequence[PartPicture]) -> None:
        """Refuse parts without a reference where one is needed and the recipe has none.

        Raises:
            Unpaired: naming the first of them.
        """
        [view] = self.inspector.recipe.views
        if not self.compares or self.inspector.references.get(view):
            return
        missing = [part.path for part in parts if part.reference is None]
        if missing:
            raise Unpaired(
                f"release {self.release.name} compares with a reference and {len(missing)} of {len(parts)} "
                f"pictures have none, the first is {missing[0]}: give --reference, or a single-image release"
            )

    def _judge(self, part: PartPicture) -> JudgedPart:
        [view] = self.inspector.recipe.views
        inspector = self.inspector
        if part.reference is not None and self.compares:
            inspector = replace(inspector, references={view: (self.prepared(part.reference),)})
        body = part.path.read_bytes()
        now = datetime.now(UTC)
        started_s = time.perf_counter()
        encoded = EncodedFrame(body, part.media_type, hashlib.sha256(body).hexdigest(), view)
        examination = inspector.examine(encoded, previous_digest=None, now=now)
        judgement = judge(
            inspector.recipe, {view: examination.findings}, release_thresholds=self.release.thresholds, now=now
        )
        return JudgedPart(part, judgement, (time.perf_counter() - started_s) * 1000.0)


@contextmanager
def open_judge(
    release_folder: Path,
    *,
    recipe_path: Path | None,
    engine_cache: Path | None,
    engine: str = "auto",
) -> Iterator[Judge]:
    """Load a release and a recipe; the model is freed at the end of the block.

    Args:
        release_folder: the release to judge with, or a training run.
        recipe_path: the recipe; None allows no defect at all.
        engine_cache: where the engine choice is remembered; None measures anew.
        engine: "auto", or an engine's name.

    Raises:
        ReleaseError, RecipeError, RecipeUnusable, NothingUsable, FrameError: something of it cannot be used.
    """
    release = release_or_run(release_folder)
    references: Mapping[str, Sequence[PreparedReference]] = {}
    if recipe_path is None:
        recipe = recipe_without_rules(release)
    else:
        recipe = read_recipe(recipe_path)
        references = recipe_references(recipe, golden_images(recipe, folder=recipe_path.parent))
        check_release_fits(recipe, release.classes, builtin_catalogue("pcb"))
    choice = choose_engine(release, cache_dir=engine_cache, requested=engine)
    detector = open_detector(release, choice)
    try:
        if release.canary:  # every release has some; a training run has none yet
            run_canary(detector, release)
        inspector = Inspector(
            recipe=recipe,
            release=release,
            detector=detector,
            references=references,
            limits=LIMITS,
            monotonic=time.perf_counter,
        )
        prepared = lru_cache(maxsize=_PREPARED_REFERENCES)(_prepare)
        yield Judge(inspector, prepared)
    finally:
        detector.close()


def _recipe_reference(spec: ReferenceSpec, golden: GoldenImage) -> PreparedReference:
    image = to_gray(decode(golden.content, golden.media_type, limits=LIMITS).image)
    return PreparedReference.prepare(Reference(spec.id, image, spec.approved_by, spec.approved_at, spec.expires_at))


def _prepare(path: Path) -> PreparedReference:
    """A golden image that the user named; the user's naming it is its approval."""
    image = to_gray(read_image(path))
    return PreparedReference.prepare(
        Reference(path.stem, image, approved_by="the command line", approved_at=datetime.fromtimestamp(0, UTC))
    )
