"""The first schema: events, inspections with all that belongs to them, and what the plant configures."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from lineside.serving.ledger.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("key_hmac", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hmac", name=op.f("uq_api_keys_key_hmac")),
    )
    op.create_table(
        "catalogues",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_catalogues")),
    )
    op.create_table(
        "events",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("plant", "sequence", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index(op.f("ix_events_plant_station_sequence"), "events", ["plant", "station", "sequence"], unique=False)
    op.create_index(op.f("ix_events_plant_type_sequence"), "events", ["plant", "type", "sequence"], unique=False)
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("inspection_id", sa.String(length=36), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency")),
    )
    op.create_index(op.f("ix_idempotency_created_at"), "idempotency", ["created_at"], unique=False)
    op.create_table(
        "inspections",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("parent_id", sa.String(), nullable=True),
        sa.Column("lot", sa.String(), nullable=True),
        sa.Column("product", sa.String(), nullable=True),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("recipe_id", sa.String(), nullable=True),
        sa.Column("recipe_version", sa.Integer(), nullable=True),
        sa.Column("recipe_digest", sa.String(length=64), nullable=True),
        sa.Column("release_name", sa.String(), nullable=True),
        sa.Column("release_version", sa.String(), nullable=True),
        sa.Column("release_digest", sa.String(length=64), nullable=True),
        sa.Column("engine", sa.String(), nullable=True),
        sa.Column("judged_by", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("thresholds", sa.Text(), nullable=False),
        sa.Column("threshold_status", sa.String(), nullable=True),
        sa.Column("timings", sa.Text(), nullable=False),
        sa.Column("audit", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("audit_probability", sa.Double(), nullable=True),
        sa.Column("confirmation", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("confirmation_probability", sa.Double(), nullable=True),
        sa.Column("is_simulated", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("deadline_at", UtcDateTime(), nullable=True),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("event_sequence", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("verdict IN ('OK', 'NG', 'NOT_INSPECTED')", name=op.f("ck_inspections_verdict_known")),
        sa.CheckConstraint("(verdict IS NULL) = (judged_at IS NULL)", name=op.f("ck_inspections_judged_when_verdict")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_inspections_attempt_from_1")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspections")),
        sa.UniqueConstraint(
            "plant",
            "station",
            "part_id",
            "attempt",
            name=op.f("uq_inspections_plant_station_part_id_attempt"),
        ),
    )
    op.create_index(
        "ix_inspections_drawn",
        "inspections",
        ["plant", "event_sequence"],
        unique=False,
        sqlite_where=sa.text("audit OR confirmation"),
        postgresql_where=sa.text("audit OR confirmation"),
    )
    op.create_index(op.f("ix_inspections_judged_at"), "inspections", ["judged_at"], unique=False)
    op.create_index(op.f("ix_inspections_lot"), "inspections", ["lot"], unique=False)
    op.create_index(op.f("ix_inspections_parent_id"), "inspections", ["parent_id"], unique=False)
    op.create_index(op.f("ix_inspections_part_id"), "inspections", ["part_id"], unique=False)
    op.create_index(op.f("ix_inspections_station_opened_at"), "inspections", ["station", "opened_at"], unique=False)
    op.create_index(op.f("ix_inspections_verdict_judged_at"), "inspections", ["verdict", "judged_at"], unique=False)
    op.create_table(
        "orders",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("lot", sa.String(), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "id", name=op.f("pk_orders")),
    )
    op.create_table(
        "recipes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("product", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("override", sa.Text(), nullable=True),
        sa.Column("gate_report", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_recipes")),
    )
    op.create_index(op.f("ix_recipes_product_created_at"), "recipes", ["product", "created_at"], unique=False)
    op.create_table(
        "reference_images",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_reference_images")),
    )
    op.create_table(
        "stations",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("line", sa.String(), nullable=False),
        sa.Column("digest_required", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("product", sa.String(), nullable=True),
        sa.Column("order_id", sa.String(), nullable=True),
        sa.Column("lot", sa.String(), nullable=True),
        sa.Column("recipe_id", sa.String(), nullable=True),
        sa.Column("recipe_version", sa.Integer(), nullable=True),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "id", name=op.f("pk_stations")),
    )
    op.create_table(
        "releases",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("uploaded_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_releases")),
    )
    op.create_index(op.f("ix_releases_name_uploaded_at"), "releases", ["name", "uploaded_at"], unique=False)
    op.create_table(
        "certificates",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_cause", sa.String(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_cause IS NULL)", name=op.f("ck_certificates_cause_when_ended")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("plant", "digest", name=op.f("uq_certificates_plant_digest")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("serial", sa.BigInteger(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_by", sa.String(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_by", sa.String(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('accepted', 'withdrawn')", name=op.f("ck_deployments_state_known")),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (withdrawn_at IS NOT NULL)",
            name=op.f("ck_deployments_withdrawn_when_withdrawn"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint("plant", "serial", name=op.f("uq_deployments_plant_serial")),
    )
    op.create_table(
        "gate_reports",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("stored_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_gate_reports")),
    )
    op.create_table(
        "studies",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("area", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("stored_at", UtcDateTime(), nullable=False),
        sa.Column("stored_by", sa.String(), nullable=False),
        sa.Column("program_version", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "area", "id", name=op.f("pk_studies")),
    )
    op.create_table(
        "defects",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("class_name", sa.String(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("x1_px", sa.Double(), nullable=False),
        sa.Column("y1_px", sa.Double(), nullable=False),
        sa.Column("x2_px", sa.Double(), nullable=False),
        sa.Column("y2_px", sa.Double(), nullable=False),
        sa.Column("size_mm", sa.Double(), nullable=True),
        sa.Column("size_definition", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("severity", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_defects_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", "ordinal", name=op.f("pk_defects")),
    )
    op.create_index(op.f("ix_defects_class_name"), "defects", ["class_name"], unique=False)
    op.create_table(
        "dispositions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("grade", sa.String(), nullable=True),
        sa.Column("confirmed_by_sensor", sa.Boolean(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_dispositions_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispositions")),
    )
    op.create_index(op.f("ix_dispositions_inspection_id"), "dispositions", ["inspection_id"], unique=False)
    op.create_table(
        "frames",
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("view", sa.String(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("raw_geometry", sa.Text(), nullable=True),
        sa.Column("captured_at", UtcDateTime(), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("encoder", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("detections", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("measures", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_frames_inspection_id")),
        sa.PrimaryKeyConstraint("inspection_id", "view", name=op.f("pk_frames")),
    )
    op.create_index(op.f("ix_frames_digest"), "frames", ["digest"], unique=False)
    op.create_table(
        "reviews",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("boxes", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("supersedes", sa.String(length=36), nullable=True),
        sa.Column("blind", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_reviews_inspection_id")),
        sa.ForeignKeyConstraint(["supersedes"], ["reviews.id"], name=op.f("fk_reviews_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_table(
        "shadow_counts",
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("agreements", sa.BigInteger(), nullable=False),
        sa.Column("disagreements", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("canary_parts", sa.BigInteger(), nullable=False),
        sa.Column("canary_failures", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.id"], name=op.f("fk_shadow_counts_deployment_id")),
        sa.PrimaryKeyConstraint("deployment_id", name=op.f("pk_shadow_counts")),
    )
    op.create_table(
        "shadow_results",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("inspection_id", sa.String(length=36), nullable=False),
        sa.Column("candidate_judged", sa.Boolean(), nullable=False),
        sa.Column("verdict_differs", sa.Boolean(), nullable=False),
        sa.Column("live", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.id"], name=op.f("fk_shadow_results_deployment_id")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_shadow_results_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadow_results")),
        sa.UniqueConstraint(
            "deployment_id",
            "inspection_id",
            name=op.f("uq_shadow_results_deployment_id_inspection_id"),
        ),
    )
    op.create_index(op.f("ix_shadow_results_inspection_id"), "shadow_results", ["inspection_id"], unique=False)
    op.create_index(op.f("ix_reviews_at"), "reviews", ["at"], unique=False)
    op.create_index(op.f("ix_reviews_inspection_id"), "reviews", ["inspection_id"], unique=False)
    _create_rates()
    _create_charts()
    _create_drift()
    _create_labels()


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
