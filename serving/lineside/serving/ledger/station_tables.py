"""The table of what stations report of themselves."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, Text

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

station_reports = Table(
    "station_reports",
    metadata,
    Column("plant", String, primary_key=True),
    Column("id", _ID, primary_key=True),  # the station's own: sent again, a report is recorded once
    Column("station", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("part_id", String),
    Column("acquisition_id", Integer),
    Column("lot", String),
    Column("evidence", CanonicalJson),
    Column("hold_id", _ID),
    Column("event_sequence", BigInteger, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String, nullable=False),
    CheckConstraint("severity IN ('info', 'warning', 'alarm')", name="severity_known"),
    Index(None, "plant", "station", "event_sequence"),
)
"""Camera lost, encoder at odds, bypass key turned: facts of a station that no verdict tells."""
