"""How Alembic reaches the database: the application's engine and metadata, batch mode for SQLite."""

from alembic import context
from flask import current_app
from sqlalchemy import event

from webapp.base.db import UtcDateTime, rebuilding, take_write_lock

database = current_app.extensions["migrate"].db


def render_item(kind, item, _autogen_context):
    """Write our own column types as plain ones: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True).with_variant(sa.String(length=27), 'sqlite')"
    return False


def run() -> None:
    """Run the migrations online, in one transaction each."""
    with database.engine.connect() as connection, rebuilding(connection):
        # A migration that fails half way must leave nothing behind, on SQLite too.
        event.listen(connection, "begin", take_write_lock)
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Linli migrates a live database only: run `flask --app wsgi db upgrade`.")
run()
