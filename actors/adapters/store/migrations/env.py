"""Alembic's entry: the connection, and the transaction it is in, come from `migrate.py`."""

from alembic import context

from actors.adapters.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
