"""Add the requests to model servers of the last 24 hours, so that a restart keeps the day's use."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "allowance_use",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_allowance_use")),
        sa.UniqueConstraint("key", name=op.f("uq_allowance_use_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_allowance_use_server_number", "allowance_use", ["server", "number"])
    op.create_index("ix_allowance_use_server_at", "allowance_use", ["server", "at"])
