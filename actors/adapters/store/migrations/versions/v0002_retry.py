"""Add requests to redeliver a failed line, buttons on notices, and answers to interactions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

UNFINISHED = "state IN ('Generating', 'Sending', 'Retrying')"


def upgrade() -> None:
    op.create_table(
        "retry_request",
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("taken_by", sa.String(length=13), nullable=True),
        sa.ForeignKeyConstraint(["response_id"], ["response.id"], name=op.f("fk_retry_request_response_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_retry_request_session_id")),
        sa.ForeignKeyConstraint(["taken_by"], ["response.id"], name=op.f("fk_retry_request_taken_by")),
        sa.PrimaryKeyConstraint("response_id", name=op.f("pk_retry_request")),
        sa.UniqueConstraint("taken_by", name=op.f("uq_retry_request_taken_by")),
    )
    _index("ix_retry_request_waiting", "retry_request", "session_id", "response_id", where="taken_by IS NULL")
    _index("ux_response_replacement", "response", "replaces", where=UNFINISHED, unique=True)
    op.add_column("outbox", sa.Column("buttons", sa.JSON(), nullable=True))
    op.add_column("outbox", sa.Column("reply_token", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("reply_expires_at", sa.Float(), nullable=True))
    _index("ix_outbox_target", "outbox", "channel_id", "target_id", where="target_id IS NOT NULL")


def _index(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [*columns], unique=unique, sqlite_where=condition, postgresql_where=condition)
