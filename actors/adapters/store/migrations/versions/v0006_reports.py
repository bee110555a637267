"""Add further tables of `report`: counts of the log's ❌ lines, and lines that people reported missing."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "error_lines",
        sa.Column("minute", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("pk_error_lines")),
    )
    op.create_table(
        "missing_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reported_by", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("finding", sa.String(length=16), nullable=False),
        sa.Column("answered", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "finding IN ('failed', 'waiting', 'removed', 'cancelled', 'delivered', 'unknown')",
            name=op.f("ck_missing_report_finding"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_missing_report_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missing_report")),
        sa.UniqueConstraint(
            "reported_by",
            "channel_id",
            "message_id",
            name=op.f("uq_missing_report_reported_by_channel_id_message_id"),
        ),
    )
    op.create_index("ix_missing_report_at", "missing_report", ["at"])
