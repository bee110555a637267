"""Add who opened a scene and where, whom an answer is for, a server's own characters, and the tokens of its days."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("session", sa.Column("server_id", sa.BigInteger(), nullable=True))
    op.add_column("session", sa.Column("opener_id", sa.BigInteger(), nullable=True))
    op.execute(sa.text(SERVERS))
    op.create_index("ix_inbox_author", "inbox", ["author_id", "at"])
    op.add_column("outbox", sa.Column("asked_by", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("asked_at", sa.Float(), nullable=True))
    _index("ix_outbox_asked", "outbox", "asked_by", "asked_at", where="asked_by IS NOT NULL")
    op.add_column("character", sa.Column("server_id", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_index("ux_character_current", table_name="character")
    _index("ux_character_current", "character", "server_id", "folded_name", where="is_current", unique=True)
    op.create_table(
        "server_use",
        sa.Column("server_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server_id", "day", name=op.f("pk_server_use")),
    )


SERVERS = "UPDATE session SET server_id = (SELECT guild_id FROM place WHERE place.channel_id = session.channel_id)"
"""The opener of an older scene is unknown."""


def _index(name: str, table: str, *columns: str, where: str, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, [*columns], unique=unique, sqlite_where=condition, postgresql_where=condition)
