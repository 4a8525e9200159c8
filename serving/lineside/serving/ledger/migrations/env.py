"""Alembic's entry point: migrate on the connection that the ledger hands over."""

from alembic import context

from lineside.serving.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,  # SQLite can as well; the ledger's own transaction holds the whole upgrade
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():
    context.run_migrations()
