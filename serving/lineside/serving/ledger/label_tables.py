"""The tables of the labelling loop: projects, what is picked, its tasks in Label Studio, and what needs a person."""

from sqlalchemy import (
    BigInteger,
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
)

from lineside.serving.ledger.schema_metadata import ID as _ID
from lineside.serving.ledger.schema_metadata import metadata
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

label_projects = Table(
    "label_projects",
    metadata,
    Column("plant", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("label_studio_url", String),
    Column("label_studio_project_id", BigInteger),
    Column("catalogue_id", String),
    Column("catalogue_version", Integer),
    Column("classes", CanonicalJson, nullable=False),  # those that may be drawn; any where empty
    Column("revision", String),  # the head: the newest dataset revision
    Column("revision_change", BigInteger, nullable=False),  # the last change of a label that the head holds
    Column("change", BigInteger, nullable=False),  # the last change of a label
    Column("cursor", UtcDateTime),  # Label Studio's time up to which annotations were pulled
    Column("pulled_at", UtcDateTime),
    Column("hinted_at", UtcDateTime),
    Column("webhook", CanonicalJson),
    Column("lease_holder", String),
    Column("lease_purpose", String),  # push, pull, queue
    Column("lease_until", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""One labelling project: where its tasks are, how far it was pulled, and who works on it now."""

label_picks = Table(
    "label_picks",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("project", String, nullable=False),
    Column("inspection_id", _ID, ForeignKey("inspections.id"), nullable=False),
    Column("reason", String, nullable=False),
    Column("probability", Double),  # of being picked; NULL where it cannot be known
    Column("score", Double),
    Column("seed", BigInteger, nullable=False),
    Column("picked_at", UtcDateTime, nullable=False),
    Column("picked_by", String, nullable=False),
    Column("state", String, nullable=False),
    Column("review_id", _ID, ForeignKey("reviews.id")),  # the review that its label was made into; NULL without one
    Column("change", BigInteger, nullable=False),  # the last change of its label; 0 before the first
    Column("withdrawn_at", UtcDateTime),
    Column("withdrawn_by", String),
    Column("withdrawn_reason", Text),
    UniqueConstraint("plant", "project", "inspection_id"),
    CheckConstraint("state IN ('waiting', 'pushed', 'labelled', 'attention', 'withdrawn')", name="state_known"),
    Index(None, "plant", "project", "state", "id"),
    Index(None, "plant", "project", "change"),
    Index(None, "inspection_id"),
)
"""Inspections chosen for labelling, each once a project, with why and how probably."""

label_tasks = Table(
    "label_tasks",
    metadata,
    Column("id", _ID, primary_key=True),  # made from pick, view and tile, so that a second push makes the same
    Column("plant", String, nullable=False),
    Column("project", String, nullable=False),
    Column("pick_id", _ID, ForeignKey("label_picks.id"), nullable=False),
    Column("view", String, nullable=False),
    Column("tile_xyxy_px", CanonicalJson),  # NULL: the whole frame
    Column("frame_width_px", Integer, nullable=False),
    Column("frame_height_px", Integer, nullable=False),
    Column("planned_at", UtcDateTime, nullable=False),
    Column("label_studio_task_id", BigInteger),  # NULL until it is pushed; Label Studio uses such numbers again
    Column("pushed_at", UtcDateTime),
    Column("updated_at", UtcDateTime),  # Label Studio's, of the state below
    Column("annotations", CanonicalJson, nullable=False),
    Column("reading", CanonicalJson),  # what people say of it; NULL while they say nothing that counts
    Column("attention", CanonicalJson, nullable=False),  # what about that state needs a person
    Column("minutes", Double, nullable=False),  # spent on it
    Index(None, "pick_id"),
    Index(None, "plant", "project", "label_studio_task_id"),
)
"""One task in Label Studio, and its last known state."""

label_attention = Table(
    "label_attention",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("plant", String, nullable=False),
    Column("project", String, nullable=False),
    Column("code", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("inspection_id", String),  # no foreign key: it may be one that is gone
    Column("pick_id", String),
    Column("task_id", String),
    Column("label_studio_task_id", BigInteger),
    Column("occurrence", String),  # tells one time from another; the same one is raised once, settled or not
    Column("raised_at", UtcDateTime, nullable=False),
    Column("raised_by", String, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", String),
    Column("settled_note", Text),
    CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="by_when_settled"),
    Index(None, "plant", "project", "settled_at", "id"),
    Index(None, "plant", "project", "task_id"),
    Index(None, "plant", "project", "pick_id"),
    Index(None, "plant", "project", "code", "occurrence"),
)
"""What a person must look at before the loop can go on with it; a row changes once: when it is settled."""
