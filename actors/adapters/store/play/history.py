"""Read and write the shared history: lines are only added, and amendments record edits and deletions.

A line is one entry with its messages, each with the text that the channel showed; an amendment belongs to a message.
The newest edit of a message is used; a deletion is final. A line is omitted if all its messages are deleted, or if its
text is empty: its author took it out of the play. The order is the channel's: by the id of the first message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, bindparam, case, false, func, insert, select, text, union_all, update

from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import amendment, history, history_message, inbox, part, response, session
from actors.adapters.store.play.deletion import BLANK, blank_message
from actors.adapters.store.play.sessions import IS_BELIEVED, IS_UNFINISHED
from actors.roleplay.model import (
    Amendment,
    ChannelMessage,
    Character,
    Entry,
    KnownMessage,
    Line,
    Reading,
    RecentHistory,
    SessionId,
)
from actors.roleplay.speakers import namesakes
from machines.response import Response, State

_Shown: TypeAlias = tuple[tuple[Any, ...], tuple[tuple[int, str], ...]]
"""A line's own columns, and (id, text) of each of its remaining messages."""

MESSAGES_PER_LINE: Final = 4
"""Messages that are read for each requested line: lines have several parts, and deleted ones lie between them."""

BEGINNING_MESSAGES_MAX: Final = 32
"""Messages that are searched for the first line of a person; a session begins with one, unless it was deleted."""

