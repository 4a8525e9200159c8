"""How the day's places are divided among the reasons to look at a part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields

from lineside.datasets.errors import QueueRefused
from lineside.datasets.sampling.records import PickReason

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueShares:
    """Shares of the places that audits and operator reports leave, together 1.

    The defaults keep the proportion of 30 places by score (near the threshold, disagreement, rare classes) to 10 for
    diversity and 10 for novelty. They are a judgement, not a measured optimum: compare the reasons on your own line
    (`python -m benchmarks label_queue` does so on the virtual one). The audits are the random half of the day's work;
    the random arm adds flagged parts to it, which no audit draws.

    Attributes:
        random: by lot from all candidates, with a known chance: the only picks here that may judge a model.
        near_threshold: whose best score lies nearest to its threshold, as many above as below.
        disagreement: of which two looks say different things.
        rare_class: of which the model says a class that has few labels.
        diversity: that show most different things among the uncertain.
        novelty: that show what is farthest from everything labelled.
    """

    random: float = 0.2
    near_threshold: float = 0.25
    disagreement: float = 0.13
    rare_class: float = 0.1
    diversity: float = 0.16
    novelty: float = 0.16

    def __post_init__(self) -> None:
        """Refuse shares that are none.

        Raises:
            QueueRefused: a share below 0, or a sum that is not 1.
        """
        for reason, share in self.by_reason.items():
            if not (math.isfinite(share) and share >= 0):
                raise QueueRefused(f"the share of {reason} is {share}; expected a number from 0 to 1")
        total = sum(self.by_reason.values())
        if abs(total - 1) > _TOLERANCE:
            raise QueueRefused(f"the shares of the queue add up to {total:g}; expected 1")

    @classmethod
    def of(cls, shares: Mapping[str, float]) -> "QueueShares":
        """From shares by name, e.g. of options; a reason that is not named gets none.

        Raises:
            QueueRefused: an unknown name, or shares that are none.
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(shares) - set(known))
        if unknown:
            raise QueueRefused(f"no places can be shared out to {', '.join(unknown)}; expected {', '.join(known)}")
        return cls(**{name: shares.get(name, 0.0) for name in known})

    @property
    def by_reason(self) -> dict[PickReason, float]:
        """The shares by reason."""
        return {PickReason(field.name): getattr(self, field.name) for field in fields(self)}


def share_out(
    places: int, shares: Mapping[PickReason, float], capacity: Mapping[PickReason, int]
) -> dict[PickReason, int]:
    """Divide places by shares, none getting more than it can use.

    What a reason cannot use goes to the others in proportion to their shares, again and again until nothing is left
    or nobody can use more. Fractions go to the largest remainder, at a tie to the reason named first.

    Args:
        places: how many there are.
        shares: by reason, at least 0; only their proportion counts.
        capacity: by reason, how many it can use at most.
    """
    given = dict.fromkeys(shares, 0)
    while True:
        open_ones = [reason for reason in shares if shares[reason] > 0 and given[reason] < capacity.get(reason, 0)]
        left = places - sum(given.values())
        if not open_ones or left <= 0:
            return given
        total = sum(shares[reason] for reason in open_ones)
        exact = {reason: left * shares[reason] / total for reason in open_ones}
        more = {reason: math.floor(exact[reason]) for reason in open_ones}
        by_remainder = sorted(open_ones, key=lambda reason: more[reason] - exact[reason])
        for reason in by_remainder[: left - sum(more.values())]:
            more[reason] += 1
        for reason in open_ones:
            given[reason] = min(given[reason] + more[reason], capacity[reason])
