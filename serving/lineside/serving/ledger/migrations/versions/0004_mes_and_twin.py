"""What the MES and the digital twin are told, and what they ask for."""

import sqlalchemy as sa
from alembic import op

from lineside.serving.ledger.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    _create_signals()


def _create_signals() -> None:
    """Create what the watch keeps that tells rates, states and alarms."""
    op.create_table(
        "signal_cursors",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("plant", name=op.f("pk_signal_cursors")),
    )
    op.create_table(
        "signal_windows",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "station", "product")),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("start", "end")),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("as_of_sequence", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("plant", "station", "product", "start", name=op.f("pk_signal_windows")),
    )
    op.create_table(
        "signal_stations",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "station")),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("plant", "station", name=op.f("pk_signal_stations")),
    )
    op.create_table(
        "signal_chart_points",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "baseline_id")),
        sa.Column("baseline_version", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("told_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint(
            "plant", "baseline_id", "baseline_version", "label", name=op.f("pk_signal_chart_points")
        ),
    )
    op.create_table(
        "signal_actions",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "key", "state")),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("carried_out_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('due', 'done', 'refused')", name=op.f("ck_signal_actions_state_known")),
        sa.PrimaryKeyConstraint("plant", "key", name=op.f("pk_signal_actions")),
    )
    for table, *columns in (("signal_windows", "is_open", "end"), ("signal_actions", "state")):
        op.create_index(op.f(f"ix_{table}_plant_{'_'.join(columns)}"), table, ["plant", *columns], unique=False)
