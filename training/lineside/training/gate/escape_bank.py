"""The escape bank: parts that once got away must not get away again."""

from collections.abc import Sequence

from lineside.training.gate.criteria import Criterion, Outcome
from lineside.training.gate.pairs import PairedPart, Scope

_NAMED = 5
"""Part ids that a message names; the rest is counted."""


def escape_bank_criterion(
    bank: Sequence[PairedPart] | None, scope: Scope, *, is_required: bool, is_first: bool
) -> Criterion:
    """No part of the bank gets away that the live model stops; without a live model none at all.

    A part of the bank concerns every line of its product, and every scope if it names no product: a defect that got
    away on one line can come on the next.

    Args:
        bank: every part of the bank, defective by its nature; None if no bank was given.
        scope: what is judged.
        is_required: no bank blocks the promotion.
        is_first: nothing is live.
    """
    title = "No escape on the escape bank" if is_first else "No new escape on the escape bank"
    of_scope = [part for part in bank or () if _concerns(part, scope)]
    if not of_scope:
        known = "no escape bank was given" if bank is None else f"the bank of {len(bank)} parts has none for {scope}"
        return Criterion(
            id="escape_bank",
            title=title,
            outcome=Outcome.NOT_SHOWN,
            blocks=is_required,
            limit=0.0,
            detail=known,
            counts={"parts": 0},
        )
    missed = [part for part in of_scope if part.candidate_misses]
    new = [part.candidate.part_id for part in missed if not part.live_misses]
    known_ones = len(missed) - len(new)
    said = (
        f"{len(new)} of {len(of_scope)} parts get away that live stops"
        if not is_first
        else (f"{len(new)} of {len(of_scope)} parts get away")
    )
    if new:
        said += f": {', '.join(new[:_NAMED])}{' ...' if len(new) > _NAMED else ''}"
    if known_ones:
        said += f"; {known_ones} get away with live too"
    return Criterion(
        id="escape_bank",
        title=title,
        outcome=Outcome.FAILED if new else Outcome.PASSED,
        blocks=bool(new),
        figure=float(len(new)),
        limit=0.0,
        detail=said,
        counts={"parts": len(of_scope), "new": len(new), "known": known_ones},
    )


def _concerns(part: PairedPart, scope: Scope) -> bool:
    return part.is_defective and (not part.scope.product or not scope.product or part.scope.product == scope.product)
