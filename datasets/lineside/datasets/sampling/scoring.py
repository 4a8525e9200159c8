"""How a candidate ranks for each reason that looks at scores; pure numbers, larger first."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lineside.datasets.sampling.records import Candidate, Disagreement

_LEAST_SHARE = 1e-4
"""Scores and thresholds nearer to 0 or 1 are taken for this, so that their log odds stay finite."""


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a part's verdict is from the other one.

    Attributes:
        log_odds: of the score less those of the threshold: 0 on it, negative below. A score of .2 lies as far from
            a threshold of .1 as one of .02 from .009, which a difference of scores would not say.
        score: the score that decides.
        threshold: the one it is compared with.
        class_name: whose threshold that is; of an OK part, the nearest one above, for its score has no class.
    """

    log_odds: float
    score: float
    threshold: float
    class_name: str

    @property
    def closeness(self) -> float:
        """1 on the threshold, falling to 0 away from it."""
        return math.exp(-abs(self.log_odds))

    @property
    def sentence(self) -> str:
        """In words, for a person."""
        side = "below" if self.log_odds < 0 else "above"
        return (
            f"its surest score, {self.score:.3f}, lies {side} the threshold {self.threshold:.3f} of {self.class_name}"
        )


def margin_of(candidate: Candidate) -> Margin | None:
    """The margin of the score on which the verdict hangs; None where there is no score or no threshold.

    Of an NG part that is the defect farthest above its class's threshold: with it the part would still be NG if all
    others went. Of an OK part it is the best score of any view against the nearest threshold that it does not reach;
    where it reaches them all (a defect too small to count) against the nearest.
    """
    if candidate.defects:
        margins = [
            _margin(defect.confidence, candidate.thresholds[defect.class_name], defect.class_name)
            for defect in candidate.defects
            if defect.class_name in candidate.thresholds
        ]
        return max(margins, key=lambda margin: (margin.log_odds, margin.class_name), default=None)
    peaks = [view.peak_score for view in candidate.views if view.peak_score is not None]
    if not peaks or not candidate.thresholds:
        return None
    margins = [_margin(max(peaks), threshold, name) for name, threshold in candidate.thresholds.items()]
    not_reached = [margin for margin in margins if margin.score < margin.threshold]
    return min(not_reached or margins, key=lambda margin: (abs(margin.log_odds), margin.class_name))


def strongest_disagreement(candidate: Candidate) -> Disagreement | None:
    """The one with the largest strength; None where all looks agree."""
    return max(candidate.disagreements, key=lambda each: (each.strength, each.between), default=None)


def rarest_class(candidate: Candidate, counts: Mapping[str, int]) -> str | None:
    """The class of its defects with the fewest labels; None where it has no defect."""
    names = {defect.class_name for defect in candidate.defects}
    return min(names, key=lambda name: (counts.get(name, 0), name), default=None)


def rarity(class_name: str, counts: Mapping[str, int]) -> float:
    """1 / sqrt(n) for the n-th example of a class."""
    return 1.0 / math.sqrt(counts.get(class_name, 0) + 1)


def _margin(score: float, threshold: float, class_name: str) -> Margin:
    return Margin(_log_odds(score) - _log_odds(threshold), score, threshold, class_name)


def _log_odds(share: float) -> float:
    bounded = min(max(share, _LEAST_SHARE), 1 - _LEAST_SHARE)
    return math.log(bounded / (1 - bounded))
