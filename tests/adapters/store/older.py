"""Databases of older versions, made from one of this version by undoing migrations."""

from __future__ import annotations

import sqlite3

BEFORE_TURNS = """
DROP TABLE lore_timer;
DROP TABLE lore_slow_key;
DROP TABLE book;
DROP TRIGGER tr_inbox_turn_insert;
DROP TRIGGER tr_inbox_turn_update;
DROP INDEX ix_inbox_waiting;
DROP INDEX ix_inbox_turn;
ALTER TABLE inbox ADD COLUMN has_turn BOOLEAN NOT NULL DEFAULT 0;
UPDATE inbox SET has_turn = EXISTS (SELECT 1 FROM turn WHERE turn.cause_id = inbox.message_id);
ALTER TABLE inbox DROP COLUMN turn_id;
ALTER TABLE inbox DROP COLUMN replies_to;
CREATE INDEX ix_inbox_waiting ON inbox (session_id, message_id)
    WHERE starts_turn AND NOT has_turn AND deleted_at IS NULL;
ALTER TABLE session DROP COLUMN gather_until;
ALTER TABLE session DROP COLUMN gather_since;
ALTER TABLE session ADD COLUMN overflow_told BOOLEAN NOT NULL DEFAULT 0;
CREATE TABLE newer_turn AS SELECT * FROM turn;
DROP TABLE turn;
CREATE TABLE turn (
    id VARCHAR(13) NOT NULL,
    session_id VARCHAR(13) NOT NULL,
    trigger_id BIGINT NOT NULL,
    speakers JSON NOT NULL,
    speakers_left INTEGER NOT NULL,
    CONSTRAINT pk_turn PRIMARY KEY (id),
    CONSTRAINT ck_turn_speakers_left CHECK (speakers_left >= 0),
    CONSTRAINT fk_turn_session_id FOREIGN KEY(session_id) REFERENCES session (id),
    CONSTRAINT fk_turn_trigger_id FOREIGN KEY(trigger_id) REFERENCES inbox (message_id),
    CONSTRAINT uq_turn_trigger_id UNIQUE (trigger_id)
);
INSERT INTO turn SELECT id, session_id, cause_id, speakers, speakers_left FROM newer_turn;
DROP TABLE newer_turn;
CREATE INDEX ix_turn_session ON turn (session_id);
CREATE INDEX ix_turn_open ON turn (session_id, id) WHERE speakers_left > 0;
UPDATE alembic_version SET version_num = '0017';
"""

BEFORE_RIGHTS = """
DROP TABLE server_use;
DROP INDEX ix_outbox_asked;
DROP INDEX ix_inbox_author;
DROP INDEX ux_character_current;
ALTER TABLE outbox DROP COLUMN asked_by;
ALTER TABLE outbox DROP COLUMN asked_at;
ALTER TABLE session DROP COLUMN server_id;
ALTER TABLE session DROP COLUMN opener_id;
ALTER TABLE character DROP COLUMN server_id;
CREATE UNIQUE INDEX ux_character_current ON character (folded_name) WHERE is_current;
ALTER TABLE inbox DROP COLUMN redacted;
ALTER TABLE history_message DROP COLUMN redacted;
ALTER TABLE outbox DROP COLUMN repeats;
UPDATE alembic_version SET version_num = '0015';
"""


def before_turns(database: sqlite3.Connection) -> None:
    """Undo revisions 0019 and 0018, in which a turn answers one message; foreign keys must be off."""
    database.executescript(BEFORE_TURNS)


def before_rights(database: sqlite3.Connection) -> None:
    """Undo revisions 0016 and 0017, after `before_turns`."""
    database.executescript(BEFORE_RIGHTS)
