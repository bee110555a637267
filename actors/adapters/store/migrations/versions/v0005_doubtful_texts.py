"""Add an index of notices and answers that may have a second copy: those with more than one attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    condition = sa.text("attempt > 1")
    columns = ["done_at", "channel_id"]
    op.create_index("ix_outbox_doubtful", "outbox", columns, sqlite_where=condition, postgresql_where=condition)
