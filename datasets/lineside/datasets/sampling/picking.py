"""The day's queue: which inspections a person should look at, and why; pure, and reproducible by its seed.

1. Operator reports, then audit draws, take places first, whatever any score says; where they do not all fit, a keyed
   hash decides which wait for tomorrow.
2. The places that are left are shared out (`share_out`). What a reason without enough candidates cannot use goes to
   the others in proportion to their shares.
3. The random arm draws before the others choose, from the candidates that are no audit draw, reported and copied ones
   too. Where the images of some parts are kept for sure and those of others by a share, it first lets as large a share
   of the former go by: then every part that the line made has the same chance, and the arm is a sample of the line.
4. The others choose among what is left, copies excluded, the scarcest reason first. Ties, and all drawing, go by the
   keyed hash of seed and inspection, so the order of the candidates is without influence.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lineside.datasets.errors import QueueRefused
from lineside.datasets.sampling.choosing import Standing, able, choose
from lineside.datasets.sampling.descriptors import NO_DESCRIPTORS, Descriptors
from lineside.datasets.sampling.records import Candidate, DroppedCopy, Pick, PickReason, QueuePlan
from lineside.datasets.sampling.shares import QueueShares, share_out

_CHOOSING = (
    PickReason.DISAGREEMENT,
    PickReason.RARE_CLASS,
    PickReason.NEAR_THRESHOLD,
    PickReason.DIVERSITY,
    PickReason.NOVELTY,
)
"""The reasons that choose, in the order in which they do: what fits few parts before what fits most."""

_ORDER = "lineside.queue"
_KEPT = "lineside.queue-kept"


def pick(
    candidates: Iterable[Candidate],
    *,
    budget: int,
    shares: QueueShares,
    seed: int,
    labelled_counts: Mapping[str, int] | None = None,
    descriptors: Descriptors = NO_DESCRIPTORS,
    dropped: Sequence[DroppedCopy] = (),
) -> QueuePlan:
    """Plan the queue; the same candidates, budget, shares and seed give the same one in whatever order they come.

    Args:
        candidates: what may be picked.
        budget: how many inspections a person can read, audits and operator reports among them.
        shares: of the places that those two leave.
        seed: of every draw and every tie.
        labelled_counts: labelled images by class, so that a rare class is known by its labels; None counts from 0.
        descriptors: of the images; without any, diversity and novelty give their places away.
        dropped: copies of others, which only a report, an audit or the random arm may still take.

    Raises:
        QueueRefused: a budget below 0, or two candidates of one id.
    """
    if budget < 0:
        raise QueueRefused(f"the budget is {budget}; expected how many inspections a person can read, 0 or more")
    everything = _in_drawing_order(candidates, seed)
    audits = [each for each in everything if each.audit_probability is not None]
    population = [each for each in everything if each.audit_probability is None]
    reports = [each for each in population if each.is_reported]
    first = [*reports, *audits][:budget]
    copies = {copy.inspection_id for copy in dropped}
    choosable = [each for each in population if not each.is_reported and each.inspection_id not in copies]
    lot = _alike(population, seed)
    places = _places(budget - len(first), shares, len(lot), choosable, descriptors)
    draw = _Draw(places[PickReason.RANDOM], len(lot), min((each.kept_probability or 1.0 for each in lot), default=1.0))
    drawn = {each.inspection_id: draw for each in lot[: draw.places]}
    picks = [_first_pick(candidate, drawn) for candidate in first]
    taken = {made.inspection_id for made in picks}
    picks += [
        Pick(inspection_id, PickReason.RANDOM, draw.chance, None, draw.sentence)
        for inspection_id, draw in drawn.items()
        if inspection_id not in taken
    ]
    picks += _chosen_picks(choosable, picks, budget, places, shares, Counter(labelled_counts or {}), descriptors)
    return QueuePlan(
        picks=tuple(picks),
        dropped=tuple(dropped),
        places=places,
        notes=tuple(_notes(budget, picks, reports, audits, len(everything))),
    )


@dataclass(frozen=True, slots=True)
class _Draw:
    """A simple random sample without replacement, of parts whose images were kept with one chance."""

    places: int
    population: int
    kept: float

    @property
    def chance(self) -> float:
        return self.kept * self.places / self.population

    @property
    def sentence(self) -> str:
        kept = "" if self.kept == 1.0 else f"; images are kept with a chance of {self.kept:.3g}"
        return f"drawn by lot, {self.places} of {self.population} candidates{kept}"


def _alike(candidates: Sequence[Candidate], seed: int) -> list[Candidate]:
    """Those of the candidates that, kept or not, had one chance to be here: what was kept more often is thinned.

    A candidate that no draw kept is left out.
    """
    least = min((each.kept_probability for each in candidates if each.kept_probability is not None), default=1.0)
    return [
        each
        for each in candidates
        if each.kept_probability is not None and _uniform(each, seed, _KEPT) * each.kept_probability < least
    ]


def _in_drawing_order(candidates: Iterable[Candidate], seed: int) -> list[Candidate]:
    """By a keyed hash of the id: an order that nothing about a part influences, and no order of arrival."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        if found.setdefault(candidate.inspection_id, candidate) is not candidate:
            raise QueueRefused(f"two candidates have the id {candidate.inspection_id!r}; expected each once")

    return sorted(found.values(), key=lambda candidate: _hash(candidate, seed, _ORDER))


