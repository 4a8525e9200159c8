"""Every table of the ledger, as SQLAlchemy Core; design.md's words are the columns' names.

The migrations create them; a test proves that both agree. Identifiers are UUIDv7 in text form, digests
lowercase hex SHA-256, instants aware UTC, and JSON columns hold canonical text.
"""

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
    UniqueConstraint,
    false,
    text,
)

from lineside.serving.ledger import chart_tables as _chart_tables  # noqa: F401 - as the next line
from lineside.serving.ledger import context_tables as _context_tables  # noqa: F401 - as the next line
from lineside.serving.ledger import delivery_tables as _delivery_tables  # noqa: F401 - as the next line
from lineside.serving.ledger import drift_tables as _drift_tables  # noqa: F401 - as the next line
from lineside.serving.ledger import label_tables as _label_tables  # noqa: F401 - as the next line
from lineside.serving.ledger import rate_tables as _rate_tables  # noqa: F401 - the metadata must know its tables too
from lineside.serving.ledger import scenario_tables as _scenario_tables  # noqa: F401 - as the line before
from lineside.serving.ledger import signal_tables as _signal_tables  # noqa: F401 - as the line before
from lineside.serving.ledger import station_tables as _station_tables  # noqa: F401 - as the line before
from lineside.serving.ledger import verification_tables as _verification_tables  # noqa: F401 - as the line before
from lineside.serving.ledger.schema_metadata import DIGEST as _DIGEST
from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata as metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

