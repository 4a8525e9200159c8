"""What a rate cell counts: one grouping of the inspections, the same for a quarter of an hour and for a full rescan.

A part counts once, at its first attempt at a station that ended OK or NG; NOT_INSPECTED counts where it was the first
attempt. Later attempts are counted beside. Which attempt that is never changes, since attempts come in order; what
changes is what people say of it, and that stands in `standings`.

| count | of a cell of verdict OK | of a cell of verdict NG |
|---|---|---|
| parts | passed parts | flagged parts |
| drawn | drawn for the audit | drawn for confirmation |
| read | of these settled, and read as an audit | of these settled |
| found | of these defective: escapes | of these defective: confirmed |
| defective | all that are settled as defective, however it was noticed | the same |
| false_calls, good | good: settled as good | false_calls: settled as good |
| unresolved | people disagree | the same |
| first_attempts | of `parts`, at attempt 1 | the same |
| later_attempts | further attempts of parts counted before | the same |
| defects, true_defects | reported by the detector (NG only); there according to the reviews | the same |
| defective_right ... good_wrong | readings held against what is known | the same |

Parts of known truth have lanes of their own, in which every attempt counts: each pass is a trial of the detector.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from lineside.inspection.verdict import Verdict
from lineside.serving.ledger import rate_tables
from lineside.serving.ledger.rate_tables import CLASS_COUNTS, PART_COUNTS, known_parts, standing_classes, standings
from lineside.serving.ledger.tables import defects, inspections
from lineside.serving.ledger.types import UtcDateTime
from lineside.serving.reviews import ReviewStanding

CODE_VERSION: Final = 3
"""Of what the cells mean; raise it when that changes, and every ledger's cells are made anew."""

KEY: Final = (
    "plant", "station", "start", "verdict", "lane", "probability", "product", "lot", "recipe_id", "recipe_version",
    "release_digest", "is_simulated",
)  # fmt: skip
CLASS_KEY: Final = (*KEY, "class_name")


class Lane(StrEnum):
    """Whether a part belongs to the production or is a test of the detector."""

    PRODUCTION = "production"
    KNOWN_DEFECTIVE = "known_defective"
    KNOWN_GOOD = "known_good"


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """Cells of one length.

    Attributes:
        name: "quarter", "hour" or "day".
        length: of a cell.
        cells: the table of part counts.
        class_cells: the table by defect class.
    """

    name: str
    length: timedelta
    cells: Table
    class_cells: Table

    def floor(self, instant: datetime) -> datetime:
        """The start of the cell that an aware instant lies in, UTC."""
        since = instant - _EPOCH
        return _EPOCH + since // self.length * self.length

    def starts_at(self, instant: datetime) -> bool:
        """Whether a cell starts at that instant."""
        return self.floor(instant) == instant


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER: Final = Tier(
    "quarter", timedelta(minutes=15), rate_tables.rate_cells_quarter, rate_tables.rate_class_cells_quarter
)
HOUR: Final = Tier("hour", timedelta(hours=1), rate_tables.rate_cells_hour, rate_tables.rate_class_cells_hour)
DAY: Final = Tier("day", timedelta(days=1), rate_tables.rate_cells_day, rate_tables.rate_class_cells_day)
TIERS: Final = (QUARTER, HOUR, DAY)
"""From the shortest to the longest; each starts where one of the next shorter does."""


class CellStart(FunctionElement[datetime]):
    """The start of the cell of a tier that a column's instant lies in."""

    inherit_cache = True
    type = UtcDateTime()

    def __init__(self, tier_name: str, instant: ColumnElement[datetime]) -> None:
        super().__init__(literal(tier_name), instant)


_SQLITE_FLOORS = {
    "quarter": "substr({0}, 1, 14) || printf('%02d', CAST(substr({0}, 15, 2) AS INTEGER) / 15 * 15) || ':00.000000Z'",
    "hour": "substr({0}, 1, 14) || '00:00.000000Z'",
    "day": "substr({0}, 1, 11) || '00:00:00.000000Z'",
}
_POSTGRES_FLOORS = {
    "quarter": "date_bin('15 minutes', {0}, TIMESTAMPTZ '2000-01-01 00:00:00+00')",
    "hour": "date_trunc('hour', {0}, 'UTC')",
    "day": "date_trunc('day', {0}, 'UTC')",
}


def _compiled_floor(element: CellStart, compiler: SQLCompiler, floors: dict[str, str], **options: Any) -> str:
    name, instant = element.clauses
    return "(" + floors[name.value].format(compiler.process(instant, **options)) + ")"


@compiles(CellStart, "sqlite")
def _floor_on_sqlite(element: CellStart, compiler: SQLCompiler, **options: Any) -> str:
    return _compiled_floor(element, compiler, _SQLITE_FLOORS, **options)


@compiles(CellStart, "postgresql")
def _floor_on_postgres(element: CellStart, compiler: SQLCompiler, **options: Any) -> str:
    return _compiled_floor(element, compiler, _POSTGRES_FLOORS, **options)