_NEWEST: Final = (
    select(func.max(amendment.c.id))
    .where(amendment.c.message_id == history_message.c.message_id)
    .correlate(history_message)
    .scalar_subquery()
)
_MESSAGES: Final = (
    select(
        history.c.id,
        history.c.kind,
        history.c.name,
        history.c.at,
        history.c.session_id,
        history.c.author_id,
        history.c.character_id,
        history.c.response_id,
        history_message.c.message_id,
        history_message.c.ordinal,
        case((amendment.c.id.is_(None), history_message.c.text), else_=amendment.c.text).label("shown"),
    )
    .select_from(
        history.join(history_message, history_message.c.history_id == history.c.id).outerjoin(
            amendment, amendment.c.id == _NEWEST
        )
    )
    .where(history.c.session_id == bindparam("session_id"), IS_BELIEVED)
)
_ORDER: Final = (history.c.first_message_id, history.c.id, history_message.c.ordinal)
_LINES: Final = Prepared(_MESSAGES.order_by(*_ORDER))
# The order of the index, read from its end: rows are fetched one by one, and unread rows cost nothing.
_NEWEST_FIRST: Final = Prepared(
    _MESSAGES.order_by(*(column.desc() for column in _ORDER)).limit(bindparam("messages_max"))
)
_IS_OF_TURN: Final = (
    select(response.c.id)
    .where(response.c.id == history.c.response_id, response.c.turn_id <= bindparam("turn_id"))
    .correlate(history)
    .exists()
)
_IS_READ: Final = (history.c.first_message_id <= bindparam("cause_id")) | _IS_OF_TURN
_NEWEST_READ: Final = Prepared(
    _MESSAGES.where(_IS_READ).order_by(*(column.desc() for column in _ORDER)).limit(bindparam("messages_max"))
)
_LATER: Final = Prepared(
    _MESSAGES.where(history.c.first_message_id > bindparam("cause_id"), ~_IS_OF_TURN).order_by(*_ORDER)
)
_OLDEST_FIRST: Final = Prepared(_MESSAGES.order_by(*_ORDER).limit(bindparam("messages_max")))
_FIRST_OF_AUTHOR: Final = Prepared(
    select(history.c.first_message_id)
    .where(history.c.session_id == bindparam("session_id"), history.c.author_id == bindparam("author_id"))
    .order_by(history.c.first_message_id)
    .limit(1)
)
_LINE: Final = itemgetter(*range(8))
_MESSAGE: Final = itemgetter(9, 8, 10)
_LENGTH: Final = Prepared(select(session.c.history_length).where(session.c.id == bindparam("session_id")))
_IS_DELETED: Final = (
    select(amendment.c.id)
    .where(amendment.c.message_id == history_message.c.message_id, text("amendment.text IS NULL"))
    .correlate(history_message)
    .exists()
)
_LIVE_MESSAGES: Final = Prepared(
    select(func.count())
    .select_from(history_message)
    .where(history_message.c.history_id == bindparam("history_id"), ~_IS_DELETED)
)
_HEARD: Final = Prepared(
    select(inbox.c.session_id, inbox.c.text, inbox.c.redacted).where(inbox.c.message_id == bindparam("message_id"))
)
_IS_OF_LINE: Final = (response.c.state != State.FAILED.value) & (part.c.number > response.c.dropped_parts)
_SAID: Final = Prepared(
    select(response.c.session_id, part.c.shown_text.label("text"), false().label("redacted"))
    .select_from(part.join(response, response.c.id == part.c.response_id))
    .where(part.c.message_id == bindparam("message_id"), _IS_OF_LINE)
)
_MAY_BE_SAID: Final = Prepared(
    select(response.c.id)
    .join(session, session.c.id == response.c.session_id)
    .where(
        session.c.channel_id == bindparam("channel_id"), IS_UNFINISHED, response.c.trigger_id < bindparam("message_id")
    )
)
_SHOWN: Final = union_all(
    select(inbox.c.message_id, inbox.c.text, inbox.c.at).where(
        inbox.c.channel_id == bindparam("channel_id"), inbox.c.message_id > bindparam("after"), ~inbox.c.redacted
    ),
    select(part.c.message_id, part.c.shown_text, response.c.moved_at)
    .join(response, response.c.id == part.c.response_id)
    .where(
        part.c.channel_id == bindparam("channel_id"),
        part.c.message_id > bindparam("after"),
        _IS_OF_LINE,
    ),
).subquery("shown")
_NEWEST_OF_SHOWN: Final = (
    select(func.max(amendment.c.id))
    .where(amendment.c.message_id == _SHOWN.c.message_id)
    .correlate(_SHOWN)
    .scalar_subquery()
)
_KNOWN: Final = Prepared(
    select(_SHOWN, amendment.c.text.label("amended_text"), amendment.c.at.label("amended_at"))
    .select_from(_SHOWN.outerjoin(amendment, amendment.c.id == _NEWEST_OF_SHOWN))
    .order_by(_SHOWN.c.message_id)
)
_BLANK_DELETED: Final = Prepared(
    update(history_message).where(history_message.c.history_id == bindparam("of_line"), _IS_DELETED).values(text=BLANK)
)
_COLUMNS: Final = names_of(history, besides=["id"])
_INSERT: Final = Prepared(insert(history).returning(history.c.id), _COLUMNS)
_INSERT_MESSAGE: Final = Prepared(insert(history_message), names_of(history_message, besides=["redacted"]))
_AMEND: Final = Prepared(insert(amendment), ("message_id", "text", "at"))
_UNHEAR: Final = Prepared(
    update(inbox).where(inbox.c.message_id == bindparam("of_message")).values(deleted_at=bindparam("at"))
)
_LINE_OF: Final = Prepared(
    select(history_message.c.history_id).where(history_message.c.message_id == bindparam("message_id"))
)
_LENGTHEN: Final = Prepared(
    update(session)
    .where(session.c.id == bindparam("of_session"))
    .values(history_length=session.c.history_length + bindparam("by"))
)
_LAST_AMENDMENT: Final = Prepared(
    select(amendment.c.text)
    .where(amendment.c.message_id == bindparam("message_id"))
    .order_by(amendment.c.id.desc())
    .limit(1)
)


def entries(conn: Connection, session_id: SessionId) -> tuple[Entry, ...]:
    """Return the whole history in the channel's order, with amendments applied and deleted lines omitted."""
    return tuple(map(_entry, _whole(conn, session_id)))


def lines(conn: Connection, session_id: SessionId) -> tuple[Line, ...]:
    """Return the same history, message by message."""
    return tuple(map(_line, _whole(conn, session_id)))