events = Table(
    "events",
    metadata,
    Column("plant", String, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("id", _ID, nullable=False, unique=True),
    Column("type", String, nullable=False),
    Column("station", String),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("data", CanonicalJson, nullable=False),
    Column("previous_hash", _DIGEST, nullable=False),
    Column("hash", _DIGEST, nullable=False),
    Index(None, "plant", "type", "sequence"),
    Index(None, "plant", "station", "sequence"),
)
"""The append-only log: gap-free per plant, hash-chained. Rows are never changed."""

inspections = Table(
    "inspections",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("station", String, nullable=False),
    Column("part_id", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("cause", String, nullable=False),
    Column("parent_id", String),
    Column("lot", String),
    Column("product", String),
    Column("order_id", String),
    Column("recipe_id", String),
    Column("recipe_version", Integer),
    Column("recipe_digest", _DIGEST),
    Column("release_name", String),
    Column("release_version", String),
    Column("release_digest", _DIGEST),
    Column("engine", String),
    Column("judged_by", String, nullable=False),
    Column("verdict", String),  # NULL while views are pending
    Column("reasons", CanonicalJson, nullable=False),
    Column("thresholds", CanonicalJson, nullable=False),
    Column("threshold_status", String),  # certified, uncertified; NULL while pending
    Column("timings", CanonicalJson, nullable=False),
    Column("audit", Boolean, nullable=False, server_default=false()),
    Column("audit_probability", Double),
    Column("confirmation", Boolean, nullable=False, server_default=false()),
    Column("confirmation_probability", Double),
    Column("is_simulated", Boolean, nullable=False, server_default=false()),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime),
    Column("judged_at", UtcDateTime),
    Column("event_sequence", BigInteger),  # the event whose data is the answer as given; NULL while pending
    UniqueConstraint("plant", "station", "part_id", "attempt"),
    CheckConstraint("attempt >= 1", name="attempt_from_1"),
    CheckConstraint("verdict IN ('OK', 'NG', 'NOT_INSPECTED')", name="verdict_known"),
    CheckConstraint("(verdict IS NULL) = (judged_at IS NULL)", name="judged_when_verdict"),
    Index(None, "station", "opened_at"),
    Index(None, "lot"),
    Index(None, "part_id"),
    Index(None, "parent_id"),
    Index(None, "verdict", "judged_at"),
    Index(None, "judged_at"),
    # Where each order stands is counted from this alone.
    Index(
        "ix_inspections_order",
        "plant",
        "order_id",
        "station",
        "part_id",
        "attempt",
        "verdict",
        sqlite_where=text("order_id IS NOT NULL"),
        postgresql_where=text("order_id IS NOT NULL"),
    ),
    # Drawn parts alone, a few in a hundred: the review queue asks what was drawn since it last looked.
    Index(
        "ix_inspections_drawn",
        "plant",
        "event_sequence",
        sqlite_where=text("audit OR confirmation"),
        postgresql_where=text("audit OR confirmation"),
    ),
)
"""One judging attempt of one part at one station. Its identifier sorts by opening time: the page cursor."""

frames = Table(
    "frames",
    metadata,
    Column("inspection_id", _ID, ForeignKey("inspections.id"), primary_key=True),
    Column("view", String, primary_key=True),
    Column("digest", _DIGEST, nullable=False),
    Column("media_type", String, nullable=False),
    Column("raw_geometry", CanonicalJson),
    Column("captured_at", UtcDateTime),
    Column("received_at", UtcDateTime),
    Column("sequence", BigInteger),
    Column("encoder", BigInteger),
    Column("size_bytes", BigInteger, nullable=False),
    Column("kept", Boolean, nullable=False),
    Column("detections", CanonicalJson),
    Column("failure", CanonicalJson),  # the reason why this view was not inspected
    Column("measures", CanonicalJson),  # of the picture and the model's scores; NULL where the server took none
    Index(None, "digest"),
)
"""One image of one inspection: one row per view."""

defects = Table(
    "defects",
    metadata,
    Column("inspection_id", _ID, ForeignKey("inspections.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("view", String, nullable=False),
    Column("class_name", String, nullable=False),
    Column("confidence", Double, nullable=False),
    Column("x1_px", Double, nullable=False),
    Column("y1_px", Double, nullable=False),
    Column("x2_px", Double, nullable=False),
    Column("y2_px", Double, nullable=False),
    Column("size_mm", Double),
    Column("size_definition", String, nullable=False),
    Column("zone", String),
    Column("severity", String, nullable=False),
    Index(None, "class_name"),
)
"""What counts under the recipe, in the order of the verdict's answer."""

dispositions = Table(
    "dispositions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("inspection_id", _ID, ForeignKey("inspections.id"), nullable=False),
    Column("kind", String, nullable=False),  # passed, rejected, set_aside, reworked, scrapped, graded
    Column("grade", String),
    Column("confirmed_by_sensor", Boolean, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("recorded_by", String),
    Index(None, "inspection_id"),
)
"""What physically happened to a part."""

reviews = Table(
    "reviews",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("inspection_id", _ID, ForeignKey("inspections.id"), nullable=False),
    Column("kind", String, nullable=False),  # confirmed, false_call, escape, corrected, withdrawn
    Column("source", String, nullable=False),  # operator, audit, downstream, label_studio
    Column("reviewer", String, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("boxes", CanonicalJson),
    Column("reason", Text),
    Column("supersedes", _ID, ForeignKey("reviews.id")),
    Column("blind", Boolean, nullable=False, server_default=false()),  # without knowing what another reader said
    Index(None, "inspection_id"),
    Index(None, "at"),
)
"""What a human says of an inspection; never changed, only superseded."""

stations = Table(
    "stations",
    metadata,
    Column("plant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("line", String, nullable=False),
    Column("digest_required", Boolean, nullable=False),
    Column("settings", CanonicalJson, nullable=False),  # raw geometry, expected size, pending change
    Column("product", String),
    Column("order_id", String),
    Column("lot", String),
    Column("recipe_id", String),
    Column("recipe_version", Integer),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""Inspection points and what is in force at each."""

orders = Table(
    "orders",
    metadata,
    Column("plant", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("product", String, nullable=False),
    Column("lot", String),
    Column("quantity", BigInteger),
    Column("data", CanonicalJson, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""Production context from the MES (ISA-95 job orders)."""

recipes = Table(
    "recipes",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("product", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
    Column("override", CanonicalJson),  # {name, reason} where a looser one was let through
    Column("gate_report", _DIGEST),  # of the gate that let a looser one through
    Index(None, "product", "created_at"),
)
"""Versions of recipes; rows are never changed."""

catalogues = Table(
    "catalogues",
    metadata,
    Column("id", String, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
)
"""Versions of defect catalogues; rows are never changed."""

reference_images = Table(
    "reference_images",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("media_type", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
)
"""Golden images that recipes may name; the bytes are in the image store."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("station", String),
    Column("key_hmac", _DIGEST, nullable=False, unique=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)
"""Keys by their HMAC; the secret itself is never stored."""

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_digest", _DIGEST, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", CanonicalJson),  # NULL: the answer is the data of the inspection's event
    Column("inspection_id", _ID),
    Column("created_at", UtcDateTime, nullable=False),
    Index(None, "created_at"),
)
"""Answers already given, so that a retried request gets the same one."""

releases = Table(
    "releases",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("name", String, nullable=False),
    Column("version", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("uploaded_at", UtcDateTime, nullable=False),
    Column("uploaded_by", String, nullable=False),
    Index(None, "name", "uploaded_at"),
)
"""Model packages that were uploaded and verified; the files are in the data folder."""

deployments = Table(
    "deployments",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("document", Text, nullable=False),  # the exact text that was signed
    Column("signature", Text, nullable=False),
    Column("mode", String, nullable=False),  # live, shadow, canary
    Column("state", String, nullable=False),  # accepted, withdrawn
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("accepted_by", String, nullable=False),
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", String),
    Column("withdrawn_reason", Text),
    UniqueConstraint("plant", "serial"),
    CheckConstraint("state IN ('accepted', 'withdrawn')", name="state_known"),
    CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_when_withdrawn"),
)
"""What was signed to run where. A row changes once at most: when it is withdrawn. The highest serial outlives all."""

shadow_counts = Table(
    "shadow_counts",
    metadata,
    Column("deployment_id", _ID, ForeignKey("deployments.id"), primary_key=True),
    Column("agreements", BigInteger, nullable=False),
    Column("disagreements", BigInteger, nullable=False),
    Column("dropped", BigInteger, nullable=False),
    Column("canary_parts", BigInteger, nullable=False),
    Column("canary_failures", BigInteger, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""How many parts two releases were compared on; the pairs that agree have no row of their own."""

shadow_results = Table(
    "shadow_results",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("deployment_id", _ID, ForeignKey("deployments.id"), nullable=False),
    Column("inspection_id", _ID, ForeignKey("inspections.id"), nullable=False),
    Column("candidate_judged", Boolean, nullable=False),  # a canary's part; else the live release's verdict stands
    Column("verdict_differs", Boolean, nullable=False),
    Column("live", CanonicalJson, nullable=False),
    Column("candidate", CanonicalJson, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    UniqueConstraint("deployment_id", "inspection_id"),
    Index(None, "inspection_id"),
)
"""Parts on which two releases disagree, with the findings of both, for people to review."""

gate_reports = Table(
    "gate_reports",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("document", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
    Column("stored_by", String, nullable=False),
)
"""Signed reports of the gate that a looser recipe may stand on."""

certificates = Table(
    "certificates",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("digest", _DIGEST, nullable=False),
    Column("document", Text, nullable=False),  # the exact text that was signed
    Column("signature", Text, nullable=False),
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("accepted_by", String, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by", String),
    Column("ended_cause", String),  # withdrawn, superseded, expired, drift, engine_change
    Column("ended_reason", Text),
    UniqueConstraint("plant", "digest"),
    CheckConstraint("(ended_at IS NULL) = (ended_cause IS NULL)", name="cause_when_ended"),
)
"""What thresholds were shown to find. A row changes once: when its certificate ends; it never begins again."""

studies = Table(
    "studies",
    metadata,
    Column("plant", String, primary_key=True),
    Column("area", String, primary_key=True),  # pod, capability
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),  # pod, attribute, variable
    Column("digest", _DIGEST, nullable=False),
    Column("document", CanonicalJson, nullable=False),  # the files as they were handed in
    Column("result", CanonicalJson, nullable=False),  # what this server made of them
    Column("stored_at", UtcDateTime, nullable=False),
    Column("stored_by", String, nullable=False),
    Column("program_version", String, nullable=False),
)
"""Studies of what the inspection can do, with their results; rows are never changed."""
