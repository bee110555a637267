"""Add the exchanges with a model before each move, for each session's newest responses."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "exchange",
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["response_id", "seq"], ["move.response_id", "move.seq"], name=op.f("fk_exchange_response_id_seq")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_exchange_session_id")),
        sa.PrimaryKeyConstraint("session_id", "response_id", "seq", name=op.f("pk_exchange")),
        sqlite_with_rowid=False,
    )
