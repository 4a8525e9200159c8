"""What the MES and the digital twin are told, and what they ask for."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

from lineside.serving.clock import SystemClock
from lineside.serving.identifiers import IdentifierSource
from lineside.serving.ledger.types import CanonicalJson, UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create their tables."""
    _create_signals()
    _create_delivery()
    _create_context()
    _create_scenarios()


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


def _create_context() -> None:
    """Create what the MES and people ask for; a station's present hold becomes one of the holds."""
    _create_holds()
    op.create_index(
        "ix_inspections_order",
        "inspections",
        ["plant", "order_id", "station", "part_id", "attempt", "verdict"],
        unique=False,
        sqlite_where=sa.text("order_id IS NOT NULL"),
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "kind")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("change", "reason", "evidence")),
        sa.Column("scenario_id", sa.String(), nullable=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("state", "proposed_by")),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("note", "outcome")),
        sa.CheckConstraint(
            "kind IN ('hold', 'order', 'threshold', 'second_station')", name=op.f("ck_proposals_kind_known")
        ),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'dismissed')", name=op.f("ck_proposals_state_known")),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_at IS NULL)", name=op.f("ck_proposals_decided_when_decided")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "station")),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("meas_id", "part_id", "recipe_id", "product")),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("after_sequence", sa.BigInteger(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("inspection_id", sa.String(length=36), nullable=True),
        sa.CheckConstraint("state IN ('started', 'done', 'aborted')", name=op.f("ck_jobs_state_known")),
        sa.CheckConstraint("(state = 'started') = (ended_at IS NULL)", name=op.f("ck_jobs_ended_when_ended")),
        sa.CheckConstraint("(state = 'done') = (inspection_id IS NOT NULL)", name=op.f("ck_jobs_inspected_when_done")),
        sa.ForeignKeyConstraint(["inspection_id"], ["inspections.id"], name=op.f("fk_jobs_inspection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("plant", "inspection_id", name=op.f("uq_jobs_plant_inspection_id")),
    )
    _create_station_orders()
    for table, *columns in (
        ("holds", "state"),
        ("holds", "lot"),
        ("holds", "station"),
        ("proposals", "state"),
        ("jobs", "state"),
        ("jobs", "station"),
        ("jobs", "part_id"),
        ("station_orders", "state"),
        ("station_orders", "station"),
    ):
        op.create_index(op.f(f"ix_{table}_plant_{'_'.join(columns)}"), table, ["plant", *columns], unique=False)


def _create_station_orders() -> None:
    """Create where orders run, with those that are in force now."""
    op.create_table(
        "station_orders",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "order_id", "station", "state")),
        sa.Column("effective", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.String(), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=False),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("in_force_at", "done_at")),
        sa.CheckConstraint(
            "state IN ('accepted', 'in_force', 'done', 'replaced')", name=op.f("ck_station_orders_state_known")
        ),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_station_orders_done_when_done")),
        sa.PrimaryKeyConstraint("plant", "order_id", "station", name=op.f("pk_station_orders")),
    )
    op.execute(
        "INSERT INTO station_orders (plant, order_id, station, state, effective, ordered_by, ordered_at, in_force_at)"
        " SELECT s.plant, s.order_id, s.id, 'in_force', '{\"from\":\"now\",\"value\": null}', 'not recorded',"
        " o.created_at, o.created_at"
        " FROM stations s JOIN orders o ON o.plant = s.plant AND o.id = s.order_id"
    )


def _create_holds() -> None:
    """Create the holds, and move those there that stand in the stations' rows."""
    holds = op.create_table(
        "holds",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("plant", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=True) for name in ("station", "lot")),
        sa.Column("state", sa.String(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("reason", "evidence")),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("released_by", sa.String(), nullable=True),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('held', 'released')", name=op.f("ck_holds_state_known")),
        sa.CheckConstraint("(station IS NULL) <> (lot IS NULL)", name=op.f("ck_holds_station_or_lot")),
        sa.CheckConstraint(
            "(state = 'released') = (released_at IS NOT NULL)", name=op.f("ck_holds_released_when_released")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    stations = sa.table("stations", sa.column("plant"), sa.column("id"), sa.column("hold", CanonicalJson))
    identifiers = IdentifierSource(SystemClock())
    standing = op.get_bind().execute(sa.select(stations).where(stations.c.hold.is_not(None)))
    moved = [
        {
            "id": str(identifiers.uuid7()),
            "plant": row.plant,
            "station": row.id,
            "state": "held",
            "reason": row.hold["reason"],
            "evidence": "[]",
            "by": row.hold["by"],
            "at": datetime.fromisoformat(row.hold["at"]),
        }
        for row in standing
    ]
    if moved:
        op.bulk_insert(holds, moved)
    op.drop_column("stations", "hold")


def _create_delivery() -> None:
    """Create how far each sink is, and the events that a person decides about."""
    op.create_table(
        "delivery_cursors",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "sink", "kind", "proof")),
        sa.Column("filter", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("began_after", "position")),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("created_at", "reported_at")),
        sa.CheckConstraint(
            "state IN ('delivering', 'waiting', 'person_needed', 'stopped')",
            name=op.f("ck_delivery_cursors_state_known"),
        ),
        sa.CheckConstraint("position >= began_after", name=op.f("ck_delivery_cursors_after_its_beginning")),
        sa.PrimaryKeyConstraint("plant", "sink", name=op.f("pk_delivery_cursors")),
    )
    op.create_table(
        "delivery_parked",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "sink")),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("station", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('parked', 'resend', 'resent', 'skipped')", name=op.f("ck_delivery_parked_state_known")
        ),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (decided_by IS NULL)", name=op.f("ck_delivery_parked_decided_by_whom")
        ),
        sa.PrimaryKeyConstraint("plant", "sink", "sequence", name=op.f("pk_delivery_parked")),
    )


def _create_scenarios() -> None:
    """Create what keeps what-if questions and their answers."""
    op.create_table(
        "scenarios",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("plant", "station", "state")),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("result", "why")),
        sa.Column("proposals", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'refused', 'failed')", name=op.f("ck_scenarios_state_known")
        ),
        sa.CheckConstraint(
            "(state IN ('queued', 'running')) = (ended_at IS NULL)", name=op.f("ck_scenarios_ended_when_ended")
        ),
        sa.CheckConstraint("(state = 'done') = (result IS NOT NULL)", name=op.f("ck_scenarios_result_when_done")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenarios")),
    )
    op.create_index(op.f("ix_scenarios_plant_state"), "scenarios", ["plant", "state"], unique=False)
    op.create_table(
        "scenario_cursors",
        sa.Column("plant", sa.String(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("plant", name=op.f("pk_scenario_cursors")),
    )
