"""How long limits held a response in all: its share of HOLD_MAX_S outlives the process."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("response", sa.Column("held_s", sa.Float(), nullable=False, server_default="0"))
