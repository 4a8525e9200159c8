"""The tables of what-if questions about a line, and of how far the alarms that ask them were followed."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table, Text

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

scenarios = Table(
    "scenarios",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String, nullable=False),
    Column("state", String, nullable=False),  # queued, running, done, refused, failed
    Column("question", CanonicalJson, nullable=False),
    Column("cause", CanonicalJson),  # the event that asked; NULL where a person did
    Column("requested_by", String, nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("result", CanonicalJson),
    Column("why", Text),  # it was refused or failed
    Column("proposals", CanonicalJson, nullable=False),
    CheckConstraint("state IN ('queued', 'running', 'done', 'refused', 'failed')", name="state_known"),
    CheckConstraint("(state IN ('queued', 'running')) = (ended_at IS NULL)", name="ended_when_ended"),
    CheckConstraint("(state = 'done') = (result IS NOT NULL)", name="result_when_done"),
    Index(None, "plant", "state"),
)
"""What was asked of the model of a line, and what it answered; the answer is written once."""

scenario_cursors = Table(
    "scenario_cursors",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
"""The last event that was looked at for an alarm that asks a question."""
