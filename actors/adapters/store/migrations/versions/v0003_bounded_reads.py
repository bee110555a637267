"""Add indexes, so that the cost of the bot's reads does not grow with what was played before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # Each index has its own order: otherwise SQLite might use the index of all turns, or of all responses.
    op.drop_index("ix_turn_open", "turn")
    _where("ix_turn_open", "turn", "session_id", "id", where="speakers_left > 0")
    op.drop_index("ix_response_unfinished", "response")
    unfinished = "state IN ('Generating', 'Sending', 'Retrying')"
    _where("ix_response_unfinished", "response", "session_id", "id", where=unfinished)
    _where("ix_response_doubtful", "response", "session_id", "id", where="doubtful")
    op.create_index("ix_session_ended", "session", ["ended_at"])
    _where("ix_outbox_waiting", "outbox", "channel_id", "due_at", where="done_at IS NULL")


def _where(name: str, table: str, *columns: str, where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, list(columns), sqlite_where=condition, postgresql_where=condition)
