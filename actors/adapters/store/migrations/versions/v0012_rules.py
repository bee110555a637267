"""Add triggers for connections without foreign keys, retired moves, and the pictures that webhooks were given."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "retired_move",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("fact", sa.String(length=32), nullable=False),
        sa.Column("dest", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("source", "fact", "dest", name=op.f("pk_retired_move")),
    )
    op.add_column("voice", sa.Column("picture", sa.Text(), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        for statement in TRIGGERS:
            op.execute(sa.text(statement))


TRIGGERS = (
    "CREATE TRIGGER tr_history_shape_insert BEFORE INSERT ON history WHEN (NEW.kind = 'user' AND "
    "(NEW.character_id IS NOT NULL OR NEW.response_id IS NOT NULL)) OR (NEW.kind = 'character' AND "
    "NEW.character_id IS NULL) OR (NEW.kind <> 'user' AND NEW.author_id IS NOT NULL) BEGIN SELECT RAISE(ABORT, "
    "'history: a line names a speaker that its kind cannot have'); END",
    "CREATE TRIGGER tr_history_shape_update BEFORE UPDATE OF kind, author_id, character_id, response_id ON "
    "history WHEN (NEW.kind = 'user' AND (NEW.character_id IS NOT NULL OR NEW.response_id IS NOT NULL)) OR "
    "(NEW.kind = 'character' AND NEW.character_id IS NULL) OR (NEW.kind <> 'user' AND NEW.author_id IS NOT NULL) "
    "BEGIN SELECT RAISE(ABORT, 'history: a line names a speaker that its kind cannot have'); END",
    "CREATE TRIGGER tr_history_delivered_insert BEFORE INSERT ON history WHEN NEW.response_id IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM response WHERE response.id = NEW.response_id AND response.session_id = NEW.session_id "
    "AND response.state = 'Delivered') BEGIN SELECT RAISE(ABORT, 'history: a line whose response is not Delivered "
    "in this session'); END",
    "CREATE TRIGGER tr_history_delivered_update BEFORE UPDATE OF session_id, response_id, response_state ON "
    "history WHEN NEW.response_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM response WHERE response.id = "
    "NEW.response_id AND response.session_id = NEW.session_id AND response.state = 'Delivered') BEGIN SELECT "
    "RAISE(ABORT, 'history: a line whose response is not Delivered in this session'); END",
    "CREATE TRIGGER tr_history_session_insert BEFORE INSERT ON history WHEN NOT EXISTS (SELECT 1 FROM session "
    "WHERE session.id = NEW.session_id) BEGIN SELECT RAISE(ABORT, 'history: a line of no session'); END",
    "CREATE TRIGGER tr_history_session_update BEFORE UPDATE OF session_id ON history WHEN NOT EXISTS (SELECT 1 "
    "FROM session WHERE session.id = NEW.session_id) BEGIN SELECT RAISE(ABORT, 'history: a line of no session'); "
    "END",
    "CREATE TRIGGER tr_history_message_line_insert BEFORE INSERT ON history_message WHEN NOT EXISTS (SELECT 1 "
    "FROM history WHERE history.id = NEW.history_id) BEGIN SELECT RAISE(ABORT, 'history_message: a message of no "
    "line'); END",
    "CREATE TRIGGER tr_history_message_line_update BEFORE UPDATE OF history_id ON history_message WHEN NOT EXISTS "
    "(SELECT 1 FROM history WHERE history.id = NEW.history_id) BEGIN SELECT RAISE(ABORT, 'history_message: a "
    "message of no line'); END",
    "CREATE TRIGGER tr_move_legal_insert BEFORE INSERT ON move WHEN NOT EXISTS (SELECT 1 FROM legal_move WHERE "
    "legal_move.source = NEW.source AND legal_move.fact = NEW.fact AND legal_move.dest = NEW.dest) OR EXISTS "
    "(SELECT 1 FROM retired_move WHERE retired_move.source = NEW.source AND retired_move.fact = NEW.fact AND "
    "retired_move.dest = NEW.dest) BEGIN SELECT RAISE(ABORT, 'move: a move that is not in the table'); END",
    "CREATE TRIGGER tr_move_chain_insert BEFORE INSERT ON move WHEN NEW.seq > 1 AND NOT EXISTS (SELECT 1 FROM "
    "move AS earlier WHERE earlier.response_id = NEW.response_id AND earlier.seq = NEW.after_seq AND earlier.dest "
    "= NEW.source) BEGIN SELECT RAISE(ABORT, 'move: a move that does not begin where the one before it ended'); "
    "END",
    "CREATE TRIGGER tr_move_written_update BEFORE UPDATE OF response_id, seq, after_seq, source, dest, fact ON "
    "move WHEN 1 BEGIN SELECT RAISE(ABORT, 'move: the journal is only added to'); END",
    "CREATE TRIGGER tr_response_move_insert BEFORE INSERT ON response WHEN NOT EXISTS (SELECT 1 FROM move WHERE "
    "move.response_id = NEW.id AND move.seq = NEW.version AND move.dest = NEW.state) BEGIN SELECT RAISE(ABORT, "
    "'response: a response whose state is not that of its newest move'); END",
    "CREATE TRIGGER tr_response_move_update BEFORE UPDATE OF state, version ON response WHEN NOT EXISTS (SELECT 1 "
    "FROM move WHERE move.response_id = NEW.id AND move.seq = NEW.version AND move.dest = NEW.state) BEGIN SELECT "
    "RAISE(ABORT, 'response: a response whose state is not that of its newest move'); END",
    "CREATE TRIGGER tr_turn_trigger_insert BEFORE INSERT ON turn WHEN NOT EXISTS (SELECT 1 FROM inbox WHERE "
    "inbox.message_id = NEW.trigger_id AND inbox.session_id = NEW.session_id) BEGIN SELECT RAISE(ABORT, 'turn: a "
    "turn that answers no message of its session'); END",
    "CREATE TRIGGER tr_turn_trigger_update BEFORE UPDATE OF session_id, trigger_id ON turn WHEN NOT EXISTS "
    "(SELECT 1 FROM inbox WHERE inbox.message_id = NEW.trigger_id AND inbox.session_id = NEW.session_id) BEGIN "
    "SELECT RAISE(ABORT, 'turn: a turn that answers no message of its session'); END",
    "CREATE TRIGGER tr_retry_request_failed_insert BEFORE INSERT ON retry_request WHEN NOT EXISTS (SELECT 1 FROM "
    "response WHERE response.id = NEW.response_id AND response.session_id = NEW.session_id AND response.state = "
    "'Failed') BEGIN SELECT RAISE(ABORT, 'retry_request: a request to deliver again what has not failed'); END",
    "CREATE TRIGGER tr_retry_request_failed_update BEFORE UPDATE OF session_id, response_id ON retry_request WHEN "
    "NOT EXISTS (SELECT 1 FROM response WHERE response.id = NEW.response_id AND response.session_id = "
    "NEW.session_id AND response.state = 'Failed') BEGIN SELECT RAISE(ABORT, 'retry_request: a request to deliver "
    "again what has not failed'); END",
    "CREATE TRIGGER tr_outbox_target_insert BEFORE INSERT ON outbox WHEN NEW.kind = 'takedown' AND NEW.target_id "
    "IS NULL BEGIN SELECT RAISE(ABORT, 'outbox: a take-down that names no message'); END",
    "CREATE TRIGGER tr_outbox_target_update BEFORE UPDATE OF kind, target_id ON outbox WHEN NEW.kind = 'takedown' "
    "AND NEW.target_id IS NULL BEGIN SELECT RAISE(ABORT, 'outbox: a take-down that names no message'); END",
)
