"""An index of the notices and answers whose second copy may turn up: those that one try did not settle."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    condition = sa.text("attempt > 1")
    columns = ["done_at", "channel_id"]
    op.create_index("ix_outbox_doubtful", "outbox", columns, sqlite_where=condition, postgresql_where=condition)
