"""The tables that rates are counted from, and the cells in which they are counted."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

standings = Table(
    "standings",
    metadata,
    Column("inspection_id", _ID, ForeignKey("inspections.id"), primary_key=True),
    Column("standing", String, nullable=False),
    Column("audited", Boolean, nullable=False),  # read as an audit draw is, not noticed by chance
    Column("true_defects", Integer, nullable=False),
    Column("said_defective", Integer, nullable=False),  # readings that replace none, one of each reviewer
    Column("said_good", Integer, nullable=False),
    Column("blind_right", Integer, nullable=False),  # of blind readings beside another, held against the standing
    Column("blind_wrong", Integer, nullable=False),
)
"""What the reviews of an inspection amount to, written with each review, so that rates need not read them all."""

standing_classes = Table(
    "standing_classes",
    metadata,
    Column("inspection_id", _ID, ForeignKey("inspections.id"), primary_key=True),
    Column("class_name", String, primary_key=True),
    Column("defects", Integer, nullable=False),
    Index(None, "class_name"),
)
"""The defects that are there according to the reviews, by class."""

known_parts = Table(
    "known_parts",
    metadata,
    Column("plant", String, primary_key=True),
    Column("part_id", String, primary_key=True),
    Column("truth", String, nullable=False),  # defective, good
    Column("classes", CanonicalJson, nullable=False),
    Column("valid_until", UtcDateTime),
    Column("note", Text),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String, nullable=False),
    CheckConstraint("truth IN ('defective', 'good')", name="truth_known"),
)
"""Parts whose truth is known beforehand, sent through the line to see what it finds; never part of a rate."""

calendars = Table(
    "calendars",
    metadata,
    Column("plant", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", CanonicalJson, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
)
"""Versions of the plant's calendar: time zone, production day, shifts; rows are never changed."""

rate_projection = Table(
    "rate_projection",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # the last event that the cells hold
    Column("code_version", Integer, nullable=False),
    Column("rebuilding", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""How far the rate cells follow the log."""


def _cell_columns() -> tuple[Column[Any], ...]:
    """What a cell is of; text is empty and a number 0 where an inspection has none: a key holds no NULL."""
    return (
        Column("plant", String, primary_key=True),
        Column("station", String, primary_key=True),
        Column("start", UtcDateTime, primary_key=True),
        Column("verdict", String, primary_key=True),
        Column("lane", String, primary_key=True),  # production, known_defective, known_good
        Column("probability", Double, primary_key=True),  # of the audit (OK) or confirmation draw (NG)
        Column("product", String, primary_key=True),
        Column("lot", String, primary_key=True),
        Column("recipe_id", String, primary_key=True),
        Column("recipe_version", Integer, primary_key=True, autoincrement=False),
        Column("release_digest", String, primary_key=True),
        Column("is_simulated", Boolean, primary_key=True),
    )


def _counts(*names: str) -> tuple[Column[Any], ...]:
    return tuple(Column(name, BigInteger, nullable=False) for name in names)


PART_COUNTS = (
    "parts", "drawn", "read", "found", "defective", "false_calls", "good", "unresolved", "first_attempts",
    "later_attempts", "defects", "true_defects", "defective_right", "defective_wrong", "good_right", "good_wrong",
)  # fmt: skip
"""What a rate cell counts; `lineside.serving.rates.cells` says what each is."""

CLASS_COUNTS = ("parts", "drawn", "read", "found", "missed", "defective", "false_calls", "defects", "true_defects")
"""What a cell of one defect class counts."""


def _rate_cells(length: str) -> tuple[Table, Table]:
    """The cells of one length, and those by defect class."""
    return (
        Table(f"rate_cells_{length}", metadata, *_cell_columns(), *_counts(*PART_COUNTS), sqlite_with_rowid=False),
        Table(
            f"rate_class_cells_{length}",
            metadata,
            *_cell_columns(),
            Column("class_name", String, primary_key=True),
            *_counts(*CLASS_COUNTS),
            sqlite_with_rowid=False,
        ),
    )


rate_cells_quarter, rate_class_cells_quarter = _rate_cells("quarter")
"""Counts of inspections by quarter of an hour, UTC: what every window is added up from."""

rate_cells_hour, rate_class_cells_hour = _rate_cells("hour")
"""The same by hour, added up."""

rate_cells_day, rate_class_cells_day = _rate_cells("day")
"""The same by UTC day, added up."""
