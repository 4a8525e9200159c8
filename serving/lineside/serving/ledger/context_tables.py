"""The tables of what the MES and people ask for: holds, proposals, jobs, and orders at their stations."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

holds = Table(
    "holds",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String),  # either a station's parts or a lot's are held
    Column("lot", String),
    Column("state", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("evidence", CanonicalJson, nullable=False),
    Column("by", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("released_by", String),
    Column("released_at", UtcDateTime),
    Column("release_reason", Text),
    CheckConstraint("state IN ('held', 'released')", name="state_known"),
    CheckConstraint("(station IS NULL) <> (lot IS NULL)", name="station_or_lot"),
    CheckConstraint("(state = 'released') = (released_at IS NOT NULL)", name="released_when_released"),
    Index(None, "plant", "state"),
    Index(None, "plant", "lot"),
    Index(None, "plant", "station"),
)
"""Parts that are held back. A row changes once at most: when it is released. No verdict depends on it."""

proposals = Table(
    "proposals",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("change", CanonicalJson, nullable=False),  # what approving carries out
    Column("reason", Text, nullable=False),
    Column("evidence", CanonicalJson, nullable=False),
    Column("scenario_id", String),
    Column("state", String, nullable=False),
    Column("proposed_by", String, nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decided_by", String),
    Column("decided_at", UtcDateTime),
    Column("note", Text),
    Column("outcome", CanonicalJson),  # what approving brought about
    CheckConstraint("kind IN ('hold', 'order', 'threshold', 'second_station')", name="kind_known"),
    CheckConstraint("state IN ('proposed', 'approved', 'dismissed')", name="state_known"),
    CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_when_decided"),
    Index(None, "plant", "state"),
)
"""Changes that wait for a person. A row changes once: when it is decided."""

jobs = Table(
    "jobs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String, nullable=False),
    Column("meas_id", String),
    Column("part_id", String),  # NULL: the next part that the station has judged
    Column("recipe_id", String),
    Column("product", String),
    Column("state", String, nullable=False),
    Column("after_sequence", BigInteger, nullable=False),  # the inspection that ends it is logged later than this
    Column("started_by", String, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_by", String),
    Column("ended_at", UtcDateTime),
    Column("reason", Text),
    Column("inspection_id", _ID, ForeignKey("inspections.id")),
    CheckConstraint("state IN ('started', 'done', 'aborted')", name="state_known"),
    CheckConstraint("(state = 'started') = (ended_at IS NULL)", name="ended_when_ended"),
    CheckConstraint("(state = 'done') = (inspection_id IS NOT NULL)", name="inspected_when_done"),
    UniqueConstraint("plant", "inspection_id"),  # one inspection ends one job
    Index(None, "plant", "state"),
    Index(None, "plant", "station"),
    Index(None, "plant", "part_id"),
)
"""Single measurements that somebody asked a station for (OPC 40100-1). A row changes once: when the job ends."""

station_orders = Table(
    "station_orders",
    metadata,
    Column("plant", String, primary_key=True),
    Column("order_id", String, primary_key=True),
    Column("station", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("effective", CanonicalJson, nullable=False),  # from when on, as it was last ordered
    Column("ordered_by", String, nullable=False),
    Column("ordered_at", UtcDateTime, nullable=False),
    Column("in_force_at", UtcDateTime),
    Column("done_at", UtcDateTime),
    CheckConstraint("state IN ('accepted', 'in_force', 'done', 'replaced')", name="state_known"),
    CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_when_done"),
    Index(None, "plant", "state"),
    Index(None, "plant", "station"),
)
"""Where each order runs, and how it stands there."""
