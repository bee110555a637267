"""Add what a turn is drawn from: the message that somebody replies to, and who has spoken in a round."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("replies_to", sa.BigInteger()))
    op.add_column("turn", sa.Column("round", sa.JSON()))
    op.drop_index("ix_turn_session", "turn")
    op.create_index("ix_turn_session", "turn", ["session_id", "id"])
