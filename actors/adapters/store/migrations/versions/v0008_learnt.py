"""Add the Discord adapter's knowledge: the server of each channel, and the names that Discord refuses."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "place",
        sa.Column("channel_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_place")),
    )
    op.create_table(
        "refused_name",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_of_webhook", sa.Boolean(), nullable=False),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "is_of_webhook", name=op.f("pk_refused_name")),
    )
