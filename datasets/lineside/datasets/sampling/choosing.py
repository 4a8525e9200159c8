"""The reasons that look at a part before they choose it: whom each could take, and whom it takes first."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from lineside.datasets.sampling.descriptors import Descriptors, nearest_distances, spread_out
from lineside.datasets.sampling.records import Candidate, PickReason
from lineside.datasets.sampling.scoring import margin_of, rarest_class, rarity, strongest_disagreement

UNCERTAIN_PER_PLACE = 5
"""Diversity chooses among this many times its places, those nearest to their thresholds."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate that a reason takes.

    Attributes:
        candidate: which.
        score: larger came first, within its reason.
        why: in a sentence.
    """

    candidate: Candidate
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reason needs to know besides the candidates.

    Attributes:
        counts: labels by class, those of today's picks among them.
        descriptors: of candidates and labelled images.
        picked: ids of today's picks.
    """

    counts: Mapping[str, int]
    descriptors: Descriptors
    picked: Sequence[str]


def able(reason: PickReason, candidates: Sequence[Candidate], descriptors: Descriptors) -> list[Candidate]:
    """The candidates that a reason could take at all, in the order given."""
    if reason is PickReason.NOVELTY and not len(descriptors.labelled):
        return []
    return [candidate for candidate in candidates if _IS_ABLE[reason](candidate, descriptors)]


def choose(reason: PickReason, candidates: Sequence[Candidate], places: int, standing: Standing) -> list[Choice]:
    """Let a reason choose.

    Args:
        reason: one of those that choose.
        candidates: whom it could take; earlier ones win ties.
        places: how many at most.
        standing: what else it must know.

    Returns:
        In the order of choice.
    """
    return _CHOOSE[reason](candidates, places, standing) if places and candidates else []


def _near_threshold(candidates: Sequence[Candidate], places: int, _: Standing) -> list[Choice]:
    """The nearest from either side in turn, so that neither escapes nor false calls take all places."""
    found = [(candidate, margin) for candidate in candidates if (margin := margin_of(candidate)) is not None]
    found.sort(key=lambda each: -each[1].closeness)
    below = [each for each in found if each[1].log_odds < 0]
    above = [each for each in found if each[1].log_odds >= 0]
    in_turn = sorted(
        (
            (rank, -margin.closeness, candidate, margin)
            for side in (below, above)
            for rank, (candidate, margin) in enumerate(side)
        ),
        key=lambda each: each[:2],
    )
    return [Choice(candidate, margin.closeness, margin.sentence) for _, _, candidate, margin in in_turn[:places]]


def _disagreement(candidates: Sequence[Candidate], places: int, _: Standing) -> list[Choice]:
    found = [(candidate, worst) for candidate in candidates if (worst := strongest_disagreement(candidate)) is not None]
    found.sort(key=lambda each: -each[1].strength)
    return [
        Choice(candidate, worst.strength, f"{worst.between} disagree on it (strength {worst.strength:.2f})")
        for candidate, worst in found[:places]
    ]


def _rare_class(candidates: Sequence[Candidate], places: int, standing: Standing) -> list[Choice]:
    """One by one, each counted as a label of its classes before the next."""
    counts = Counter(standing.counts)
    left = list(candidates)
    chosen: list[Choice] = []
    while left and len(chosen) < places:
        candidate = min(left, key=lambda each: counts[rarest_class(each, counts) or ""])
        name = rarest_class(candidate, counts)
        if name is None:
            break
        ordinal = counts[name] + 1
        chosen.append(
            Choice(candidate, rarity(name, counts), f"the model says {name}; it would be label {ordinal} of it")
        )
        counts.update({defect.class_name for defect in candidate.defects})
        left.remove(candidate)
    return chosen


def _diversity(candidates: Sequence[Candidate], places: int, standing: Standing) -> list[Choice]:
    """Among the most uncertain, those that cover the others' looks best, today's other picks counted as covered."""
    described = standing.descriptors.of
    uncertain = sorted(candidates, key=lambda each: -_closeness(each))[: places * UNCERTAIN_PER_PLACE]
    centers = [described[inspection_id] for inspection_id in standing.picked if inspection_id in described]
    points = np.stack([described[each.inspection_id] for each in uncertain])
    covered = np.stack(centers) if centers else points[:0]
    among = f"among the {len(uncertain)} most uncertain"
    return [
        Choice(
            uncertain[position],
            distance if math.isfinite(distance) else 0.0,
            f"shows what today's other picks do not, {among}"
            + (f": {distance:.3f} from the nearest pick" if math.isfinite(distance) else ""),
        )
        for position, distance in spread_out(points, places, centers=covered)
    ]


def _novelty(candidates: Sequence[Candidate], places: int, standing: Standing) -> list[Choice]:
    described = standing.descriptors
    points = np.stack([described.of[each.inspection_id] for each in candidates])
    distances = nearest_distances(points, described.labelled)
    order = np.argsort(-distances, kind="stable")[:places]
    return [
        Choice(
            candidates[int(position)],
            float(distances[position]),
            f"looks new: {distances[position]:.3f} from the nearest of {len(described.labelled)} labelled images",
        )
        for position in order
    ]


def _closeness(candidate: Candidate) -> float:
    margin = margin_of(candidate)
    return 0.0 if margin is None else margin.closeness


def _is_described(candidate: Candidate, descriptors: Descriptors) -> bool:
    return candidate.inspection_id in descriptors.of


_IS_ABLE: Mapping[PickReason, Callable[[Candidate, Descriptors], bool]] = MappingProxyType(
    {
        PickReason.NEAR_THRESHOLD: lambda candidate, _: margin_of(candidate) is not None,
        PickReason.DISAGREEMENT: lambda candidate, _: bool(candidate.disagreements),
        PickReason.RARE_CLASS: lambda candidate, _: bool(candidate.defects),
        PickReason.DIVERSITY: _is_described,
        PickReason.NOVELTY: _is_described,
    }
)
_CHOOSE: Mapping[PickReason, Callable[[Sequence[Candidate], int, Standing], list[Choice]]] = MappingProxyType(
    {
        PickReason.NEAR_THRESHOLD: _near_threshold,
        PickReason.DISAGREEMENT: _disagreement,
        PickReason.RARE_CLASS: _rare_class,
        PickReason.DIVERSITY: _diversity,
        PickReason.NOVELTY: _novelty,
    }
)
