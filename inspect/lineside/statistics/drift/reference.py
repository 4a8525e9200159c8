"""The reference period: what a station's parts and pictures were like while all was well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lineside.statistics.drift.batches import PICTURE_MEASURES, Batch
from lineside.statistics.drift.levels import LEAST_BATCHES, Level
from lineside.statistics.drift.novelty import LEAST_PICTURES, FloatArray, PictureModel
from lineside.statistics.drift.samples import dispersion
from lineside.statistics.errors import TooFewParts

QUANTILES = (0.5, 0.95)
"""Of the scores, watched batch by batch: the middle of good parts, and what the model is least sure of."""

QUANTILE_RESOLUTION = 0.002
"""Least spread of a batch's quantile, in units of confidence."""

NEAR_LOGITS = 1.0
"""A score is near the threshold within one unit of log odds on either side: 0.11 to 0.48 for a threshold of 0.25."""

NOVEL_SHARE = 0.01
"""Share of the reference's parts beyond the distance from which a part is novel."""

_USUAL_SHARE = 0.9  # of the batches that must have a measure for it to be watched


@dataclass(frozen=True, slots=True, eq=False)
class NoveltyRule:
    """From which distance on a part's pictures are unusual.

    Attributes:
        models: by view: the measures it takes and where the reference's pictures lie.
        middles: by view: the median distance in the reference, by which distances of several views are compared.
        limit: in such medians, from which a part is novel.
        novel: parts of the reference beyond it, among those that the models were not fitted to.
        parts: those parts.
    """

    models: Mapping[str, tuple[tuple[str, ...], PictureModel]]
    middles: Mapping[str, float]
    limit: float
    novel: int
    parts: int

    def novel_of(self, batch: Batch) -> tuple[int, int]:
        """How many of a batch's parts are novel, and how many could be told."""
        distances = part_distances(batch, self.models, self.middles)
        return int((distances > self.limit).sum()), len(distances)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Everything that later parts are held against.

    Attributes:
        batches: of the reference period.
        threshold: the lowest confidence threshold in force, strictly between 0 and 1.
        scores: (n,), of all parts.
        flagged_scores: (n,), of the flagged ones.
        near: how many scores lie near the threshold.
        levels: level of each watched figure by name: "score 50 %", or "view/measure".
        dispersions: of "score", "flag rate" and "near threshold".
        novelty: None where no view has measures enough.
    """

    batches: tuple[Batch, ...]
    threshold: float
    scores: FloatArray
    flagged_scores: FloatArray
    near: int
    levels: Mapping[str, Level]
    dispersions: Mapping[str, float]
    novelty: NoveltyRule | None

    @classmethod
    def of(cls, batches: Sequence[Batch], *, threshold: float) -> "Reference":
        """Learn from the batches of the reference period.

        Args:
            batches: in order, at least `LEAST_BATCHES`.
            threshold: the lowest confidence threshold in force.

        Raises:
            TooFewParts: there are too few batches, or too few parts with a score.
            ValueError: the threshold is not strictly between 0 and 1.
        """
        if not 0.0 < threshold < 1.0:
            raise ValueError(f"the threshold is {threshold}; expected a confidence strictly between 0 and 1")
        if len(batches) < LEAST_BATCHES:
            raise TooFewParts("a reference period (counted in batches)", needed=LEAST_BATCHES, found=len(batches))
        scored = [batch for batch in batches if batch.scores.size]
        if len(scored) < LEAST_BATCHES:
            raise TooFewParts("a reference period (batches with scores)", needed=LEAST_BATCHES, found=len(scored))
        scores = np.concatenate([batch.scores for batch in scored])
        sizes = [batch.scores.size for batch in scored]
        median = float(np.median(scores))
        levels = {
            quantile_name(quantile): Level.of(
                [float(np.quantile(batch.scores, quantile)) for batch in scored], resolution=QUANTILE_RESOLUTION
            )
            for quantile in QUANTILES
        }
        return cls(
            batches=tuple(batches),
            threshold=threshold,
            scores=scores,
            flagged_scores=np.concatenate([batch.flagged_scores for batch in scored]),
            near=sum(near_threshold(batch.scores, threshold) for batch in scored),
            levels={**levels, **_picture_levels(batches)},
            dispersions={
                "score": dispersion([int((batch.scores > median).sum()) for batch in scored], sizes),
                "flag rate": dispersion([batch.flagged_scores.size for batch in scored], sizes),
                "near threshold": dispersion([near_threshold(batch.scores, threshold) for batch in scored], sizes),
            },
            novelty=_novelty_rule(batches),
        )


def quantile_name(quantile: float) -> str:
    """What a quantile of the scores is called among the levels."""
    return f"score {quantile:.0%}"


def near_threshold(scores: FloatArray, threshold: float) -> int:
    """How many scores lie within `NEAR_LOGITS` of the threshold."""
    odds = threshold / (1 - threshold)
    low, high = (odds * factor / (1 + odds * factor) for factor in (np.exp(-NEAR_LOGITS), np.exp(NEAR_LOGITS)))
    return int(((scores >= low) & (scores <= high)).sum())


def views_of(batches: Sequence[Batch]) -> tuple[str, ...]:
    """Every view that a part of the batches has, by name."""
    return tuple(sorted({view for batch in batches for view in batch.pictures}))


def part_distances(
    batch: Batch, models: Mapping[str, tuple[tuple[str, ...], PictureModel]], middles: Mapping[str, float]
) -> FloatArray:
    """(n,): of each part with every view's measures, the distance of its most unusual picture, in medians."""
    pictures = batch.complete({view: measures for view, (measures, _) in models.items()})
    by_view = [model.distances(pictures[view]) / middles[view] for view, (_, model) in models.items()]
    return np.asarray(np.max(by_view, axis=0)) if by_view else np.zeros(0)


def _picture_levels(batches: Sequence[Batch]) -> dict[str, Level]:
    levels = {}
    for view in views_of(batches):
        for measure, resolution in PICTURE_MEASURES.items():
            means = [mean for batch in batches if (mean := batch.mean(view, measure)) is not None]
            if len(means) >= max(LEAST_BATCHES, _USUAL_SHARE * len(batches)):
                levels[f"{view}/{measure}"] = Level.of(means, resolution=resolution)
    return levels


def _novelty_rule(batches: Sequence[Batch]) -> NoveltyRule | None:
    """Models from every other batch, and the limit from the rest: a picture is nearest to a model fitted to it."""
    fitted, held_out = batches[::2], batches[1::2]
    models: dict[str, tuple[tuple[str, ...], PictureModel]] = {}
    middles: dict[str, float] = {}
    levels = _picture_levels(batches)
    for view in views_of(batches):
        measures = tuple(measure for measure in PICTURE_MEASURES if f"{view}/{measure}" in levels)
        pictures = np.concatenate([batch.complete({view: measures})[view] for batch in fitted])
        if not measures or len(pictures) < LEAST_PICTURES:
            continue
        resolutions = np.array([PICTURE_MEASURES[measure] for measure in measures])
        models[view] = (measures, PictureModel.fit(pictures, resolutions=resolutions))
        middles[view] = max(float(np.median(models[view][1].distances(pictures))), 1e-6)
    distances = np.concatenate([part_distances(batch, models, middles) for batch in held_out])
    if distances.size < LEAST_PICTURES:
        return None
    limit = float(np.quantile(distances, 1 - NOVEL_SHARE))
    return NoveltyRule(models, middles, limit, int((distances > limit).sum()), distances.size)
