"""Showings of a known part: a station that shows a master sample again and again gives each showing a name of its own.

A part is judged once under its name, so a station names each showing of `MASTER` by that, a point and twelve
hexadecimal digits. It is known to be what `MASTER` is from its first record on, and in no rate.
"""

import re
from typing import Final

from lineside.serving.errors import UnknownKnownPart
from lineside.serving.known_parts import store
from lineside.serving.known_parts.schemas import KnownPartIn
from lineside.serving.ledger import Transaction

_SHOWING: Final = re.compile(r"(?P<part>.+)\.[0-9a-f]{12}")


def note_showing(transaction: Transaction, part_id: str) -> None:
    """Say of a part that is a known part's showing what that part is; of every other one, nothing.

    Args:
        transaction: the one that records its inspection.
        part_id: of the inspection.
    """
    match = _SHOWING.fullmatch(part_id)
    if match is None:
        return
    try:
        known = store.get(transaction.connection, transaction.plant, match["part"])
    except UnknownKnownPart:
        return
    said = KnownPartIn(
        truth=known.truth, classes=known.classes, valid_until=known.valid_until, note=f"a showing of {known.part_id}"
    )
    store.put(transaction, part_id, said, recorded_by=known.recorded_by)
