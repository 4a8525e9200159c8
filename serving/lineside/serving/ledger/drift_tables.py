"""The tables of the watch for drift: reference periods, the batches of parts it counts in, and its alarms."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, String, Table, Text

from lineside.serving.ledger.schema_metadata import DIGEST as _DIGEST
from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

drift_references = Table(
    "drift_references",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("line", String, nullable=False),
    Column("station", String, nullable=False),
    Column("product", String, nullable=False),
    Column("recipe_id", String, nullable=False),
    Column("recipe_version", Integer, nullable=False),
    Column("release_name", String, nullable=False),
    Column("release_version", String, nullable=False),
    Column("release_digest", _DIGEST, nullable=False),
    Column("engine", String, nullable=False),
    Column("threshold", Double, nullable=False),  # the lowest confidence in force
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),  # when the last part of its last batch was judged
    Column("batches", Integer, nullable=False),
    Column("frozen_at", UtcDateTime),
    Column("frozen_batches", Integer),  # those of the reference; NULL while it is being taken
    Column("since_batch", Integer),  # the first one that is held against it: later after an acknowledged alarm
    Column("looked_at", UtcDateTime),
    Column("look", CanonicalJson),  # what the last look found
    Column("ended_at", UtcDateTime),
    Column("ended_by", String),
    Column("ended_reason", Text),
    Index(None, "plant", "station"),
)
"""What a station's parts were like under one recipe, release and engine while all was well, and what came of it."""

drift_batches = Table(
    "drift_batches",
    metadata,
    Column("reference_id", _ID, ForeignKey("drift_references.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("last_sequence", BigInteger, nullable=False),  # of the event of its last part
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("means", CanonicalJson, nullable=False),  # of the pictures' measures, by "view/measure"
    Column("parts", CanonicalJson),  # score, flag and measures of each; NULL once no test needs them
    Index(None, "reference_id", "last_at"),
)
"""Neighbouring parts, as the watch counts them."""

drift_alarms = Table(
    "drift_alarms",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("reference_id", _ID, ForeignKey("drift_references.id"), nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("document", CanonicalJson, nullable=False),  # what changed, how much and since when
    Column("acknowledged_at", UtcDateTime),
    Column("acknowledged_by", String),
    Column("acknowledged_reason", Text),
    Column("reference_kept", Boolean),
    Index(None, "plant", "acknowledged_at"),
    Index(None, "reference_id"),
)
"""Alarms; a row changes once at most: when a person acknowledges it."""

drift_cursors = Table(
    "drift_cursors",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
)
"""The last event before the first part that is in no batch yet."""
