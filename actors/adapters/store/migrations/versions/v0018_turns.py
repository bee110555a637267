"""Let a turn answer every message that waits: its kind and cause, and the turn of each message.

The table of turns is made anew: its cause may be a command, which is in no inbox. Meanwhile no response refers to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

KINDS = "'messages', 'greeting', 'say', 'next', 'narration', 'redelivery', 'revision'"
WAITING = "starts_turn AND turn_id IS NULL AND deleted_at IS NULL"
OPEN = "speakers_left > 0"


def upgrade() -> None:
    op.add_column("inbox", sa.Column("turn_id", sa.String(length=13)))
    op.add_column("inbox", sa.Column("replies_to", sa.BigInteger()))
    op.execute("UPDATE inbox SET turn_id = (SELECT turn.id FROM turn WHERE turn.trigger_id = inbox.message_id)")
    op.drop_index("ix_inbox_waiting", "inbox")
    op.drop_column("inbox", "has_turn")
    _where_index("ix_inbox_waiting", "inbox", ["session_id", "message_id"], WAITING)
    _where_index("ix_inbox_turn", "inbox", ["turn_id"], "turn_id IS NOT NULL")
    op.drop_column("session", "overflow_told")
    op.add_column("session", sa.Column("gather_until", sa.Float()))
    op.add_column("session", sa.Column("gather_since", sa.Float()))
    _make_turns_anew()
    if op.get_bind().dialect.name == "sqlite":
        for statement in TRIGGERS:
            op.execute(sa.text(statement))


def _make_turns_anew() -> None:
    op.execute("CREATE TABLE turn_before AS SELECT * FROM turn")
    op.execute("CREATE TABLE turn_of_response AS SELECT id, turn_id FROM response WHERE turn_id IS NOT NULL")
    op.execute("UPDATE response SET turn_id = NULL WHERE turn_id IS NOT NULL")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_response_turn_id", "response")
    op.drop_table("turn")
    op.create_table(
        "turn",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("cause_id", sa.BigInteger(), nullable=False),
        sa.Column("speakers", sa.JSON(), nullable=False),
        sa.Column("speakers_left", sa.Integer(), nullable=False),
        sa.Column("handed_to", sa.String(length=13)),
        sa.Column("round", sa.JSON()),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_turn_kind")),
        sa.CheckConstraint("speakers_left >= 0", name=op.f("ck_turn_speakers_left")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_turn_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("cause_id", name=op.f("uq_turn_cause_id")),
    )
    op.execute(
        "INSERT INTO turn (id, session_id, kind, cause_id, speakers, speakers_left)"
        " SELECT id, session_id, 'messages', trigger_id, speakers, speakers_left FROM turn_before"
    )
    op.create_index("ix_turn_session", "turn", ["session_id", "cause_id"])
    _where_index("ix_turn_open", "turn", ["session_id", "id"], OPEN)
    op.execute("CREATE UNIQUE INDEX turn_of_response_id ON turn_of_response (id)")
    op.execute(
        "UPDATE response SET turn_id = (SELECT turn_id FROM turn_of_response WHERE turn_of_response.id = response.id)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_foreign_key("fk_response_turn_id", "response", "turn", ["turn_id"], ["id"])
    op.drop_table("turn_of_response")
    op.drop_table("turn_before")


def _where_index(name: str, table: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


TRIGGERS = (
    "CREATE TRIGGER tr_turn_cause_insert BEFORE INSERT ON turn WHEN NEW.kind = 'messages' AND NOT EXISTS "
    "(SELECT 1 FROM inbox WHERE inbox.message_id = NEW.cause_id AND inbox.session_id = NEW.session_id) "
    "BEGIN SELECT RAISE(ABORT, 'turn: a turn that answers no message of its session'); END",
    "CREATE TRIGGER tr_turn_cause_update BEFORE UPDATE OF session_id, kind, cause_id ON turn WHEN "
    "NEW.kind = 'messages' AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.message_id = NEW.cause_id AND "
    "inbox.session_id = NEW.session_id) BEGIN SELECT RAISE(ABORT, 'turn: a turn that answers no message "
    "of its session'); END",
    "CREATE TRIGGER tr_inbox_turn_insert BEFORE INSERT ON inbox WHEN NEW.turn_id IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM turn WHERE turn.id = NEW.turn_id AND turn.session_id = NEW.session_id) BEGIN "
    "SELECT RAISE(ABORT, 'inbox: a message that is answered by no turn of its session'); END",
    "CREATE TRIGGER tr_inbox_turn_update BEFORE UPDATE OF session_id, turn_id ON inbox WHEN NEW.turn_id "
    "IS NOT NULL AND NOT EXISTS (SELECT 1 FROM turn WHERE turn.id = NEW.turn_id AND turn.session_id = "
    "NEW.session_id) BEGIN SELECT RAISE(ABORT, 'inbox: a message that is answered by no turn of its "
    "session'); END",
)
