"""The database's schema revision: upgrade it on open, refuse what this program does not know."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from lineside.serving.ledger.errors import LedgerSchemaMismatch


def migration_config() -> Config:
    """Alembic's configuration for the migrations that travel inside this package."""
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    return config


def is_current(connection: Connection) -> bool:
    """Whether the database has exactly the schema of this program.

    Raises:
        LedgerSchemaMismatch: a later version of the program made it.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    scripts = ScriptDirectory.from_config(migration_config())
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise LedgerSchemaMismatch(
            f"the ledger's schema is revision {found!r}, which this version does not know (its newest is"
            f" {scripts.get_current_head()!r}): a later version wrote it; install that version or a later one"
        )
    return found == scripts.get_current_head()


def upgrade(connection: Connection) -> None:
    """Bring the schema up to this program's, inside the connection's transaction."""
    config = migration_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
