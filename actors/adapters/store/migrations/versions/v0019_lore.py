"""Add books of scenes and servers, and what scenes remember of their lore: timers of entries, and slow keys."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "lore_timer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("book_id", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("sticky", sa.Integer(), nullable=False),
        sa.Column("cooldown", sa.Integer(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["response_id"], ["response.id"], name=op.f("fk_lore_timer_response_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_lore_timer_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lore_timer")),
    )
    op.create_index("ix_lore_timer_session", "lore_timer", ["session_id", "id"])
    op.create_index("ix_lore_timer_response", "lore_timer", ["response_id"])
    op.create_table(
        "lore_slow_key",
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.id"], name=op.f("fk_lore_slow_key_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "pattern", name=op.f("pk_lore_slow_key")),
    )
    op.create_table(
        "book",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=True),
        sa.Column("server_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.CheckConstraint("(session_id IS NULL) <> (server_id IS NULL)", name=op.f("ck_book_scope")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_book_session_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_book")),
    )
    op.create_index("ix_book_session", "book", ["session_id"])
    op.create_index("ix_book_server", "book", ["server_id"])
