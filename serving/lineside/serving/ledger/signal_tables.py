"""The tables of the watch that tells the MES and the twin: how far it read, and what it has told already."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, Integer, String, Table, Text

from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

signal_cursors = Table(
    "signal_cursors",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # the last event that the watch has heeded
    Column("began_at", UtcDateTime, nullable=False),  # nothing from before is told
)
"""How far the watch follows the log."""

signal_windows = Table(
    "signal_windows",
    metadata,
    Column("plant", String, primary_key=True),
    Column("station", String, primary_key=True),
    Column("product", String, primary_key=True),  # empty where the parts have none
    Column("start", UtcDateTime, primary_key=True),
    Column("end", UtcDateTime, nullable=False),
    Column("is_open", Boolean, nullable=False),  # parts came that no event has told yet
    Column("revision", Integer, nullable=False),  # of the last event; 0 before the first
    Column("as_of_sequence", BigInteger, nullable=False),  # events up to it are in the last event's counts
    Column("told", CanonicalJson),  # the counts of the last event
    Index(None, "plant", "is_open", "end"),
)
"""Windows in which parts came, and what `rate.v1` said of them."""

signal_stations = Table(
    "signal_stations",
    metadata,
    Column("plant", String, primary_key=True),
    Column("station", String, primary_key=True),
    Column("document", CanonicalJson, nullable=False),  # newest parts, image alarm, jobs, and the state last told
)
"""What the watch remembers of a station."""

signal_chart_points = Table(
    "signal_chart_points",
    metadata,
    Column("plant", String, primary_key=True),
    Column("baseline_id", String, primary_key=True),
    Column("baseline_version", Integer, primary_key=True, autoincrement=False),
    Column("label", String, primary_key=True),
    Column("told_at", UtcDateTime, nullable=False),
)
"""Points of charts whose signal was told."""

signal_actions = Table(
    "signal_actions",
    metadata,
    Column("plant", String, primary_key=True),
    Column("key", String, primary_key=True),  # of the rule and of what set it off: acted on once
    Column("state", String, nullable=False),
    Column("document", CanonicalJson, nullable=False),  # what to do, why, and the evidence
    Column("decided_at", UtcDateTime, nullable=False),
    Column("carried_out_at", UtcDateTime),
    Column("result", Text),  # the hold's or proposal's identifier, or why there is none
    CheckConstraint("state IN ('due', 'done', 'refused')", name="state_known"),
    Index(None, "plant", "state"),
)
"""What the recipes' rules asked for; a row changes once: when it was carried out."""
