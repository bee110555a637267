"""Store what a scene remembers of its lore: timers of entries, tied to the lines that set them, and slow keys.

A timer is written with the text of its line, and holds once the line is in the history. If a message of the line is
edited or deleted, the timer never was.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from actors.adapters.store.engine.columns import RowId
from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import amendment, history, history_message, metadata
from actors.ports.lore import LoreMemory, LoreWrites
from actors.roleplay.lore.model import Timer
from actors.roleplay.model import ResponseId, SessionId

TIMERS_MAX: Final = 1_000
"""Of the newest timers of a scene that are read."""

SLOW_KEYS_MAX: Final = 1_000

TIMER: Final = Table(
    "lore_timer",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("response_id", ForeignKey("response.id", ondelete="CASCADE"), nullable=False),
    Column("book_id", Text, nullable=False),
    Column("entry_id", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("sticky", Integer, nullable=False),
    Column("cooldown", Integer, nullable=False),
    Column("after_id", BigInteger, nullable=False),  # the newest message that the line's prompt had
    Index("ix_lore_timer_session", "session_id", "id"),
    Index("ix_lore_timer_response", "response_id"),
)
SLOW_KEY: Final = Table(
    "lore_slow_key",
    metadata,
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    Column("pattern", Text, primary_key=True),
    Column("at", Float, nullable=False),
)

_IS_AMENDED: Final = (
    select(amendment.c.id)
    .join(history_message, history_message.c.message_id == amendment.c.message_id)
    .where(history_message.c.history_id == history.c.id)
    .correlate(history)
    .exists()
)
_DELETED: Final = (
    select(amendment.c.id)
    .where(amendment.c.message_id == history_message.c.message_id, text("amendment.text IS NULL"))
    .correlate(history_message)
    .exists()
)
_IS_THERE: Final = (
    select(history_message.c.message_id)
    .where(history_message.c.history_id == history.c.id, ~_DELETED)
    .correlate(history)
    .exists()
)
_UNTIL: Final = history.c.first_message_id <= bindparam("until")
_TIMERS: Final = Prepared(
    select(TIMER)
    .join(history, history.c.response_id == TIMER.c.response_id)
    .where(TIMER.c.session_id == bindparam("session_id"), _UNTIL, ~_IS_AMENDED)
    .order_by(TIMER.c.id.desc())
    .limit(TIMERS_MAX)
)
_AGE: Final = Prepared(
    select(func.count()).select_from(
        select(history.c.id)
        .where(
            history.c.session_id == bindparam("session_id"),
            history.c.first_message_id > bindparam("after_id"),
            _UNTIL,
            _IS_THERE,
        )
        .limit(bindparam("messages_max"))
        .subquery()
    )
)
_REPLIES: Final = Prepared(
    select(func.count())
    .select_from(history)
    .where(history.c.session_id == bindparam("session_id"), text("history.kind = 'character'"), _UNTIL, _IS_THERE)
)
_SLOW: Final = Prepared(
    select(SLOW_KEY.c.pattern).where(SLOW_KEY.c.session_id == bindparam("session_id")).limit(SLOW_KEYS_MAX)
)
_IS_SLOW: Final = Prepared(
    select(SLOW_KEY.c.at).where(
        SLOW_KEY.c.session_id == bindparam("session_id"), SLOW_KEY.c.pattern == bindparam("pattern")
    )
)
_INSERT: Final = Prepared(insert(TIMER), names_of(TIMER, besides=["id"]))
_INSERT_SLOW: Final = Prepared(insert(SLOW_KEY), names_of(SLOW_KEY))
_DELETE: Final = Prepared(delete(TIMER).where(TIMER.c.response_id == bindparam("of_response")))
_HAND_ON: Final = Prepared(
    update(TIMER).where(TIMER.c.response_id == bindparam("replaced")).values(response_id=bindparam("by"))
)


def lore_memory(conn: Connection, session_id: SessionId, *, until: int, counts_replies: bool = False) -> LoreMemory:
    """Return what the scene remembers, as of the message `until`."""
    wanted = {"session_id": session_id, "until": until}
    slow = frozenset(row[0] for row in _SLOW.run(conn, {"session_id": session_id}).fetchall())
    replies = _REPLIES.scalar(conn, wanted) if counts_replies else 0
    newest: dict[tuple[str, str], Any] = {}
    for row in _TIMERS.rows(conn, wanted):
        newest.setdefault((row.book_id, row.entry_id), row)
    return LoreMemory(tuple(_timer(conn, row, wanted) for row in newest.values()), slow, replies)


def keep(conn: Connection, session_id: SessionId, response_id: ResponseId, writes: LoreWrites, *, at: float) -> None:
    """Write what a generation led to; a new text of the same response replaces the timers of the one before."""
    if writes.timers is not None:
        _DELETE.run(conn, {"of_response": response_id})
        same = {"session_id": session_id, "response_id": response_id, "after_id": writes.after_id}
        _INSERT.run_each(conn, [same | _columns(each) for each in writes.timers])
    for pattern in sorted(writes.slow_keys):
        wanted = {"session_id": session_id, "pattern": pattern}
        if _IS_SLOW.scalar(conn, wanted) is None:
            _INSERT_SLOW.run(conn, {**wanted, "at": at})


def hand_on(conn: Connection, replaced: ResponseId, by: ResponseId) -> None:
    """A redelivery says the same text, which fired the same lore."""
    _HAND_ON.run(conn, {"replaced": replaced, "by": by})


def _columns(timer: Timer) -> dict[str, Any]:
    names = ("book_id", "entry_id", "fingerprint", "sticky", "cooldown")
    return {name: getattr(timer, name) for name in names}


def _timer(conn: Connection, row: Any, wanted: dict[str, Any]) -> Timer:  # noqa: ANN401 # the statement's own row
    """The timer with its age, which is not counted further than it matters; what is only remembered has age 1."""
    lasts = row.sticky + row.cooldown
    counted = {**wanted, "after_id": row.after_id, "messages_max": lasts}
    age = _AGE.scalar(conn, counted) if lasts else 1
    return Timer(row.book_id, row.entry_id, row.fingerprint, row.sticky, row.cooldown, age)
