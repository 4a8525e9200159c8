"""The tables of delivery: how far each sink is, and which events a person has or had to decide about."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table, Text

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

delivery_cursors = Table(
    "delivery_cursors",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sink", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("proof", String, nullable=False),
    Column("filter", CanonicalJson, nullable=False),
    Column("began_after", BigInteger, nullable=False),  # events up to it are from before the sink
    Column("position", BigInteger, nullable=False),  # each wanted event up to it is delivered, parked or skipped
    Column("epoch", Integer, nullable=False),  # counts rewinds: a report of an older one moves nothing
    Column("delivered", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("trouble", CanonicalJson),
    Column("created_at", UtcDateTime, nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    CheckConstraint("state IN ('delivering', 'waiting', 'person_needed', 'stopped')", name="state_known"),
    CheckConstraint("position >= began_after", name="after_its_beginning"),
)
"""How far each sink is. The row stays when the sink leaves the file, and it goes on there when it comes back."""

delivery_parked = Table(
    "delivery_parked",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sink", String, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", _ID, nullable=False),
    Column("type", String, nullable=False),
    Column("station", String),
    Column("state", String, nullable=False),
    Column("reason", Text),  # why it was parked
    Column("attempts", Integer, nullable=False),
    Column("parked_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Column("decided_by", String),
    Column("note", Text),  # why a person skipped it
    CheckConstraint("state IN ('parked', 'resend', 'resent', 'skipped')", name="state_known"),
    CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by_whom"),
)
"""Events that a sink refused for good, and those that a person had sent again or skipped."""