def _hash(candidate: Candidate, seed: int, purpose: str) -> bytes:
    return hashlib.sha256(f"{purpose}/1\0{seed}\0{candidate.inspection_id}".encode()).digest()


def _uniform(candidate: Candidate, seed: int, purpose: str) -> float:
    """A number in [0, 1), its own for each purpose."""
    return (int.from_bytes(_hash(candidate, seed, purpose)[:8], "big") >> 11) / 2.0**53


def _first_pick(candidate: Candidate, drawn: Mapping[str, _Draw]) -> Pick:
    """A report or an audit draw; a report that the random arm drew as well is a draw, and stays one in the figures."""
    said = f"somebody said that the verdict {candidate.verdict} is wrong"
    also = f"; {said}" if candidate.is_reported else ""
    if candidate.audit_probability is not None:
        chance = candidate.audit_probability
        why = f"drawn by the audit, which takes {chance:.3g} of the passed parts{also}"
        return Pick(candidate.inspection_id, PickReason.AUDIT, chance, None, why)
    if candidate.inspection_id in drawn:
        draw = drawn[candidate.inspection_id]
        return Pick(candidate.inspection_id, PickReason.RANDOM, draw.chance, None, draw.sentence + also)
    return Pick(candidate.inspection_id, PickReason.OPERATOR_REPORT, None, None, said)


def _places(
    left: int,
    shares: QueueShares,
    population: int,
    choosable: Sequence[Candidate],
    descriptors: Descriptors,
) -> dict[PickReason, int]:
    """The places of each reason, settled before anything is drawn, so that the chance of a draw is known."""
    fitting = {reason: able(reason, choosable, descriptors) for reason in _CHOOSING}
    capacity = {reason: len(found) for reason, found in fitting.items()}
    places = share_out(left, shares.by_reason, {**capacity, PickReason.RANDOM: population})
    wanted = [reason for reason in _CHOOSING if shares.by_reason[reason] > 0]
    reachable = len({each.inspection_id for reason in wanted for each in fitting[reason]})
    if shares.random > 0 and sum(places[reason] for reason in _CHOOSING) > reachable:
        # One part may fit several reasons and is picked for one only, so the chosen ones cannot use all their places.
        places = share_out(reachable, {reason: shares.by_reason[reason] for reason in _CHOOSING}, capacity)
        places[PickReason.RANDOM] = min(left - reachable, population)
    return places


def _chosen_picks(
    choosable: Sequence[Candidate],
    before: Sequence[Pick],
    budget: int,
    places: Mapping[PickReason, int],
    shares: QueueShares,
    counts: Counter[str],
    descriptors: Descriptors,
) -> list[Pick]:
    """What the reasons choose that look at a part; places that one cannot fill go to the others by their shares."""
    by_id = {each.inspection_id: each for each in choosable}
    picked = [made.inspection_id for made in before]
    for inspection_id in picked:
        if inspection_id in by_id:
            counts.update({defect.class_name for defect in by_id[inspection_id].defects})
    chosen: list[Pick] = []
    left = budget - len(before)
    shared = {reason: places[reason] for reason in _CHOOSING}
    while any(shared.values()):
        for reason in _CHOOSING:
            free = _free(choosable, picked)
            made = choose(
                reason, able(reason, free, descriptors), shared[reason], Standing(counts, descriptors, picked)
            )
            for choice in made:
                chosen.append(Pick(choice.candidate.inspection_id, reason, None, choice.score, choice.why))
                picked.append(choice.candidate.inspection_id)
                counts.update({defect.class_name for defect in choice.candidate.defects})
        free = _free(choosable, picked)
        capacity = {reason: len(able(reason, free, descriptors)) for reason in _CHOOSING}
        shared = share_out(left - len(chosen), {reason: shares.by_reason[reason] for reason in _CHOOSING}, capacity)
    return chosen


def _free(candidates: Sequence[Candidate], picked: Collection[str]) -> list[Candidate]:
    taken = set(picked)
    return [each for each in candidates if each.inspection_id not in taken]


def _notes(
    budget: int, picks: Sequence[Pick], reports: Sequence[Candidate], audits: Sequence[Candidate], candidates: int
) -> Iterable[str]:
    taken = {made.inspection_id for made in picks}
    for name, group in (("operator reports", reports), ("audit draws", audits)):
        waiting = sum(each.inspection_id not in taken for each in group)
        if waiting:
            yield f"{waiting} of {len(group)} {name} wait for the next queue: the budget of {budget} is used up"
    empty = budget - len(picks)
    if empty and candidates > len(picks):
        yield (
            f"{empty} place(s) stay empty: of the {candidates - len(picks)} candidates left, none has what the shares "
            "ask for (a score, a disagreement, a defect, a descriptor), or they are copies"
        )
