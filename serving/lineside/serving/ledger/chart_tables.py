"""The tables of control charts: what people noted, what they left out and why, and frozen baselines."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

notes = Table(
    "notes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String),  # NULL: of the whole line, or of the whole plant
    Column("line", String),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", String),
    Column("withdrawn_reason", Text),
    CheckConstraint("station IS NULL OR line IS NULL", name="one_place"),
    Index(None, "plant", "at"),
)
"""What people say happened: a lamp changed, a lens cleaned. A row changes once at most: when it is withdrawn."""

chart_exclusions = Table(
    "chart_exclusions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String),
    Column("line", String),
    Column("lot", String),  # either a lot or a time is left out
    Column("start", UtcDateTime),
    Column("end", UtcDateTime),
    Column("reason", Text, nullable=False),
    Column("excluded_at", UtcDateTime, nullable=False),
    Column("excluded_by", String, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String),
    Column("ended_reason", Text),
    CheckConstraint("station IS NULL OR line IS NULL", name="one_place"),
    CheckConstraint('(lot IS NULL) = ("start" IS NOT NULL AND "end" IS NOT NULL)', name="lot_or_time"),
    Index(None, "plant", "excluded_at"),
)
"""What the charts leave out of their estimates. A row changes once at most: when the exclusion is ended."""

chart_baselines = Table(
    "chart_baselines",
    metadata,
    Column("plant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("document", CanonicalJson, nullable=False),  # which chart of what, its period and its parameters
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
)
"""Frozen parameters that later points are held against; rows are never changed."""
