"""The migrations and the tables say the same."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import BigInteger, Connection, inspect

from lineside.serving.ledger import Ledger
from lineside.serving.ledger.tables import metadata


def test_the_migrations_make_exactly_the_tables(ledger: Ledger) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, metadata))

    assert ledger.read_blocking(differences) == []


def test_the_migrations_make_the_same_checks_that_the_tables_declare(ledger: Ledger) -> None:
    """Alembic compares no check constraints."""

    def stored(connection: Connection) -> set[str | None]:
        return {check["name"] for check in inspect(connection).get_check_constraints("inspections")}

    assert ledger.read_blocking(stored) == {
        "ck_inspections_attempt_from_1",
        "ck_inspections_verdict_known",
        "ck_inspections_judged_when_verdict",
    }


def test_wherever_an_events_place_in_the_log_is_kept_it_has_the_logs_own_width() -> None:
    """A column of 32 bits would take nothing more after two thousand million events, on PostgreSQL alone."""
    places = [column for table in metadata.sorted_tables for column in table.columns if "sequence" in column.name]
    of_the_log = [column for column in places if column.table.name != "frames"]  # there it is the camera's counter
    assert [str(column) for column in of_the_log if not isinstance(column.type, BigInteger)] == []
    assert len(of_the_log) > 10
