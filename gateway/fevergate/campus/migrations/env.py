"""Run by Alembic, on the connection that `database` gives it."""

from alembic import context

from fevergate.campus.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