@dataclass(frozen=True, slots=True)
class Extent:
    """The inspections of one station opened in a span of time.

    Attributes:
        station: where.
        start: aware UTC, of a quarter of an hour.
        end: the same; not part of it.
    """

    station: str
    start: datetime
    end: datetime


def count_parts(plant: str, extent: Extent | None = None) -> Select[Any]:
    """The quarter cells of parts, from the inspections themselves; all of the plant if no extent is given."""
    attempts = _attempts(plant, extent)
    key = [attempts.c[name] for name in KEY]
    return select(*key, *(_sum(attempts.c[name]).label(name) for name in PART_COUNTS)).group_by(*key)


def count_classes(plant: str, extent: Extent | None = None) -> Select[Any]:
    """The quarter cells by defect class, from the inspections themselves.

    A part is flagged for a class if it is NG and the detector reported that class on it, and has the class if the
    reviews say so: `found` counts both together, `missed` those that have it without being flagged for it.
    """
    attempts = _attempts(plant, extent)
    pairs = _classes_of(attempts)
    is_flagged = and_(attempts.c.verdict == Verdict.NG.value, pairs.c.detected > 0)
    is_there = pairs.c.there > 0
    drawn, read, settled = attempts.c.drawn == 1, attempts.c.read == 1, attempts.c.settled == 1
    counted = {
        "parts": is_flagged,
        "drawn": and_(is_flagged, drawn),
        "read": and_(is_flagged, read),
        "found": and_(is_flagged, read, is_there),
        "missed": and_(read, is_there, or_(attempts.c.verdict != Verdict.NG.value, pairs.c.detected == 0)),
        "defective": is_there,
        "false_calls": and_(is_flagged, settled, pairs.c.there == 0),
    }
    sums = {
        **{name: _sum(_as_count(condition)) for name, condition in counted.items()},
        "defects": _sum(case((is_flagged, pairs.c.detected), else_=0)),
        "true_defects": _sum(pairs.c.there),
    }
    key = [*(attempts.c[name] for name in KEY), pairs.c.class_name]
    return (
        select(*key, *(sums[name].label(name) for name in CLASS_COUNTS))
        .join_from(attempts, pairs, pairs.c.inspection_id == attempts.c.inspection_id)
        .where(attempts.c.parts == 1)
        .group_by(*key)
    )


def add_up(source: Table, tier: Tier, *, by_class: bool = False) -> Select[Any]:
    """The cells of a longer tier, added up from those of a shorter one; narrow it with `where`."""
    key = {name: source.c[name] for name in (CLASS_KEY if by_class else KEY)}
    key["start"] = CellStart(tier.name, source.c.start)  # type: ignore[assignment]  # an expression, as good a key
    sums = [_sum(source.c[name]).label(name) for name in (CLASS_COUNTS if by_class else PART_COUNTS)]
    return select(*(column.label(name) for name, column in key.items()), *sums).group_by(*key.values())