def recent_entries(
    conn: Connection,
    session_id: SessionId,
    *,
    entries_max: int,
    characters_max: int | None = None,
    reading: Reading | None = None,
) -> RecentHistory:
    """Return the newest `entries`, the number of older ones and, if there are any, the first line of a person.

    With `reading`, as if what came later were not there.

    Reads from the end: the cost does not grow with the history.
    """
    wanted: dict[str, Any] = {"session_id": session_id, "messages_max": entries_max * MESSAGES_PER_LINE}
    length: int = _LENGTH.scalar(conn, {"session_id": session_id}) or 0
    newest_first = _NEWEST_FIRST
    if reading is not None:
        scope = {"session_id": session_id, "cause_id": reading.cause_id, "turn_id": reading.turn_id}
        newest_first, wanted = _NEWEST_READ, wanted | scope
        with closing(_LATER.run(conn, scope)) as rows:
            length -= sum(1 for _ in _shown_lines(rows))
    with closing(newest_first.run(conn, wanted)) as rows:
        newest = _up_to(islice(map(_entry, _shown_lines(rows)), entries_max), characters_max)
    older = max(0, length - len(newest))
    if not older:
        return RecentHistory(tuple(newest))
    return RecentHistory(tuple(newest), older, _first_user(conn, session_id), _first_authors(conn, session_id, newest))


def _up_to(lines: Iterable[Entry], characters_max: int | None) -> list[Entry]:
    """The lines up to and including the one that exceeds `characters_max`, in the channel's order."""
    taken: list[Entry] = []
    characters = 0
    for line in lines:
        taken.append(line)
        characters += len(line.text)
        if characters_max is not None and characters > characters_max:
            break
    return sorted(taken, key=lambda line: line.message_ids[0])


def _first_user(conn: Connection, session_id: SessionId) -> Entry | None:
    wanted = {"session_id": session_id, "messages_max": BEGINNING_MESSAGES_MAX}
    with closing(_OLDEST_FIRST.run(conn, wanted)) as rows:
        return next((line for line in map(_entry, _shown_lines(rows)) if line.kind == "user"), None)


def _first_authors(conn: Connection, session_id: SessionId, newest: Iterable[Entry]) -> tuple[int, ...]:
    """Order the authors of one name by their first lines; each search ends at that line, and few scenes need any."""

    def first(author_id: int) -> int:
        found: int = _FIRST_OF_AUTHOR.scalar(conn, {"session_id": session_id, "author_id": author_id})
        return found

    return tuple(sorted(namesakes(newest), key=first))


def add_heard(conn: Connection, session_id: SessionId, message: ChannelMessage) -> None:
    """Add a user's line with its present text; an amendment that was kept before it is older."""
    kept = _LAST_AMENDMENT.row(conn, {"message_id": message.id})
    if kept is not None and kept.text not in (None, message.text):
        _AMEND.run(conn, {"message_id": message.id, "text": message.text, "at": message.at})
    entry = {"kind": "user", "name": message.name, "at": message.at, "author_id": message.author_id}
    _add(conn, session_id, entry, ((message.id, message.text),))


def add_said(conn: Connection, session_id: SessionId, response: Response, character: Character, *, at: float) -> int:
    """Add a character's line, with the move to Delivered; return by how many lines the history grows (0 or 1)."""
    fields = {
        "kind": "character",
        "name": character.name,
        "at": at,
        "character_id": character.id,
        "response_id": response.id,
        "response_state": response.state.value,
    }
    return _add(conn, session_id, fields, response.shown)


