"""Define the tables and the constraints with which the database checks the machines' moves a second time.

    session ─┬─ cast ─── character
             ├─ inbox ── turn
             ├─ response ── part, ending          response (id, version, state) ─► move ─► legal_move
             │     └─ retry_request               exchange ─► move        └─► the move before it
             └─ history ── history_message ── amendment
    outbox, voice, server_knowledge (in `server_knowledge.py`)            further tables of `report`: report_tables

A response's state is that of its newest move; a move begins in the state in which the one before it ended, and is a row
of `legal_move`; a response with an `ending` or a line in `history` never changes its state again. Foreign keys and
checks, none deferred, enforce all this, so that SQLite and PostgreSQL refuse the same rows at once. SQLite's foreign
keys are off on a connection that does not turn them on: triggers (`rules`) also refuse the most important violations.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from actors.adapters.store.engine.columns import RowId, id_column, listed, one_of, where_index
from actors.adapters.store.engine.rules import add_triggers
from actors.roleplay import notices
from actors.roleplay.model import TURN_KINDS, OutboundKind, OutboxKind
from machines.binding import START
from machines.response import FINAL, State
from machines.session import State as SessionState

AnyRow: TypeAlias = Row[*tuple[Any, ...]]

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

OUTCOMES: Final = ("sent", "deleted", "dropped")
UNFINISHED: Final = tuple(state for state in State if state not in FINAL)

# ── characters and sessions ─────────────────────────────────────────────────────────────────────────

character = Table(
    "character",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("folded_name", Text, nullable=False),
    Column("card_json", Text, nullable=False),
    Column("picture", LargeBinary),
    Column("added_at", Float, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("server_id", BigInteger, nullable=False, server_default="0"),  # 0: the operator's, for all servers
)
where_index("ux_character_current", character, "server_id", "folded_name", where="is_current", unique=True)

session = Table(
    "session",
    metadata,
    id_column(),
    Column("channel_id", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("turn_order", String(16), nullable=False),
    Column("scenario", Text, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("opened_after", BigInteger, nullable=False),
    Column("ended_at", Float),
    Column("ended_by", Text),
    Column("history_length", Integer, nullable=False),
    Column("server_id", BigInteger),  # NULL in direct messages
    Column("opener_id", BigInteger),  # NULL for scenes that an older version opened
    Column("gather_until", Float),  # when the turn of the messages that wait may begin
    Column("gather_since", Float),  # when the first of them arrived
    one_of("state", SessionState),
    CheckConstraint(f"(state = '{SessionState.ENDED}') = (ended_at IS NOT NULL)", name="ended_at"),
    CheckConstraint("history_length >= 0", name="history_length"),
    Index("ix_session_channel", "channel_id", "opened_at"),
    Index("ix_session_ended", "ended_at"),
)
where_index("ux_session_open", session, "channel_id", where=f"state <> '{SessionState.ENDED}'", unique=True)

cast = Table(
    "cast",
    metadata,
    Column("session_id", ForeignKey("session.id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("character_id", ForeignKey("character.id"), nullable=False),
    UniqueConstraint("session_id", "character_id"),
)

# ── the inbox and turns ─────────────────────────────────────────────────────────────────────────────

turn = Table(
    "turn",
    metadata,
    id_column(),
    Column("session_id", ForeignKey("session.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("cause_id", BigInteger, nullable=False),  # the newest message of its inbox rows; else a command's id
    Column("speakers", JSON, nullable=False),
    Column("speakers_left", Integer, nullable=False),
    Column("handed_to", String(13)),  # the character that got the next place from a line, once a turn
    Column("round", JSON(none_as_null=True)),  # who had spoken in the round before it; NULL for nobody
    one_of("kind", TURN_KINDS),
    UniqueConstraint("cause_id"),
    CheckConstraint("speakers_left >= 0", name="speakers_left"),
    Index("ix_turn_session", "session_id", "cause_id"),
)
where_index("ix_turn_open", turn, "session_id", "id", where="speakers_left > 0")

inbox = Table(
    "inbox",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("session_id", ForeignKey("session.id"), nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("starts_turn", Boolean, nullable=False),
    Column("turn_id", String(13)),  # the turn that answers it; checked by a rule: a foreign key cannot be added
    Column("replies_to", BigInteger),  # the message of the channel to which it is a reply
    Column("deleted_at", Float),  # or when an edit took it out of the play; NULL again if an edit brings it back
    Column("redacted", Boolean, nullable=False, server_default=false()),  # its words were removed; it may still stand
    Index("ix_inbox_channel", "channel_id", "message_id"),
    Index("ix_inbox_session", "session_id", "message_id"),
    Index("ix_inbox_author", "author_id", "at"),  # the turns that a person began lately
)
WAITING: Final = "starts_turn AND turn_id IS NULL AND deleted_at IS NULL"
where_index("ix_inbox_waiting", inbox, "session_id", "message_id", where=WAITING)
where_index("ix_inbox_turn", inbox, "turn_id", where="turn_id IS NOT NULL")

# ── the journal ─────────────────────────────────────────────────────────────────────────────────────


def _moves(name: str) -> Table:
    columns = (("source", 16), ("fact", 32), ("dest", 16))
    return Table(name, metadata, *(Column(column, String(length), primary_key=True) for column, length in columns))


legal_move = _moves("legal_move")
retired_move = _moves("retired_move")  # moves of older machines: old journals refer to them, new moves may not

move = Table(
    "move",
    metadata,
    Column("response_id", String(13), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("after_seq", Integer),
    Column("source", String(16), nullable=False),
    Column("dest", String(16), nullable=False),
    Column("fact", String(32), nullable=False),
    Column("fields", Text, nullable=False),  # JSON
    Column("part", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text),
    Column("at", Float, nullable=False),
    ForeignKeyConstraint(["source", "fact", "dest"], ["legal_move.source", "legal_move.fact", "legal_move.dest"]),
    ForeignKeyConstraint(["response_id", "after_seq", "source"], ["move.response_id", "move.seq", "move.dest"]),
    CheckConstraint(
        # IS NOT NULL is needed: a check whose result is NULL passes.
        f"(seq = 1 AND after_seq IS NULL AND source = '{START}')"
        " OR (seq > 1 AND after_seq IS NOT NULL AND after_seq = seq - 1)",
        name="chain",
    ),
    UniqueConstraint("response_id", "seq", "dest"),
    sqlite_with_rowid=False,
)

response = Table(
    "response",
    metadata,
    id_column(),
    Column("session_id", ForeignKey("session.id"), nullable=False),
    Column("turn_id", ForeignKey("turn.id")),
    Column("trigger_id", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("character_id", ForeignKey("character.id"), nullable=False),
    Column("replaces", ForeignKey("response.id")),
    Column("limits", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("dropped_parts", Integer, nullable=False, server_default="0"),
    Column("part", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("unconfirmed", Boolean, nullable=False),
    Column("doubtful", Boolean, nullable=False),
    Column("cancel_by", Text),
    Column("deadline_at", Float, nullable=False),
    Column("first_try_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("settled_at", Float, nullable=False),
    Column("read_backs_failed", Integer, nullable=False),
    Column("held_s", Float, nullable=False, server_default="0"),  # for older responses holds were not counted
    Column("is_watched", Boolean, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("moved_at", Float, nullable=False),
    one_of("state", State),
    UniqueConstraint("id", "state"),
    ForeignKeyConstraint(["id", "version", "state"], ["move.response_id", "move.seq", "move.dest"]),
    Index("ix_response_session", "session_id", "started_at"),
)
where_index("ux_response_speaker", response, "turn_id", "ordinal", where="replaces IS NULL", unique=True)
where_index("ix_response_doubtful", response, "session_id", "id", where="doubtful")
where_index("ix_response_unfinished", response, "session_id", "id", where=f"state IN ({listed(UNFINISHED)})")
where_index("ux_response_replacement", response, "replaces", where=f"state IN ({listed(UNFINISHED)})", unique=True)

# The requests to a model before a move: shown to people, and read by no actor.
exchange = Table(
    "exchange",
    metadata,
    # One B-tree for reading, writing and pruning: a separate index would be written with every move.
    Column("session_id", ForeignKey("session.id"), primary_key=True),
    Column("response_id", String(13), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("told", Text, nullable=False),  # JSON: the requests and the shape of the prompt, without texts
    Column("texts", Text),  # JSON: the prompt, the raw answer, the cleaned one
    ForeignKeyConstraint(["response_id", "seq"], ["move.response_id", "move.seq"]),
    sqlite_with_rowid=False,
)

retry_request = Table(
    "retry_request",
    metadata,
    Column("response_id", ForeignKey("response.id"), primary_key=True),  # the failed one
    Column("session_id", ForeignKey("session.id"), nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("taken_by", ForeignKey("response.id"), unique=True),  # the response that replaces it
)
where_index("ix_retry_request_waiting", retry_request, "session_id", "response_id", where="taken_by IS NULL")

ending = Table(
    "ending",
    metadata,
    Column("response_id", String(13), primary_key=True),
    Column("response_state", String(16), nullable=False),
    one_of("response_state", sorted(FINAL)),
    ForeignKeyConstraint(["response_id", "response_state"], ["response.id", "response.state"]),
)

# Parts of a text that Discord blocked are kept for the reaper. The parts of the next text are numbered from
# `response.dropped_parts` + 1, so that no nonce belongs to two messages.
part = Table(
    "part",
    metadata,
    Column("response_id", ForeignKey("response.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    # the request to Discord: NULL until the first attempt
    Column("kind", String(16)),
    Column("channel_id", BigInteger),
    Column("name", Text),
    Column("nonce", String(25), unique=True),
    Column("fence", BigInteger),
    Column("webhook_id", BigInteger),
    Column("character_id", ForeignKey("character.id")),
    Column("attempt", Integer, nullable=False),
    Column("first_try_at", Float),
    Column("tried_at", Float),
    # what the channel shows: NULL until it is confirmed
    Column("message_id", BigInteger, unique=True),
    Column("shown_text", Text),
    one_of("kind", OutboundKind),
    CheckConstraint("(nonce IS NULL) = (fence IS NULL)", name="fence"),
    CheckConstraint("(message_id IS NULL) = (shown_text IS NULL)", name="shown_text"),
    Index("ix_part_channel", "channel_id", "message_id"),
)

# ── the history ─────────────────────────────────────────────────────────────────────────────────────

history = Table(
    "history",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("session_id", ForeignKey("session.id"), nullable=False),
    Column("first_message_id", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("author_id", BigInteger),
    Column("character_id", ForeignKey("character.id")),
    Column("response_id", String(13), unique=True),
    Column("response_state", String(16)),
    one_of("kind", ("user", "character", "narration")),
    CheckConstraint("(kind = 'character') = (response_id IS NOT NULL)", name="response"),
    CheckConstraint("(response_id IS NULL) = (response_state IS NULL)", name="response_state"),
    CheckConstraint(f"response_state = '{State.DELIVERED}'", name="delivered"),
    ForeignKeyConstraint(["response_id", "response_state"], ["response.id", "response.state"]),
    Index("ix_history_order", "session_id", "first_message_id"),
)

history_message = Table(
    "history_message",
    metadata,
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
    Column("history_id", ForeignKey("history.id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("redacted", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("history_id", "ordinal"),
)

amendment = Table(
    "amendment",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
    Column("text", Text),  # None: the message was deleted
    Column("at", Float, nullable=False),
    Index("ix_amendment_message", "message_id", "id"),
)
where_index("ux_amendment_deletion", amendment, "message_id", where="text IS NULL", unique=True)

# ── the outbox and the voices ───────────────────────────────────────────────────────────────────────

outbox = Table(
    "outbox",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("channel_id", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("target_id", BigInteger),  # for a takedown: the message to delete
    Column("webhook_id", BigInteger),
    Column("response_id", ForeignKey("response.id")),
    Column("nonce", String(25), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("first_try_at", Float, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("done_at", Float),
    Column("outcome", String(16)),
    Column("message_id", BigInteger),  # for a notice or an answer: the message that was sent
    Column("buttons", JSON(none_as_null=True)),
    Column("reply_token", Text),  # for an answer to an interaction; a secret, removed when the row is done
    Column("reply_expires_at", Float),
    Column("withdrawn_at", Float),  # for a notice of a late line: when the notice was withdrawn, after the line ended
    Column("asked_by", BigInteger),  # for an answer: the person whose command it answers, and when it was written
    Column("asked_at", Float),
    Column("repeats", Boolean, nullable=False, server_default=false()),  # what people said, as `!history` does
    one_of("kind", OutboxKind),
    one_of("outcome", OUTCOMES),
    CheckConstraint("(done_at IS NULL) = (outcome IS NULL)", name="done"),
    Index("ix_outbox_channel", "channel_id", "message_id"),
    Index("ix_outbox_response", "response_id"),
)
where_index("ix_outbox_due", outbox, "due_at", "id", where="done_at IS NULL")
where_index("ix_outbox_waiting", outbox, "channel_id", "due_at", where="done_at IS NULL")
where_index("ix_outbox_target", outbox, "channel_id", "target_id", where="target_id IS NOT NULL")
where_index("ix_outbox_doubtful", outbox, "done_at", "channel_id", where="attempt > 1")
LATE: Final = f"key LIKE '{notices.LATE}%' AND withdrawn_at IS NULL"
where_index("ix_outbox_asked", outbox, "asked_by", "asked_at", where="asked_by IS NOT NULL")
where_index("ix_outbox_late", outbox, "channel_id", where=LATE)

voice = Table(
    "voice",
    metadata,
    Column("webhook_id", BigInteger, primary_key=True, autoincrement=False),
    Column("character_key", Text, primary_key=True),
    Column("channel_id", BigInteger, nullable=False),
    Column("token", Text, nullable=False),
    Column("is_forgotten", Boolean, nullable=False),
    Column("picture", Text),  # fingerprint of the picture that it was given; empty: none; NULL: unknown
    Index("ix_voice_channel", "channel_id"),
)
where_index("ux_voice_current", voice, "channel_id", "character_key", where="NOT is_forgotten", unique=True)

add_triggers(metadata)
