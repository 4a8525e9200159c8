"""Was the candidate trained on what judges it? Then its figures say nothing."""

from dataclasses import dataclass

from lineside.training.gate.criteria import Criterion, Outcome

_NAMED = 5
"""Leaks that a message names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class LeakCheck:
    """What a search for judging images among the training images found.

    Attributes:
        revisions: ids of the training revisions that were searched, the candidate's own first.
        unknown: what could not be searched, in words: revisions that are not in the store, parents nobody knows.
        leaks: each shared part, image, ancestor or look-alike, in words.
        has_generated: it, or what it descends from, learnt from generated images; these cannot leak.
    """

    revisions: tuple[str, ...]
    unknown: tuple[str, ...]
    leaks: tuple[str, ...]
    has_generated: bool = False


def leak_criterion(check: LeakCheck) -> Criterion:
    """No image that judges the candidate took part in its training: by part, by digest, by look.

    Training data that cannot be found shows nothing, and blocks.
    """
    if check.leaks:
        outcome = Outcome.FAILED
        said = (
            f"{len(check.leaks)} leaks: {'; '.join(check.leaks[:_NAMED])}{' ...' if len(check.leaks) > _NAMED else ''}"
        )
    elif check.unknown or not (check.revisions or check.has_generated):
        outcome = Outcome.NOT_SHOWN
        said = f"not searched: {'; '.join(check.unknown) or 'the candidate names no training data'}"
    else:
        outcome = Outcome.PASSED
        searched = [each[:12] for each in check.revisions] + (["generated images"] if check.has_generated else [])
        said = f"searched what it learnt from: {', '.join(searched)}"
    return Criterion(
        id="leaks",
        title="Nothing that judges the candidate was trained on",
        outcome=outcome,
        blocks=outcome is not Outcome.PASSED,
        figure=float(len(check.leaks)),
        limit=0.0,
        detail=said,
        counts={"revisions": len(check.revisions), "leaks": len(check.leaks), "unknown": len(check.unknown)},
    )
