"""Mark messages whose words were removed while they stand in the channel, and answers that repeat words."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    for table in ("inbox", "history_message"):
        op.add_column(table, sa.Column("redacted", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("outbox", sa.Column("repeats", sa.Boolean(), server_default=sa.false(), nullable=False))
