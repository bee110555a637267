"""Create the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "amendment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
    )
    op.create_index("ix_amendment_message", "amendment", ["message_id", "id"], unique=False)
    op.create_index(
        "ux_amendment_deletion",
        "amendment",
        ["message_id"],
        unique=True,
        sqlite_where=sa.text("text IS NULL"),
        postgresql_where=sa.text("text IS NULL"),
    )
    op.create_table(
        "character",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folded_name", sa.Text(), nullable=False),
        sa.Column("card_json", sa.Text(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_character")),
    )
    op.create_index(
        "ux_character_current",
        "character",
        ["folded_name"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "legal_move",
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("fact", sa.String(length=32), nullable=False),
        sa.Column("dest", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("source", "fact", "dest", name=op.f("pk_legal_move")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("turn_order", sa.String(length=16), nullable=False),
        sa.Column("scenario", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Float(), nullable=False),
        sa.Column("opened_after", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("overflow_told", sa.Boolean(), nullable=False),
        sa.Column("history_length", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'Ended') = (ended_at IS NOT NULL)", name=op.f("ck_session_ended_at")),
        sa.CheckConstraint("state IN ('Idle', 'Responding', 'Paused', 'Ended')", name=op.f("ck_session_state")),
        sa.CheckConstraint("history_length >= 0", name=op.f("ck_session_history_length")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index("ix_session_channel", "session", ["channel_id", "opened_at"], unique=False)
    op.create_index(
        "ux_session_open",
        "session",
        ["channel_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'Ended'"),
        postgresql_where=sa.text("state <> 'Ended'"),
    )
    op.create_table(
        "voice",
        sa.Column("webhook_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("character_key", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("is_forgotten", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", "character_key", name=op.f("pk_voice")),
    )
    op.create_index("ix_voice_channel", "voice", ["channel_id"], unique=False)
    op.create_index(
        "ux_voice_current",
        "voice",
        ["channel_id", "character_key"],
        unique=True,
        sqlite_where=sa.text("NOT is_forgotten"),
        postgresql_where=sa.text("NOT is_forgotten"),
    )
    op.create_table(
        "cast",
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("character_id", sa.String(length=13), nullable=False),
        sa.ForeignKeyConstraint(["character_id"], ["character.id"], name=op.f("fk_cast_character_id")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_cast_session_id")),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_cast")),
        sa.UniqueConstraint("session_id", "character_id", name=op.f("uq_cast_session_id_character_id")),
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("starts_turn", sa.Boolean(), nullable=False),
        sa.Column("has_turn", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_inbox_session_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_inbox")),
    )
    op.create_index("ix_inbox_channel", "inbox", ["channel_id", "message_id"], unique=False)
    op.create_index("ix_inbox_session", "inbox", ["session_id", "message_id"], unique=False)
    op.create_index(
        "ix_inbox_waiting",
        "inbox",
        ["session_id", "message_id"],
        unique=False,
        sqlite_where=sa.text("starts_turn AND NOT has_turn AND deleted_at IS NULL"),
        postgresql_where=sa.text("starts_turn AND NOT has_turn AND deleted_at IS NULL"),
    )
    op.create_table(
        "move",
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("after_seq", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("dest", sa.String(length=16), nullable=False),
        sa.Column("fact", sa.String(length=32), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "(seq = 1 AND after_seq IS NULL AND source = '[*]')"
            " OR (seq > 1 AND after_seq IS NOT NULL AND after_seq = seq - 1)",
            name=op.f("ck_move_chain"),
        ),
        sa.ForeignKeyConstraint(
            ["response_id", "after_seq", "source"],
            ["move.response_id", "move.seq", "move.dest"],
            name=op.f("fk_move_response_id_after_seq_source"),
        ),
        sa.ForeignKeyConstraint(
            ["source", "fact", "dest"],
            ["legal_move.source", "legal_move.fact", "legal_move.dest"],
            name=op.f("fk_move_source_fact_dest"),
        ),
        sa.PrimaryKeyConstraint("response_id", "seq", name=op.f("pk_move")),
        sa.UniqueConstraint("response_id", "seq", "dest", name=op.f("uq_move_response_id_seq_dest")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "turn",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("speakers", sa.JSON(), nullable=False),
        sa.Column("speakers_left", sa.Integer(), nullable=False),
        sa.CheckConstraint("speakers_left >= 0", name=op.f("ck_turn_speakers_left")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_turn_session_id")),
        sa.ForeignKeyConstraint(["trigger_id"], ["inbox.message_id"], name=op.f("fk_turn_trigger_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turn")),
        sa.UniqueConstraint("trigger_id", name=op.f("uq_turn_trigger_id")),
    )
    op.create_index("ix_turn_session", "turn", ["session_id"], unique=False)
    op.create_index(
        "ix_turn_open",
        "turn",
        ["session_id"],
        unique=False,
        sqlite_where=sa.text("speakers_left > 0"),
        postgresql_where=sa.text("speakers_left > 0"),
    )
    op.create_table(
        "response",
        sa.Column("id", sa.String(length=13), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("turn_id", sa.String(length=13), nullable=True),
        sa.Column("trigger_id", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("character_id", sa.String(length=13), nullable=False),
        sa.Column("replaces", sa.String(length=13), nullable=True),
        sa.Column("limits", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("unconfirmed", sa.Boolean(), nullable=False),
        sa.Column("doubtful", sa.Boolean(), nullable=False),
        sa.Column("cancel_by", sa.Text(), nullable=True),
        sa.Column("deadline_at", sa.Float(), nullable=False),
        sa.Column("first_try_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("settled_at", sa.Float(), nullable=False),
        sa.Column("read_backs_failed", sa.Integer(), nullable=False),
        sa.Column("is_watched", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("moved_at", sa.Float(), nullable=False),
        sa.CheckConstraint(
            "state IN ('Generating', 'Sending', 'Retrying', 'Delivered', 'Failed')", name=op.f("ck_response_state")
        ),
        sa.ForeignKeyConstraint(["character_id"], ["character.id"], name=op.f("fk_response_character_id")),
        sa.ForeignKeyConstraint(
            ["id", "version", "state"],
            ["move.response_id", "move.seq", "move.dest"],
            name=op.f("fk_response_id_version_state"),
        ),
        sa.ForeignKeyConstraint(["replaces"], ["response.id"], name=op.f("fk_response_replaces")),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_response_session_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turn.id"], name=op.f("fk_response_turn_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_response")),
        sa.UniqueConstraint("id", "state", name=op.f("uq_response_id_state")),
    )
    op.create_index("ix_response_session", "response", ["session_id", "started_at"], unique=False)
    op.create_index(
        "ix_response_unfinished",
        "response",
        ["session_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('Generating', 'Sending', 'Retrying')"),
        postgresql_where=sa.text("state IN ('Generating', 'Sending', 'Retrying')"),
    )
    op.create_index(
        "ux_response_speaker",
        "response",
        ["turn_id", "ordinal"],
        unique=True,
        sqlite_where=sa.text("replaces IS NULL"),
        postgresql_where=sa.text("replaces IS NULL"),
    )
    op.create_table(
        "ending",
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("response_state", sa.String(length=16), nullable=False),
        sa.CheckConstraint("response_state IN ('Delivered', 'Failed')", name=op.f("ck_ending_response_state")),
        sa.ForeignKeyConstraint(
            ["response_id", "response_state"],
            ["response.id", "response.state"],
            name=op.f("fk_ending_response_id_response_state"),
        ),
        sa.PrimaryKeyConstraint("response_id", name=op.f("pk_ending")),
    )
    op.create_table(
        "history",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.String(length=13), nullable=False),
        sa.Column("first_message_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("character_id", sa.String(length=13), nullable=True),
        sa.Column("response_id", sa.String(length=13), nullable=True),
        sa.Column("response_state", sa.String(length=16), nullable=True),
        sa.CheckConstraint("(kind = 'character') = (response_id IS NOT NULL)", name=op.f("ck_history_response")),
        sa.CheckConstraint("kind IN ('user', 'character', 'narration')", name=op.f("ck_history_kind")),
        sa.CheckConstraint("response_state = 'Delivered'", name=op.f("ck_history_delivered")),
        sa.CheckConstraint("(response_id IS NULL) = (response_state IS NULL)", name=op.f("ck_history_response_state")),
        sa.ForeignKeyConstraint(["character_id"], ["character.id"], name=op.f("fk_history_character_id")),
        sa.ForeignKeyConstraint(
            ["response_id", "response_state"],
            ["response.id", "response.state"],
            name=op.f("fk_history_response_id_response_state"),
        ),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_history_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
        sa.UniqueConstraint("response_id", name=op.f("uq_history_response_id")),
    )
    op.create_index("ix_history_order", "history", ["session_id", "first_message_id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column("webhook_id", sa.BigInteger(), nullable=True),
        sa.Column("response_id", sa.String(length=13), nullable=True),
        sa.Column("nonce", sa.String(length=25), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("first_try_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("done_at", sa.Float(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('notice', 'takedown', 'answer')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("outcome IN ('sent', 'deleted', 'dropped')", name=op.f("ck_outbox_outcome")),
        sa.CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name=op.f("ck_outbox_done")),
        sa.ForeignKeyConstraint(["response_id"], ["response.id"], name=op.f("fk_outbox_response_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index("ix_outbox_channel", "outbox", ["channel_id", "message_id"], unique=False)
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("done_at IS NULL"),
        postgresql_where=sa.text("done_at IS NULL"),
    )
    op.create_index("ix_outbox_response", "outbox", ["response_id"], unique=False)
    op.create_table(
        "part",
        sa.Column("response_id", sa.String(length=13), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=True),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("nonce", sa.String(length=25), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=True),
        sa.Column("webhook_id", sa.BigInteger(), nullable=True),
        sa.Column("character_id", sa.String(length=13), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("first_try_at", sa.Float(), nullable=True),
        sa.Column("tried_at", sa.Float(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("shown_text", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('text', 'embed', 'webhook')", name=op.f("ck_part_kind")),
        sa.CheckConstraint("(message_id IS NULL) = (shown_text IS NULL)", name=op.f("ck_part_shown_text")),
        sa.CheckConstraint("(nonce IS NULL) = (fence IS NULL)", name=op.f("ck_part_fence")),
        sa.ForeignKeyConstraint(["character_id"], ["character.id"], name=op.f("fk_part_character_id")),
        sa.ForeignKeyConstraint(["response_id"], ["response.id"], name=op.f("fk_part_response_id")),
        sa.PrimaryKeyConstraint("response_id", "number", name=op.f("pk_part")),
        sa.UniqueConstraint("message_id", name=op.f("uq_part_message_id")),
        sa.UniqueConstraint("nonce", name=op.f("uq_part_nonce")),
    )
    op.create_index("ix_part_channel", "part", ["channel_id", "message_id"], unique=False)
    op.create_table(
        "history_message",
        sa.Column("message_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("history_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["history_id"], ["history.id"], name=op.f("fk_history_message_history_id")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_history_message")),
        sa.UniqueConstraint("history_id", "ordinal", name=op.f("uq_history_message_history_id_ordinal")),
    )
