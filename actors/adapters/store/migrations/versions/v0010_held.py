"""Add how long limits have held a response in all, so that HOLD_MAX_S also holds across a restart."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("response", sa.Column("held_s", sa.Float(), nullable=False, server_default="0"))
