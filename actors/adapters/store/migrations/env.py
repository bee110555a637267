"""Alembic's entry point; `migrate.py` provides the connection and its transaction."""

from alembic import context

from actors.adapters.store.engine.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
