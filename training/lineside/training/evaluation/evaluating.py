"""Judging a release on a dataset revision, and everything that is counted about it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lineside.datasets.labelled import LabelledImage, Split
from lineside.datasets.revisions import Revision, RevisionSelection, RevisionStore
from lineside.inspection.detector import open_detector
from lineside.inspection.engines import AUTO, choose_engine
from lineside.inspection.release import InputKind, Release, run_canary
from lineside.inspection.verdict import effective_thresholds
from lineside.training.errors import NothingToEvaluate
from lineside.training.evaluation.coco import require_library
from lineside.training.evaluation.figures import all_figures
from lineside.training.evaluation.judging import JudgedPart, PartJudge, Rules, parts_of
from lineside.training.evaluation.outcomes import Evaluation, JudgedRelease, JudgingRecipe
from lineside.training.evaluation.tallying import outcome_of
from lineside.training.evaluation.timing import time_parts

OnPart = Callable[[int, int], None]
"""Called with how many parts are judged, and how many there are."""


@dataclass(frozen=True, slots=True)
class EvaluationPlan:
    """How to evaluate.

    Attributes:
        splits: only these splits of the revision; empty takes all images.
        engine: "auto", or an engine's name.
        engine_cache: where the choice of engine is remembered; None measures anew.
        rules: recipe, its references, and what makes a part defective.
        recipe_digest: SHA-256 of the recipe's text; required with a recipe.
        timed_parts: how many parts to time; 0 times none.
        resamples: bootstrap draws per interval.
    """

    splits: tuple[Split, ...] = ()
    engine: str = AUTO
    engine_cache: Path | None = None
    rules: Rules = field(default_factory=Rules)
    recipe_digest: str | None = None
    timed_parts: int = 100
    resamples: int = 200


@dataclass(frozen=True, slots=True, eq=False)
class JudgedRevision:
    """An evaluation with what its report shows.

    Attributes:
        evaluation: outcomes and figures.
        parts: every judged part, as `evaluation.parts`.
        classes: names by class id of their truth.
    """

    evaluation: Evaluation
    parts: tuple[JudgedPart, ...]
    classes: tuple[str, ...]


def evaluate(
    release: Release,
    revision: Revision,
    store: RevisionStore,
    *,
    plan: EvaluationPlan | None = None,
    now: datetime | None = None,
) -> Evaluation:
    """Every part's outcome and all figures; see `judge_revision`."""
    return judge_revision(release, revision, store, plan=plan, now=now).evaluation


def judge_revision(
    release: Release,
    revision: Revision,
    store: RevisionStore,
    *,
    plan: EvaluationPlan | None = None,
    now: datetime | None = None,
    on_part: OnPart | None = None,
) -> JudgedRevision:
    """Judge the labelled parts of a revision as the line would, count, and keep what a report shows.

    Classes are matched by name. A labelled class that the release does not know stays in: its defects are misses, and
    the figures name it.

    Args:
        release: as `read_subject` reads it.
        revision: labelled parts.
        store: holds their pictures.
        plan: how; all images on the fastest engine without a recipe if None.
        now: aware UTC instant at which calibrations and references must be valid; the present one if None.
        on_part: called after each part, for a progress bar.

    Raises:
        NothingToEvaluate: there is no part to judge, the release knows none of the labelled classes, or compares with a
            reference that a part does not have.
        RevisionUnknown: the revision has no image in the splits.
        ExtraMissing: faster-coco-eval is not installed.
        EngineError, NothingUsable, CanaryFailed: the release does not run here.
        FrameError: a reference picture cannot be used.
    """
    require_library()
    plan = plan or EvaluationPlan()
    images = _chosen_images(revision, plan)
    classes = _classes(release, revision, images)
    _require_references(release, images, plan.rules)
    now = now or datetime.now(UTC)
    detector = open_detector(release, choose_engine(release, cache_dir=plan.engine_cache, requested=plan.engine))
    try:
        if release.canary:  # every release has some; a training run has none yet
            run_canary(detector, release)
        judge = PartJudge(detector, store, classes, rules=plan.rules, now=now, monotonic=time.perf_counter)
        parts = parts_of(images)
        judged = []
        for part in judge.judge_all(parts):
            judged.append(part)
            if on_part is not None:
                on_part(len(judged), len(parts))
        latency_ms = time_parts(judge, parts[: plan.timed_parts], streams=detector.streams)
    finally:
        detector.close()
    outcomes = tuple(outcome_of(part, classes) for part in judged)
    recipe = plan.rules.recipe
    evaluation = Evaluation(
        release=JudgedRelease(release.name, release.version, release.digest),
        revision=revision.id,
        splits=tuple(sorted(split.value for split in plan.splits)),
        engine=detector.engine_name,
        recipe=None if recipe is None else JudgingRecipe(recipe.id, recipe.version, plan.recipe_digest or ""),
        truth=plan.rules.truth.value,
        thresholds=dict(release.thresholds) if recipe is None else effective_thresholds(recipe, release.thresholds),
        parts=outcomes,
        figures=all_figures(judged, outcomes, classes, release_classes=release.classes, resamples=plan.resamples),
        latency_ms=latency_ms,
    )
    return JudgedRevision(evaluation, tuple(judged), classes)


def _chosen_images(revision: Revision, plan: EvaluationPlan) -> tuple[LabelledImage, ...]:
    images = RevisionSelection(revision.id, plan.splits).images(revision)
    recipe = plan.rules.recipe
    if recipe is None:
        return images
    chosen = tuple(image for image in images if image.product in (None, recipe.product))
    if not chosen:
        products = sorted({str(image.product) for image in images})
        raise NothingToEvaluate(
            f"recipe {recipe.id!r} is for product {recipe.product!r}; the parts are {', '.join(products)}"
        )
    return chosen


def _classes(release: Release, revision: Revision, images: Sequence[LabelledImage]) -> tuple[str, ...]:
    """The revision's classes, then those that only the release has."""
    labelled = {box.class_name for image in images for box in image.boxes}
    if labelled and not labelled & set(release.classes):
        raise NothingToEvaluate(
            f"release {release.name} finds {', '.join(release.classes)}; the labels are of "
            f"{', '.join(sorted(labelled))}: none in common, classes are matched by name"
        )
    return (*revision.classes, *(name for name in release.classes if name not in revision.classes))


def _require_references(release: Release, images: Sequence[LabelledImage], rules: Rules) -> None:
    if release.input_kind is InputKind.SINGLE or any(rules.references.values()):
        return
    missing = [image.name for image in images if image.reference is None]
    if missing:
        raise NothingToEvaluate(
            f"release {release.name} compares with a reference and {len(missing)} of {len(images)} images have none, "
            f"the first is {missing[0]!r}: import them with their references, give a recipe that names a golden image, "
            "or evaluate a single-image release"
        )
