"""What the ledger saw of a station's parts in a time: every attempt, what people said of it, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.dispositions.schemas import DispositionKind
from lineside.serving.errors import ScenarioRefused
from lineside.serving.inspections.submission import Cause
from lineside.serving.ledger.rate_tables import known_parts, standings
from lineside.serving.ledger.tables import dispositions, frames, inspections
from lineside.serving.reviews import ReviewStanding

MOST_ATTEMPTS: Final = 250_000
"""In the time that the inputs are measured over; some 100 MB while they are read."""

_AT_ONCE: Final = 500

_DEFECTIVE: Final = frozenset({ReviewStanding.CONFIRMED, ReviewStanding.CORRECTED, ReviewStanding.ESCAPE})


@dataclass(frozen=True, slots=True)
class SeenAttempt:
    """One attempt of one part.

    Attributes:
        part_id: whose.
        attempt: its number.
        cause: why it was made.
        verdict: what came of it; None while it is open.
        opened_at: when its first view came, aware UTC.
        judged_at: None while it is open.
        took_s: from its first view's coming to its verdict, by the server's monotonic clock; None where it took no time
            of its own: open, or judged by the station.
        threshold: the one confidence from which every class counted; None where they differ or nothing is known.
        release_digest: of the release that judged.
        product: of the part.
        is_defective: what people's reading of a random draw says of the part; None if it was not read so.
        probability: of that draw.
        score: the surest score of the model; only of those that were read.
        dispositions: what happened to the part afterwards.
    """

    part_id: str
    attempt: int
    cause: Cause
    verdict: Verdict | None
    opened_at: datetime
    judged_at: datetime | None
    took_s: float | None
    threshold: float | None
    release_digest: str | None
    product: str | None
    is_defective: bool | None
    probability: float
    score: float | None
    dispositions: frozenset[DispositionKind]


def attempts_between(
    connection: Connection,
    plant: str,
    station: str,
    *,
    start: datetime,
    end: datetime,
    product: str | None,
    is_simulated: bool,
) -> Sequence[SeenAttempt]:
    """A station's attempts in the order of their coming.

    Args:
        connection: where to read.
        plant: whose.
        station: where.
        start: aware; opened from then on.
        end: aware; and before that.
        product: only of this product; None for all.
        is_simulated: parts of a simulated line, or of a real one; never of both.

    Raises:
        ScenarioRefused: there are more than are read at once.
    """
    row = inspections.c
    conditions = [
        row.plant == plant,
        row.station == station,
        row.opened_at >= start,
        row.opened_at < end,
        row.is_simulated == is_simulated,
    ]
    if product is not None:
        conditions.append(row.product == product)
    number = connection.execute(select(func.count()).select_from(inspections).where(*conditions)).scalar_one()
    if number > MOST_ATTEMPTS:
        raise ScenarioRefused(
            f"{number:,} attempts at station {station!r} in that time; expected at most {MOST_ATTEMPTS:,}: learn from "
            "fewer hours"
        )
    known = known_parts
    query = (
        select(
            row.id,
            row.part_id,
            row.attempt,
            row.cause,
            row.verdict,
            row.opened_at,
            row.judged_at,
            row.judged_by,
            row.timings,
            row.thresholds,
            row.release_digest,
            row.product,
            row.audit,
            row.audit_probability,
            row.confirmation,
            row.confirmation_probability,
            standings.c.standing,
            standings.c.audited,
            known.c.truth,
        )
        .select_from(inspections)
        .outerjoin(standings, standings.c.inspection_id == row.id)
        .outerjoin(
            known,
            and_(
                known.c.plant == row.plant,
                known.c.part_id == row.part_id,
                or_(known.c.valid_until.is_(None), row.opened_at < known.c.valid_until),
            ),
        )
        .where(*conditions)
        .order_by(row.opened_at, row.id)
    )
    rows: Sequence[Any] = connection.execute(query).all()
    read = {found.id: is_defective for found in rows if (is_defective := _is_defective(found)) is not None}
    scores = _scores(connection, tuple(read))
    happened = _dispositions(connection, tuple(found.id for found in rows if found.verdict == Verdict.NG.value))
    return [
        _seen(
            found,
            is_defective=read.get(found.id),
            score=scores.get(found.id),
            happened=happened.get(found.id, frozenset()),
        )
        for found in rows
    ]


def _is_defective(row: Row[Any]) -> bool | None:
    """What a random draw's reading says: of flagged parts drawn for confirmation, of passed ones drawn for audit."""
    if row.standing is None or row.truth is not None:  # parts of known truth are no random ones
        return None
    standing, is_ng = ReviewStanding(row.standing), row.verdict == Verdict.NG.value
    is_drawn = row.confirmation if is_ng else (row.verdict == Verdict.OK.value and row.audit and row.audited)
    if not is_drawn or standing in {ReviewStanding.UNREVIEWED, ReviewStanding.UNRESOLVED}:
        return None
    if not is_ng and standing is ReviewStanding.CONFIRMED:
        return False  # its OK was confirmed
    return standing in _DEFECTIVE


def _scores(connection: Connection, inspection_ids: Sequence[str]) -> dict[str, float]:
    """The surest score of any view, by inspection."""
    scores: dict[str, float] = {}
    for first in range(0, len(inspection_ids), _AT_ONCE):
        some = inspection_ids[first : first + _AT_ONCE]
        rows = connection.execute(
            select(frames.c.inspection_id, frames.c.measures).where(frames.c.inspection_id.in_(some))
        )
        for inspection_id, measures in rows:
            peak = (measures or {}).get("peak_score")
            if peak is not None:
                scores[inspection_id] = max(peak, scores.get(inspection_id, 0.0))
    return scores


def _dispositions(connection: Connection, inspection_ids: Sequence[str]) -> dict[str, frozenset[DispositionKind]]:
    happened: dict[str, frozenset[DispositionKind]] = {}
    for first in range(0, len(inspection_ids), _AT_ONCE):
        some = inspection_ids[first : first + _AT_ONCE]
        rows = connection.execute(
            select(dispositions.c.inspection_id, dispositions.c.kind).where(dispositions.c.inspection_id.in_(some))
        )
        for inspection_id, kind in rows:
            happened[inspection_id] = happened.get(inspection_id, frozenset()) | {DispositionKind(kind)}
    return happened


def _seen(
    row: Row[Any], *, is_defective: bool | None, score: float | None, happened: frozenset[DispositionKind]
) -> SeenAttempt:
    is_ng = row.verdict == Verdict.NG.value
    thresholds = {float(value) for value in row.thresholds.values()}
    return SeenAttempt(
        part_id=row.part_id,
        attempt=row.attempt,
        cause=Cause(row.cause),
        verdict=None if row.verdict is None else Verdict(row.verdict),
        opened_at=row.opened_at,
        judged_at=row.judged_at,
        took_s=_took_s(row),
        threshold=thresholds.pop() if len(thresholds) == 1 else None,
        release_digest=row.release_digest,
        product=row.product,
        is_defective=is_defective,
        probability=(row.confirmation_probability if is_ng else row.audit_probability) or 1.0,
        score=score,
        dispositions=happened,
    )


def _took_s(row: Row[Any]) -> float | None:
    """By the wall clock only where nothing else was written down, and not where that was set back meanwhile."""
    if row.judged_by != "server" or row.judged_at is None:
        return None
    took_ms = row.timings.get("to_verdict")
    if took_ms is not None:
        return float(took_ms) / 1000.0
    took_s = float((row.judged_at - row.opened_at).total_seconds())
    return took_s if took_s >= 0.0 else None
