"""What stations report of themselves."""

import sqlalchemy as sa
from alembic import op

from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create its table."""
    op.create_table(
        "station_reports",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("station", "kind", "severity")),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("part_id", sa.String(), nullable=True),
        sa.Column("acquisition_id", sa.Integer(), nullable=True),
        sa.Column("lot", sa.String(), nullable=True),
        sa.Column("evidence", CanonicalJson(), nullable=True),
        sa.Column("hold_id", sa.String(length=36), nullable=True),
        sa.Column("event_sequence", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.CheckConstraint("severity IN ('info', 'warning', 'alarm')", name=op.f("ck_station_reports_severity_known")),
        sa.PrimaryKeyConstraint("plant", "id", name=op.f("pk_station_reports")),
    )
    op.create_index(
        op.f("ix_station_reports_plant_station_event_sequence"),
        "station_reports",
        ["plant", "station", "event_sequence"],
    )
