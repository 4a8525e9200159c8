"""Judging the labelled parts of a revision as serving does: same detector, registration, image health and recipe."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from lineside.datasets.labelled import ImageFile, LabelledImage
from lineside.datasets.revisions import RevisionStore
from lineside.inspection.any_defect import any_defect_recipe
from lineside.inspection.decoding import DecodingLimits, decode
from lineside.inspection.detections import Detections
from lineside.inspection.detector import Detector
from lineside.inspection.errors import FrameError
from lineside.inspection.frames import Image
from lineside.inspection.inspector import EncodedFrame, Inspector
from lineside.inspection.recipe import Recipe
from lineside.inspection.reference import PreparedReference, Reference, to_gray
from lineside.inspection.release import InputKind
from lineside.inspection.verdict import Defect, Judgement, Verdict, ViewFindings, ViewNotInspected, judge
from lineside.training.errors import NothingToEvaluate
from lineside.training.evaluation.judged import LOWEST_CONFIDENCE, JudgedImage, renumbered, truth_arrays

LIMITS = DecodingLimits(max_pixels=2**28, max_bytes=2**28)
"""Files are the plant's own, so a whole board's scan of 16k x 16k may be one."""

_PREPARED_REFERENCES = 8  # one golden image is shared by many parts, or each has its own
_EPOCH = datetime.fromtimestamp(0, UTC)


class Truth(StrEnum):
    """What makes a labelled part defective."""

    LABELS = "labels"
    """Any labelled defect."""
    RECIPE = "recipe"
    """Labelled defects that the recipe does not allow."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What parts are judged by.

    Attributes:
        recipe: the line's; None makes any defect at or above the release's threshold NG.
        references: prepared golden images of the recipe by view; a view that has none takes the part's own.
        truth: what makes a part defective.
    """

    recipe: Recipe | None = None
    references: Mapping[str, Sequence[PreparedReference]] = field(default_factory=lambda: MappingProxyType({}))
    truth: Truth = Truth.LABELS


@dataclass(frozen=True, slots=True, eq=False)
class JudgedView:
    """One image of a part.

    Attributes:
        labelled: the image with its labels.
        view: the recipe's view that it was judged as.
        judged: truth and everything found, class ids into the evaluation's classes.
        reported: the defects that counted in it.
        mm_per_px: its scale; None without one.
    """

    labelled: LabelledImage
    view: str
    judged: JudgedImage
    reported: tuple[Defect, ...]
    mm_per_px: float | None


@dataclass(frozen=True, slots=True, eq=False)
class JudgedPart:
    """One part, all of its images judged.

    Attributes:
        part_id: its name in the revision.
        views: its images, at least one.
        judgement: what the line would have been told.
        is_defective: by its labels, under the rule of truth.
        judging_ms: from encoded bytes to verdict, without reading the files.
    """

    part_id: str
    views: tuple[JudgedView, ...]
    judgement: Judgement
    is_defective: bool
    judging_ms: float

    @property
    def first(self) -> LabelledImage:
        """Its first image; group, product and line are the same for all."""
        return self.views[0].labelled


class PartJudge:
    """Judges parts with one loaded release. Several threads may call it at once.

    Args:
        detector: the loaded release.
        store: holds the pictures.
        classes: names to count with: those of the revision and those of the release.
        rules: recipe, references and rule of truth.
        now: aware UTC instant at which calibrations and references must be valid.
        monotonic: seconds of a monotonic clock.
    """

    def __init__(
        self,
        detector: Detector,
        store: RevisionStore,
        classes: Sequence[str],
        *,
        rules: Rules,
        now: datetime,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._detector = detector
        self._store = store
        self._classes = tuple(classes)
        self._rules = rules
        self._now = now
        self._monotonic = monotonic
        self._prepared = lru_cache(maxsize=_PREPARED_REFERENCES)(self._prepare)

    def judge_all(self, parts: Iterable[Sequence[LabelledImage]]) -> Iterator[JudgedPart]:
        """Judge parts, as many at once as the engine takes, and give the results in their order."""
        with ThreadPoolExecutor(self._detector.streams, thread_name_prefix="evaluation") as pool:
            yield from pool.map(self.judge, parts)

    def judge(self, images: Sequence[LabelledImage], *, with_unreported: bool = True) -> JudgedPart:
        """Judge one part.

        Args:
            images: all of its images, at least one.
            with_unreported: also keep what lies below the thresholds, for the curves; without it the time taken is
                serving's.

        Raises:
            NothingToEvaluate: the images are not the recipe's views.
            RevisionCorrupt: a picture of the store was changed.
            FrameError: a reference cannot be used. (A part's own picture makes it NOT_INSPECTED.)
        """
        release = self._detector.release
        recipe = self._rules.recipe or any_defect_recipe(release, views=_distinct_views(images))
        views = _views_under(recipe, images) if self._rules.recipe else _distinct_views(images)
        inspector = Inspector(recipe, release, self._detector, {}, LIMITS, self._monotonic)
        sweeps: list[_Sweep] = []
        findings: dict[str, ViewFindings | ViewNotInspected] = {}
        judging_s = 0.0
        for image, view in zip(images, views, strict=True):
            body = self._store.image_bytes(image.image)
            references = {view: self._references(image, view)}
            encoded = EncodedFrame(body, image.image.media_type, image.image.sha256, view)
            sweep = _Sweep(self._detector, is_wide=with_unreported)
            started_s = self._monotonic()
            findings[view] = (
                replace(inspector, references=references)
                .examine(encoded, previous_digest=None, now=self._now, detect=sweep)
                .findings
            )
            judging_s += self._monotonic() - started_s
            sweeps.append(sweep)
        started_s = self._monotonic()
        judgement = judge(recipe, findings, release_thresholds=release.thresholds, now=self._now)
        judging_s += self._monotonic() - started_s
        judged = tuple(
            self._view(image, view, recipe, judgement, sweep)
            for image, view, sweep in zip(images, views, sweeps, strict=True)
        )
        return JudgedPart(images[0].part_id, judged, judgement, self._is_defective(recipe, judged), judging_s * 1000)

    def _view(
        self, image: LabelledImage, view: str, recipe: Recipe, judgement: Judgement, sweep: "_Sweep"
    ) -> JudgedView:
        boxes, class_ids = truth_arrays(((box.class_name, box.box_xyxy_px) for box in image.boxes), self._classes)
        found = Detections.empty() if sweep.found is None else sweep.found
        judged = JudgedImage(
            boxes,
            class_ids,
            renumbered(found, self._detector.release.classes, self._classes),
            is_refused=sweep.found is None,
        )
        reported = tuple(defect for defect in judgement.defects if defect.view == view)
        scale = recipe.views[view].scale
        return JudgedView(image, view, judged, reported, None if scale is None else scale.mm_per_px)

    def _is_defective(self, recipe: Recipe, views: Sequence[JudgedView]) -> bool:
        has_labels = any(len(view.judged.class_ids) for view in views)
        if self._rules.truth is Truth.LABELS or not has_labels:
            return has_labels
        verdict = judge(
            recipe,
            {view.view: _labels_as_findings(view, self._classes) for view in views},
            release_thresholds=self._detector.release.thresholds,
            now=self._now,
        ).verdict
        return verdict is not Verdict.OK  # labels that cannot be held to the recipe stay defects

    def _references(self, image: LabelledImage, view: str) -> Sequence[PreparedReference]:
        if self._detector.release.input_kind is InputKind.SINGLE:
            return ()
        of_recipe = self._rules.references.get(view)
        if of_recipe or image.reference is None:
            return of_recipe or ()
        return (self._prepared(image.reference),)

    def _prepare(self, file: ImageFile) -> PreparedReference:
        try:
            image = decode(self._store.image_bytes(file), file.media_type, limits=LIMITS).image
        except FrameError as error:
            raise type(error)(f"reference {file.sha256}: {error}") from error
        return PreparedReference.prepare(Reference(file.sha256[:12], to_gray(image), "the revision", _EPOCH))


class _Sweep:
    """Stands in for the detector's own call and keeps everything found from `LOWEST_CONFIDENCE` on."""

    def __init__(self, detector: Detector, *, is_wide: bool) -> None:
        self.found: Detections | None = None
        self._detector = detector
        self._is_wide = is_wide

    def __call__(self, image: Image, thresholds: Mapping[str, float]) -> Detections:
        if not self._is_wide:
            self.found = self._detector.detect(image, thresholds=thresholds)
            return self.found
        lowest = {name: min(LOWEST_CONFIDENCE, threshold) for name, threshold in thresholds.items()}
        self.found = self._detector.detect(image, thresholds=lowest)
        width, height = self._detector.release.input_size_wh_px
        if image.shape[1] <= width and image.shape[0] <= height:
            return self.found  # `judge` leaves out what is below a threshold
        # Pieces of neighbouring tiles are united, and a faint one would widen the box that serving reports.
        return self._detector.detect(image, thresholds=thresholds)


def parts_of(images: Iterable[LabelledImage]) -> list[tuple[LabelledImage, ...]]:
    """Images by part, parts sorted by their id."""
    by_part: dict[str, list[LabelledImage]] = {}
    for image in images:
        by_part.setdefault(image.part_id, []).append(image)
    return [tuple(by_part[part_id]) for part_id in sorted(by_part)]


def _distinct_views(images: Sequence[LabelledImage]) -> tuple[str, ...]:
    """The images' views; their names where two images are of one view."""
    views = tuple(image.view for image in images)
    return views if len(set(views)) == len(views) else tuple(image.name for image in images)


def _views_under(recipe: Recipe, images: Sequence[LabelledImage]) -> tuple[str, ...]:
    """The recipe's view that each image is; one image is the one view of a recipe, whatever it is called."""
    if len(recipe.views) == len(images) == 1:
        return tuple(recipe.views)
    views = tuple(image.view for image in images)
    if len(set(views)) != len(views) or not set(views) <= set(recipe.views):
        raise NothingToEvaluate(
            f"part {images[0].part_id!r} has {len(images)} images of the views {', '.join(views)}; "
            f"recipe {recipe.id!r} asks for one each of {', '.join(recipe.views)}"
        )
    return views


def _labels_as_findings(view: JudgedView, classes: Sequence[str]) -> ViewFindings:
    """The labels as if a perfect detector had found them."""
    judged = view.judged
    perfect = Detections(judged.boxes_xyxy_px, np.ones(len(judged.class_ids), np.float32), judged.class_ids)
    return ViewFindings(view.view, perfect, tuple(classes), view.labelled.image.size_wh_px)
