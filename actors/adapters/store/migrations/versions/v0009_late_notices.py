"""Add the time when a notice of a late line was withdrawn, and an index of those that were not."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("outbox", sa.Column("withdrawn_at", sa.Float()))
    condition = sa.text("key LIKE 'held:%' AND withdrawn_at IS NULL")
    op.create_index("ix_outbox_late", "outbox", ["channel_id"], sqlite_where=condition, postgresql_where=condition)
