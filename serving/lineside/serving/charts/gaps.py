"""How many parts, and how much time, lie between one confirmed defective part and the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select

from lineside.inspection.verdict import Verdict
from lineside.serving.ledger.rate_tables import known_parts, standing_classes, standings
from lineside.serving.ledger.tables import inspections
from lineside.serving.rates.cells import QUARTER, Lane
from lineside.serving.rates.store import Question
from lineside.serving.reviews import ReviewStanding

MOST_DEFECTIVES: Final = 500
"""Of one chart, the newest: each has parts of its quarter of an hour counted one by one."""

_DEFECTIVE: Final = (ReviewStanding.CONFIRMED.value, ReviewStanding.CORRECTED.value)


@dataclass(frozen=True, slots=True)
class Defective:
    """A part that was called, and confirmed as defective.

    Attributes:
        part_id: which.
        opened_at: when it was inspected, aware UTC.
        place: how many parts were inspected in the chart's span up to and with it.
    """

    part_id: str
    opened_at: datetime
    place: int


@dataclass(frozen=True, slots=True)
class Defectives:
    """The confirmed defective parts of a span.

    Attributes:
        found: oldest first; the newest `MOST_DEFECTIVES`.
        is_cut: there were more.
        inspected: parts of the span.
        unsettled_from: when the first call was inspected that nobody has settled: from there on the gaps may still be
            split; None where all are settled.
    """

    found: tuple[Defective, ...]
    is_cut: bool
    inspected: int
    unsettled_from: datetime | None


def read_defectives(connection: Connection, question: Question) -> Defectives:
    """The confirmed defective parts of a span, each with its place among all inspected ones.

    The parts before its quarter of an hour are added up from the cells, those in it are counted one by one.

    Args:
        connection: a snapshot.
        question: which parts; a release is not looked at.
    """
    per_quarter = _inspected_by_quarter(connection, question)
    before: dict[datetime, int] = {}
    total = 0
    for start in sorted(per_quarter):
        before[start] = total
        total += per_quarter[start]
    row = inspections.c
    rows = connection.execute(
        select(row.id, row.part_id, row.opened_at)
        .join(standings, standings.c.inspection_id == row.id)
        .where(*_conditions(question), standings.c.standing.in_(_DEFECTIVE), *_has_class(question))
        .order_by(row.opened_at.desc(), row.id.desc())
        .limit(MOST_DEFECTIVES + 1)
    ).all()
    kept = rows[:MOST_DEFECTIVES][::-1]
    found: list[Defective] = []
    for each in kept:
        place = before.get(QUARTER.floor(each.opened_at), total) + _place_in_quarter(connection, question, each)
        if found:  # cells may be some seconds behind the inspections: two parts are never at one place
            place = max(place, found[-1].place + 1)
        found.append(Defective(each.part_id, each.opened_at, place))
    return Defectives(tuple(found), len(rows) > MOST_DEFECTIVES, total, _unsettled_from(connection, question))


def _inspected_by_quarter(connection: Connection, question: Question) -> dict[datetime, int]:
    wanted, cell = question.wanted, QUARTER.cells.c
    query = (
        select(cell.start, func.sum(cell.parts).label("parts"))
        .where(
            cell.plant == question.plant,
            cell.station.in_(question.stations),
            cell.start >= wanted.start,
            cell.start < wanted.end,
            cell.lane == Lane.PRODUCTION.value,
            cell.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
            cell.is_simulated == wanted.is_simulated,
        )
        .group_by(cell.start)
    )
    if wanted.lot is not None:
        query = query.where(cell.lot == wanted.lot)
    if wanted.product is not None:
        query = query.where(cell.product == wanted.product)
    return {row.start: int(row.parts) for row in connection.execute(query)}


def _place_in_quarter(connection: Connection, question: Question, defective: Any) -> int:
    """How many parts of its quarter of an hour were inspected up to and with a part."""
    row = inspections.c
    earlier = or_(
        row.opened_at < defective.opened_at, and_(row.opened_at == defective.opened_at, row.id <= defective.id)
    )
    return connection.execute(
        select(func.count()).where(
            *_in_question(question),
            row.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
            row.opened_at >= QUARTER.floor(defective.opened_at),
            earlier,
        )
    ).scalar_one()


def _unsettled_from(connection: Connection, question: Question) -> datetime | None:
    row = inspections.c
    said = standings.c.standing
    first: datetime | None = connection.execute(
        select(func.min(row.opened_at))
        .outerjoin_from(inspections, standings, standings.c.inspection_id == row.id)
        .where(
            *_conditions(question),
            row.confirmation,
            or_(said.is_(None), said.in_((ReviewStanding.UNREVIEWED.value, ReviewStanding.UNRESOLVED.value))),
        )
    ).scalar_one()
    return first


def _conditions(question: Question) -> Sequence[Any]:
    row, wanted = inspections.c, question.wanted
    return (
        *_in_question(question),
        row.verdict == Verdict.NG.value,
        row.opened_at >= wanted.start,
        row.opened_at < wanted.end,
    )


def _in_question(question: Question) -> Sequence[Any]:
    """Production parts at their first judged attempt, of the stations, lot and product that are asked for."""
    row, wanted = inspections.c, question.wanted
    earlier = inspections.alias("earlier")
    judged_before = (
        select(earlier.c.id)
        .where(
            earlier.c.plant == row.plant,
            earlier.c.station == row.station,
            earlier.c.part_id == row.part_id,
            earlier.c.attempt < row.attempt,
            earlier.c.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
        )
        .exists()
    )
    known = (
        select(known_parts.c.part_id)
        .where(
            known_parts.c.plant == row.plant,
            known_parts.c.part_id == row.part_id,
            or_(known_parts.c.valid_until.is_(None), row.opened_at < known_parts.c.valid_until),
        )
        .exists()
    )
    conditions = [
        row.plant == question.plant,
        row.station.in_(question.stations),
        row.is_simulated == wanted.is_simulated,
        or_(row.attempt == 1, ~judged_before),
        ~known,
    ]
    if wanted.lot is not None:
        conditions.append(row.lot == wanted.lot)
    if wanted.product is not None:
        conditions.append(row.product == wanted.product)
    return conditions


def _has_class(question: Question) -> Sequence[Any]:
    if question.wanted.class_name is None:
        return ()
    return (
        select(standing_classes.c.inspection_id)
        .where(
            standing_classes.c.inspection_id == inspections.c.id,
            standing_classes.c.class_name == question.wanted.class_name,
        )
        .exists(),
    )