def amend(conn: Connection, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
    """Record an edit or a deletion of a line, or of a part of an unfinished one; return the line's session.

    While a response is unfinished, an unknown message may be a part whose confirmation is not written yet, so its
    amendment is kept. Amendments of messages older than that response's trigger are not kept.
    """
    wanted = {"message_id": message_id}
    line = _HEARD.row(conn, wanted) or _SAID.row(conn, wanted)
    if line is None and _MAY_BE_SAID.scalar(conn, {"channel_id": channel_id, **wanted}) is None:
        return None
    if line is not None and line.redacted:
        return None  # its words are removed for good, whatever the message says now
    last = _LAST_AMENDMENT.row(conn, wanted)
    is_deleted = last is not None and last.text is None
    shown = last.text if last is not None else line.text if line is not None else None
    # Discord reports edits that change nothing (a link's preview), and out of order: so a deletion is final.
    if not is_deleted and (text is None or text != shown):
        _AMEND.run(conn, {"message_id": message_id, "text": text, "at": at})
        if line is not None:
            _follow(conn, line.session_id, message_id, before=shown, after=text, at=at)
            if text is None:
                blank_message(conn, line.session_id, message_id)
    return None if line is None else line.session_id


def amend_all(
    conn: Connection, channel_id: int, amendments: Sequence[Amendment], *, at: float
) -> tuple[SessionId, ...]:
    """Call `amend` for each; return the sessions of the amended lines."""
    amended = [amend(conn, channel_id, each.message_id, text=each.text, at=at) for each in amendments]
    return tuple(dict.fromkeys(session_id for session_id in amended if session_id is not None))


def known_messages(conn: Connection, channel_id: int, *, after: int) -> tuple[KnownMessage, ...]:
    """Return messages newer than `after` that belong to lines, finished or not; without deleted ones."""
    return tuple(
        KnownMessage(message_id, words, at) if amended_at is None else KnownMessage(message_id, amended, amended_at)
        for message_id, words, at, amended, amended_at in _KNOWN.run(conn, {"channel_id": channel_id, "after": after})
        if amended_at is None or amended is not None
    )


def _add(conn: Connection, session_id: SessionId, entry: dict[str, Any], messages: tuple[tuple[int, str], ...]) -> int:
    new = dict.fromkeys(_COLUMNS) | {"session_id": session_id, "first_message_id": messages[0][0]} | entry
    history_id = _INSERT.scalar(conn, new)
    _INSERT_MESSAGE.run_each(
        conn,
        [
            {"message_id": message_id, "history_id": history_id, "ordinal": ordinal, "text": words}
            for ordinal, (message_id, words) in enumerate(messages, start=1)
        ],
    )
    live = _LIVE_MESSAGES.scalar(conn, {"history_id": history_id})
    if live < len(messages):  # a moderator deleted messages of the line before its last part was confirmed
        _BLANK_DELETED.run(conn, {"of_line": history_id})
    if not live:
        return 0
    _lengthen(conn, session_id, 1)
    return 1


def _follow(
    conn: Connection, session_id: SessionId, message_id: int, *, before: str | None, after: str | None, at: float
) -> None:
    """Apply an amendment of a line to its message's turn and to the history's length."""
    if after is None:
        _forget(conn, session_id, message_id, at, was_in_play=before != "")
    elif (before == "") != (after == ""):
        _lengthen(conn, session_id, 1 if after else -1)
        _UNHEAR.run(conn, {"of_message": message_id, "at": None if after else at})


def _forget(conn: Connection, session_id: SessionId, message_id: int, at: float, *, was_in_play: bool) -> None:
    _UNHEAR.run(conn, {"of_message": message_id, "at": at})
    history_id = _LINE_OF.scalar(conn, {"message_id": message_id})
    if was_in_play and history_id is not None and not _LIVE_MESSAGES.scalar(conn, {"history_id": history_id}):
        _lengthen(conn, session_id, -1)


def _lengthen(conn: Connection, session_id: SessionId, by: int) -> None:
    _LENGTHEN.run(conn, {"of_session": session_id, "by": by})


def _whole(conn: Connection, session_id: SessionId) -> list[_Shown]:
    with closing(_LINES.run(conn, {"session_id": session_id})) as rows:
        # If its first message was deleted, a line is sorted by its next one.
        return sorted(_shown_lines(rows), key=lambda line: line[1][0])


def _shown_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[_Shown]:
    """Group rows, in either order, into lines; a line whose first message was not read is skipped."""
    for line, group in groupby(rows, key=_LINE):
        messages = sorted(map(_MESSAGE, group))
        shown = tuple((message_id, words) for _, message_id, words in messages if words)
        if shown and messages[0][0] == 1:
            yield line, shown


def _entry(shown: _Shown) -> Entry:
    (_, kind, name, at, session_id, author_id, character_id, response_id), messages = shown
    ids, texts = zip(*messages, strict=True)
    return Entry(kind, name, "\n".join(texts), ids, at, session_id, author_id, character_id, response_id)


def _line(shown: _Shown) -> Line:
    (_, _, name, _, _, _, _, response_id), messages = shown
    return Line(name, messages, response_id)