def _attempts(plant: str, extent: Extent | None) -> Subquery:
    """Each judged attempt with its cell and with 0 or 1 (or a number of defects) for each count."""
    row = inspections.c
    is_ok, is_ng = row.verdict == Verdict.OK.value, row.verdict == Verdict.NG.value
    lane = case(
        (known_parts.c.truth == "defective", Lane.KNOWN_DEFECTIVE.value),
        (known_parts.c.truth == "good", Lane.KNOWN_GOOD.value),
        else_=Lane.PRODUCTION.value,
    )
    is_unit = _is_unit()
    is_drawn = or_(and_(is_ok, row.audit), and_(is_ng, row.confirmation))
    said = standings.c
    is_defective = or_(
        said.standing.in_((ReviewStanding.CORRECTED.value, ReviewStanding.ESCAPE.value)),
        and_(is_ng, said.standing == ReviewStanding.CONFIRMED.value),
    )
    is_good = or_(
        said.standing == ReviewStanding.FALSE_CALL.value, and_(is_ok, said.standing == ReviewStanding.CONFIRMED.value)
    )
    is_settled = or_(is_defective, is_good)
    is_read = and_(is_drawn, is_settled, or_(is_ng, said.audited))
    is_production = known_parts.c.truth.is_(None)
    is_seeded_bad, is_seeded_good = known_parts.c.truth == "defective", known_parts.c.truth == "good"
    defects_found = (
        select(func.count()).where(defects.c.inspection_id == row.id).correlate(inspections).scalar_subquery()
    )
    counted = {
        "parts": is_unit,
        "drawn": and_(is_unit, is_drawn),
        "read": and_(is_unit, is_read),
        "found": and_(is_unit, is_read, is_defective),
        "settled": and_(is_unit, is_settled),
        "defective": and_(is_unit, is_defective),
        "false_calls": and_(is_unit, is_ng, is_good),
        "good": and_(is_unit, is_ok, is_good),
        "unresolved": and_(is_unit, said.standing == ReviewStanding.UNRESOLVED.value),
        "first_attempts": and_(is_unit, row.attempt == 1),
    }
    numbers = {
        "later_attempts": case((is_unit, 0), else_=1),
        "defects": case((and_(is_unit, is_ng), defects_found), else_=0),
        "true_defects": case((is_unit, func.coalesce(said.true_defects, 0)), else_=0),
        "defective_right": case(
            (is_seeded_bad, func.coalesce(said.said_defective, 0)),
            (and_(is_production, is_defective), said.blind_right),
            else_=0,
        ),
        "defective_wrong": case(
            (is_seeded_bad, func.coalesce(said.said_good, 0)),
            (and_(is_production, is_defective), said.blind_wrong),
            else_=0,
        ),
        "good_right": case(
            (is_seeded_good, func.coalesce(said.said_good, 0)),
            (and_(is_production, is_good), said.blind_right),
            else_=0,
        ),
        "good_wrong": case(
            (is_seeded_good, func.coalesce(said.said_defective, 0)),
            (and_(is_production, is_good), said.blind_wrong),
            else_=0,
        ),
    }
    query = (
        select(
            row.id.label("inspection_id"),
            row.plant,
            row.station,
            CellStart("quarter", row.opened_at).label("start"),
            row.verdict,
            lane.label("lane"),
            case(
                (is_ok, func.coalesce(row.audit_probability, 0.0)),
                (is_ng, func.coalesce(func.nullif(row.confirmation_probability, 0.0), 1.0)),
                else_=0.0,
            ).label("probability"),
            func.coalesce(row.product, "").label("product"),
            func.coalesce(row.lot, "").label("lot"),
            func.coalesce(row.recipe_id, "").label("recipe_id"),
            func.coalesce(row.recipe_version, 0).label("recipe_version"),
            func.coalesce(row.release_digest, "").label("release_digest"),
            row.is_simulated,
            *(_as_count(condition).label(name) for name, condition in counted.items()),
            *(number.label(name) for name, number in numbers.items()),
        )
        .select_from(inspections)
        .outerjoin(standings, standings.c.inspection_id == row.id)
        .outerjoin(
            known_parts,
            and_(
                known_parts.c.plant == row.plant,
                known_parts.c.part_id == row.part_id,
                or_(known_parts.c.valid_until.is_(None), row.opened_at < known_parts.c.valid_until),
            ),
        )
        .where(row.plant == plant, row.verdict.is_not(None))
    )
    if extent is not None:
        query = query.where(row.station == extent.station, row.opened_at >= extent.start, row.opened_at < extent.end)
    return query.subquery("attempts")


def _is_unit() -> ColumnElement[bool]:
    """Whether an attempt is the one at which its part counts.

    Attempts made while the identifier was a known part's are those of another part.
    """
    earlier, known_then = inspections.alias("earlier"), known_parts.alias("known_then")
    row = inspections.c
    was_another_part = exists().where(
        known_then.c.plant == earlier.c.plant,
        known_then.c.part_id == earlier.c.part_id,
        or_(known_then.c.valid_until.is_(None), earlier.c.opened_at < known_then.c.valid_until),
    )
    was_judged_before = exists().where(
        earlier.c.plant == row.plant,
        earlier.c.station == row.station,
        earlier.c.part_id == row.part_id,
        earlier.c.attempt < row.attempt,
        earlier.c.verdict.in_((Verdict.OK.value, Verdict.NG.value)),
        ~was_another_part,
    )
    return or_(
        row.attempt == 1,
        known_parts.c.truth.is_not(None),
        and_(row.verdict != Verdict.NOT_INSPECTED.value, ~was_judged_before),
    )


def _classes_of(attempts: Subquery) -> Subquery:
    """Each inspection with each class that was reported on it or is there, and how often.

    A part that people found defective without saying of what has the class "".
    """
    reported = (
        select(defects.c.inspection_id, defects.c.class_name, literal(1).label("detected"), literal(0).label("there"))
        .join_from(attempts, defects, defects.c.inspection_id == attempts.c.inspection_id)
    )  # fmt: skip
    there = select(
        standing_classes.c.inspection_id,
        standing_classes.c.class_name,
        literal(0).label("detected"),
        standing_classes.c.defects.label("there"),
    ).join_from(attempts, standing_classes, standing_classes.c.inspection_id == attempts.c.inspection_id)
    unnamed = select(
        attempts.c.inspection_id,
        literal("").label("class_name"),
        literal(0).label("detected"),
        literal(1).label("there"),
    ).where(attempts.c.defective == 1, attempts.c.true_defects == 0)
    both = union_all(reported, there, unnamed).subquery("both")
    return (
        select(
            both.c.inspection_id,
            both.c.class_name,
            _sum(both.c.detected).label("detected"),
            _sum(both.c.there).label("there"),
        )
        .group_by(both.c.inspection_id, both.c.class_name)
        .subquery("classes")
    )


def _as_count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _sum(number: ColumnElement[Any]) -> ColumnElement[int]:
    # PostgreSQL sums bigint as numeric, which would come back as Decimal.
    return cast(func.sum(number), BigInteger)
