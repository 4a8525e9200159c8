"""What the statistics stand on: counted rates, control charts, and the watch for drift."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from lineside.serving.ledger.types import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    _create_rates()
    _create_charts()
    _create_drift()


def _create_rates() -> None:
    """Create what rates are counted from."""
    op.create_table(
        "standings",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("standing", sa.String(), nullable=False),
        sa.Column("audited", sa.Boolean(), nullable=False),
        sa.Column("true_defects", sa.Integer(), nullable=False),
        sa.Column("said_defective", sa.Integer(), nullable=False),
        sa.Column("said_good", sa.Integer(), nullable=False),
        sa.Column("blind_right", sa.Integer(), nullable=False),
        sa.Column("blind_wrong", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_standings_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", name=op.f("pk_standings")),
    )
    op.create_table(
        "standing_classes",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("defects", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_standing_classes_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", "class_name", name=op.f("pk_standing_classes")),
    )
    op.create_index(op.f("ix_standing_classes_class_name"), "standing_classes", ["class_name"], unique=False)
    op.create_table(
        "known_parts",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("truth", sa.String(), nullable=False),
        sa.Column("classes", sa.Text(), nullable=False),
        sa.Column("valid_until", UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.CheckConstraint("truth IN ('defective', 'good')", name=op.f("ck_known_parts_truth_known")),
        sa.PrimaryKeyConstraint("plant", "part_id", name=op.f("pk_known_parts")),
    )
    op.create_table(
        "calendars",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "version", name=op.f("pk_calendars")),
    )
    op.create_table(
        "rate_projection",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("code_version", sa.Integer(), nullable=False),
        sa.Column("rebuilding", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plant", name=op.f("pk_rate_projection")),
    )
    for length in ("quarter", "hour", "day"):
        _create_rate_cells(
            f"rate_cells_{length}",
            (
                "parts", "drawn", "read", "found", "defective", "false_calls", "good", "unresolved", "first_attempts",
                "later_attempts", "defects", "true_defects", "defective_right", "defective_wrong", "good_right",
                "good_wrong",
            ),
        )  # fmt: skip
        _create_rate_cells(
            f"rate_class_cells_{length}",
            ("parts", "drawn", "read", "found", "missed", "defective", "false_calls", "defects", "true_defects"),
            by_class=True,
        )


def _create_rate_cells(name: str, counts: tuple[str, ...], *, by_class: bool = False) -> None:
    """Create the cells of one length."""
    key: list[sa.Column[Any]] = [
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("start", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("lot", sa.String(), nullable=False),
        sa.Column("recipe_id", sa.String(), nullable=False),
        sa.Column("recipe_version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("release_digest", sa.String(), nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        *([sa.Column("class_name", sa.String(), nullable=False)] if by_class else []),
    ]
    op.create_table(
        name,
        *key,
        *(sa.Column(count, sa.BigInteger(), nullable=False) for count in counts),
        sa.PrimaryKeyConstraint(*(column.name for column in key), name=op.f(f"pk_{name}")),
        sqlite_with_rowid=False,
    )


def _create_charts() -> None:
    """Create what people add to control charts."""
    op.create_table(
        "notes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("station", "line")),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("at", "recorded_at")),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("station IS NULL OR line IS NULL", name=op.f("ck_notes_one_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notes")),
    )
    op.create_index(op.f("ix_notes_plant_at"), "notes", ["plant", "at"], unique=False)
    op.create_table(
        "chart_exclusions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("station", "line", "lot")),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("start", "end")),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("excluded_at", UtcDateTime(), nullable=False),
        sa.Column("excluded_by", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("station IS NULL OR line IS NULL", name=op.f("ck_chart_exclusions_one_place")),
        sa.CheckConstraint(
            '(lot IS NULL) = ("start" IS NOT NULL AND "end" IS NOT NULL)',
            name=op.f("ck_chart_exclusions_lot_or_time"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chart_exclusions")),
    )
    op.create_index(
        op.f("ix_chart_exclusions_plant_excluded_at"), "chart_exclusions", ["plant", "excluded_at"], unique=False
    )
    op.create_table(
        "chart_baselines",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "id")),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "id", "version", name=op.f("pk_chart_baselines")),
    )


def _create_drift() -> None:
    """Create what the watch for drift keeps."""
    op.create_table(
        "drift_references",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "line", "station", "product")),
        sa.Column("recipe_id", sa.String(), nullable=False),
        sa.Column("recipe_version", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("release_name", "release_version")),
        sa.Column("release_digest", sa.String(length=64), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("opened_at", "seen_at")),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("frozen_batches", "since_batch")),
        sa.Column("looked_at", UtcDateTime(), nullable=True),
        sa.Column("look", sa.Text(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_references")),
    )
    op.create_index(op.f("ix_drift_references_plant_station"), "drift_references", ["plant", "station"], unique=False)
    op.create_table(
        "drift_batches",
        sa.Column("reference_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("first_at", "last_at")),
        sa.Column("means", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["reference_id"], ["drift_references.id"], name=op.f("fk_drift_batches_reference_id")),
        sa.PrimaryKeyConstraint("reference_id", "ordinal", name=op.f("pk_drift_batches")),
    )
    op.create_index(
        op.f("ix_drift_batches_reference_id_last_at"), "drift_batches", ["reference_id", "last_at"], unique=False
    )
    op.create_table(
        "drift_alarms",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("reference_id", sa.String(length=36), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=True),
        sa.Column("acknowledged_reason", sa.Text(), nullable=True),
        sa.Column("reference_kept", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["reference_id"], ["drift_references.id"], name=op.f("fk_drift_alarms_reference_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_alarms")),
    )
    op.create_index(
        op.f("ix_drift_alarms_plant_acknowledged_at"), "drift_alarms", ["plant", "acknowledged_at"], unique=False
    )
    op.create_index(op.f("ix_drift_alarms_reference_id"), "drift_alarms", ["reference_id"], unique=False)
    op.create_table(
        "drift_cursors",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("plant", name=op.f("pk_drift_cursors")),
    )
