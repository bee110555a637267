"""Define what makes a row invalid: SQLite's triggers refuse such rows, and the start and `doctor` search for them.

    RULES ─► one trigger each: active on any connection, even with foreign keys off (SQLite's default)
        └──► for rules without a foreign key: one count each, besides `PRAGMA foreign_key_check`

Forged rows that keep the rules cannot be detected: anyone who may write the file may put words into it.
PostgreSQL needs no triggers: only a superuser can switch its foreign keys off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import DDL, MetaData, event

from machines.response import DELIVERED, FAILED


@dataclass(frozen=True, slots=True)
class Rule:
    """`wrong` is a condition on `{row}`. It is checked at each insert and at each update of the columns `updated`."""

    table: str
    name: str
    wrong: str
    words: str
    updated: tuple[str, ...] = ()
    is_of_inserts: bool = True
    is_counted: bool = True

    def wrong_in(self, row: str) -> str:
        return self.wrong.format(row=row)


RULES: Final = (
    Rule(
        "history",
        "shape",
        "({row}.kind = 'user' AND ({row}.character_id IS NOT NULL OR {row}.response_id IS NOT NULL))"
        " OR ({row}.kind = 'character' AND {row}.character_id IS NULL)"
        " OR ({row}.kind <> 'user' AND {row}.author_id IS NOT NULL)",
        "a line names a speaker that its kind cannot have",
        ("kind", "author_id", "character_id", "response_id"),
    ),
    Rule(
        "history",
        "delivered",
        "{row}.response_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM response"
        " WHERE response.id = {row}.response_id AND response.session_id = {row}.session_id"
        f" AND response.state = '{DELIVERED}')",
        "a line whose response is not Delivered in this session",
        ("session_id", "response_id", "response_state"),
    ),
    Rule(
        "history",
        "session",
        "NOT EXISTS (SELECT 1 FROM session WHERE session.id = {row}.session_id)",
        "a line of no session",
        ("session_id",),
        is_counted=False,
    ),
    Rule(
        "history_message",
        "line",
        "NOT EXISTS (SELECT 1 FROM history WHERE history.id = {row}.history_id)",
        "a message of no line",
        ("history_id",),
        is_counted=False,
    ),
    Rule(
        "move",
        "legal",
        "NOT EXISTS (SELECT 1 FROM legal_move WHERE legal_move.source = {row}.source"
        " AND legal_move.fact = {row}.fact AND legal_move.dest = {row}.dest)"
        " OR EXISTS (SELECT 1 FROM retired_move WHERE retired_move.source = {row}.source"
        " AND retired_move.fact = {row}.fact AND retired_move.dest = {row}.dest)",
        "a move that is not in the table",
        is_counted=False,  # moves of older machines were legal then
    ),
    Rule(
        "move",
        "chain",
        "{row}.seq > 1 AND NOT EXISTS (SELECT 1 FROM move AS earlier WHERE earlier.response_id = {row}.response_id"
        " AND earlier.seq = {row}.after_seq AND earlier.dest = {row}.source)",
        "a move that does not begin where the one before it ended",
        is_counted=False,
    ),
    Rule(
        "move",
        "written",
        "1",
        "the journal is only added to",
        ("response_id", "seq", "after_seq", "source", "dest", "fact"),
        is_of_inserts=False,
        is_counted=False,
    ),
    Rule(
        "response",
        "move",
        "NOT EXISTS (SELECT 1 FROM move WHERE move.response_id = {row}.id"
        " AND move.seq = {row}.version AND move.dest = {row}.state)",
        "a response whose state is not that of its newest move",
        ("state", "version"),
        is_counted=False,
    ),
    Rule(
        "turn",
        "cause",
        "{row}.kind = 'messages' AND NOT EXISTS (SELECT 1 FROM inbox WHERE inbox.message_id = {row}.cause_id"
        " AND inbox.session_id = {row}.session_id)",
        "a turn that answers no message of its session",
        ("session_id", "kind", "cause_id"),
    ),
    Rule(
        "inbox",
        "turn",
        "{row}.turn_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM turn WHERE turn.id = {row}.turn_id"
        " AND turn.session_id = {row}.session_id)",
        "a message that is answered by no turn of its session",
        ("session_id", "turn_id"),
    ),
    Rule(
        "retry_request",
        "failed",
        "NOT EXISTS (SELECT 1 FROM response WHERE response.id = {row}.response_id"
        f" AND response.session_id = {{row}}.session_id AND response.state = '{FAILED}')",
        "a request to deliver again what has not failed",
        ("session_id", "response_id"),
    ),
    Rule(
        "outbox",
        "target",
        "{row}.kind = 'takedown' AND {row}.target_id IS NULL",
        "a take-down that names no message",
        ("kind", "target_id"),
    ),
)


def triggers() -> Iterator[tuple[str, str, str]]:
    """Yield (name, table, statement) of each trigger."""
    for rule in RULES:
        columns = f"UPDATE OF {', '.join(rule.updated)}"
        occasions = [("insert", "INSERT")] * rule.is_of_inserts + [("update", columns)] * bool(rule.updated)
        for occasion, when in occasions:
            name = f"tr_{rule.table}_{rule.name}_{occasion}"
            refused = f"BEGIN SELECT RAISE(ABORT, '{rule.table}: {rule.words}'); END"
            yield (
                name,
                rule.table,
                f"CREATE TRIGGER {name} BEFORE {when} ON {rule.table} WHEN {rule.wrong_in('NEW')} {refused}",
            )


def add_triggers(metadata: MetaData) -> None:
    """Create the triggers together with the tables, in SQLite only."""
    for _, _, statement in triggers():
        made: DDL = DDL(statement.replace("%", "%%")).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call] # the library's
        event.listen(metadata, "after_create", made)
