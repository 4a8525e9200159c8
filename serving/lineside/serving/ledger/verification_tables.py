"""The tables of the review place: what waits for a reading, who holds it, and what came of it."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, String, Table

from lineside.serving.ledger.schema_metadata import DIGEST as _DIGEST
from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

verification_progress = Table(
    "verification_progress",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # the last event that the waits hold
)
"""How far the queue follows the log."""

verification_waits = Table(
    "verification_waits",
    metadata,
    Column("inspection_id", _ID, ForeignKey("inspections.id"), primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String, nullable=False),
    Column("kind", String, nullable=False),  # flagged, audit, second, conflict
    Column("since", UtcDateTime, nullable=False),
    Column("read_by", CanonicalJson, nullable=False),  # names of those whose reading stands: the next is another
    Column("claim_id", _ID),
    Column("claim_until", UtcDateTime),
    CheckConstraint("kind IN ('flagged', 'audit', 'second', 'conflict')", name="kind_known"),
    CheckConstraint("(claim_id IS NULL) = (claim_until IS NULL)", name="claimed_until"),
    Index(None, "plant", "since", "inspection_id"),
)
"""What waits for a reading; a row goes when it is read, and comes back when the reading is withdrawn."""

verification_claims = Table(
    "verification_claims",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("inspection_id", _ID, ForeignKey("inspections.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("reader", String, nullable=False),
    Column("key_id", _ID, nullable=False),
    Column("holder", String, nullable=False),  # which of the reader's windows
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("outcome", String),  # read, released, withdrawn; NULL while it is held or when it ran out
    Column("request_digest", _DIGEST),  # of the reading, so that the same one again changes nothing
    Column("review_ids", CanonicalJson),  # the reading's; several where it settles a conflict
    Column("disposition_id", _ID),
    Index(None, "inspection_id"),
    Index(None, "plant", "reader"),
    CheckConstraint("outcome IN ('read', 'released', 'withdrawn')", name="outcome_known"),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended_when_outcome"),
)
"""Who took which part to read, for how long, and what he said."""
