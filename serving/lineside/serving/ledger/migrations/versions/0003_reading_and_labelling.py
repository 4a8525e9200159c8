"""What people read and label: the review place and the labelling loop."""

import sqlalchemy as sa
from alembic import op

from lineside.serving.ledger.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    _create_verification()
    _create_labels()


def _create_verification() -> None:
    """Create what the review place keeps."""
    op.create_table(
        "verification_progress",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("plant", name=op.f("pk_verification_progress")),
    )
    op.create_table(
        "verification_waits",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "station", "kind")),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("read_by", sa.Text(), nullable=False),
        sa.Column("claim_id", sa.String(length=36), nullable=True),
        sa.Column("claim_until", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('flagged', 'audit', 'second', 'conflict')", name=op.f("ck_verification_waits_kind_known")
        ),
        sa.CheckConstraint(
            "(claim_id IS NULL) = (claim_until IS NULL)", name=op.f("ck_verification_waits_claimed_until")
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_verification_waits_inspection_id")
        ),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_verification_waits")),
    )
    op.create_index(
        op.f("ix_verification_waits_plant_since_inspection_id"),
        "verification_waits",
        ["plant", "since", "inspection_id"],
        unique=False,
    )
    op.create_table(
        "verification_claims",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("kind", "reader")),
        sa.Column("key_id", sa.String(length=36), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("request_digest", sa.String(length=64), nullable=True),
        sa.Column("review_ids", sa.Text(), nullable=True),
        sa.Column("disposition_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('read', 'released', 'withdrawn')", name=op.f("ck_verification_claims_outcome_known")
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_verification_claims_ended_when_outcome")
        ),
        sa.ForeignKeyConstraint(
            ["inspection_id"], ["inspections.id"], name=op.f("fk_verification_claims_inspection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_claims")),
    )
    op.create_index(
        op.f("ix_verification_claims_inspection_id"), "verification_claims", ["inspection_id"], unique=False
    )
    op.create_index(
        op.f("ix_verification_claims_plant_reader"), "verification_claims", ["plant", "reader"], unique=False
    )


def _create_labels() -> None:
    """Create what the labelling loop keeps."""
    op.create_table(
        "label_projects",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "name")),
        sa.Column("label_studio_url", sa.String(), nullable=True),
        sa.Column("label_studio_project_id", sa.BigInteger(), nullable=True),
        sa.Column("catalogue_id", sa.String(), nullable=True),
        sa.Column("catalogue_version", sa.Integer(), nullable=True),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("revision_change", "change")),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("cursor", "pulled_at", "hinted_at")),
        sa.Column("webhook", sa.Text(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("lease_holder", "lease_purpose")),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "name", name=op.f("pk_label_projects")),
    )
    op.create_table(
        "label_picks",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "project")),
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("probability", "score")),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("picked_at", UtcDateTime(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("picked_by", "state")),
        sa.Column("review_id", sa.String(length=36), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'pushed', 'labelled', 'attention', 'withdrawn')",
            name=op.f("ck_label_picks_state_known"),
        ),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_label_picks_inspection_id")),
        sa.ForeignKeyConstraint(["review_id"], ["reviews.id"], name=op.f("fk_label_picks_review_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_picks")),
        sa.UniqueConstraint(
            "plant", "project", "inspection_id", name=op.f("uq_label_picks_plant_project_inspection_id")
        ),
    )
    op.create_index(op.f("ix_label_picks_inspection_id"), "label_picks", ["inspection_id"], unique=False)
    op.create_table(
        "label_tasks",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "project")),
        sa.Column("pick_id", sa.String(length=36), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("tile_xyxy_px", sa.Text(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("frame_width_px", "frame_height_px")),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("label_studio_task_id", sa.BigInteger(), nullable=True),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("pushed_at", "updated_at")),
        sa.Column("annotations", sa.Text(), nullable=False),
        sa.Column("reading", sa.Text(), nullable=True),
        sa.Column("attention", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["pick_id"], ["label_picks.id"], name=op.f("fk_label_tasks_pick_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_tasks")),
    )
    op.create_index(op.f("ix_label_tasks_pick_id"), "label_tasks", ["pick_id"], unique=False)
    op.create_table(
        "label_attention",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "project", "code")),
        sa.Column("message", sa.Text(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("inspection_id", "pick_id", "task_id")),
        sa.Column("label_studio_task_id", sa.BigInteger(), nullable=True),
        sa.Column("occurrence", sa.String(), nullable=True),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("raised_by", sa.String(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.Column("settled_note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (settled_by IS NULL)", name=op.f("ck_label_attention_by_when_settled")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_attention")),
    )
    for table, *columns in (
        ("label_picks", "state", "id"),
        ("label_picks", "change"),
        ("label_tasks", "label_studio_task_id"),
        ("label_attention", "settled_at", "id"),
        ("label_attention", "task_id"),
        ("label_attention", "pick_id"),
        ("label_attention", "code", "occurrence"),
    ):
        name = op.f(f"ix_{table}_plant_project_{'_'.join(columns)}")
        op.create_index(name, table, ["plant", "project", *columns], unique=False)
