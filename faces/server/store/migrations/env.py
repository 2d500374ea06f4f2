"""Run the migrations in one transaction on the given connection. Alembic loads this file."""

from __future__ import annotations

from alembic import context

from faces.server.store.schema import Base

if __name__ == "env_py":  # alembic's name for it
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=Base.metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
