"""The shared history: lines that only ever come to it, and amendments that say what became of them.

A line is one entry and its messages, each with the text that the channel showed; an amendment names a
message. The newest edit of a message counts, a deletion for good; a line all of whose messages are deleted is
left out. The order is the channel's: by the id of the first message.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from actors.adapters.store.schema import AnyRow, amendment, history, history_message, inbox, part, response, session
from actors.roleplay.model import ChannelMessage, Entry, SessionId
from machines.response import Response, State

_NEWEST: Final = (
    select(func.max(amendment.c.id))
    .where(amendment.c.message_id == history_message.c.message_id)
    .correlate(history_message)
    .scalar_subquery()
)
_LINES: Final = (
    select(
        history,
        history_message.c.message_id,
        history_message.c.text,
        amendment.c.id.label("amendment_id"),
        amendment.c.text.label("amended_text"),
    )
    .select_from(
        history.join(history_message, history_message.c.history_id == history.c.id).outerjoin(
            amendment, amendment.c.id == _NEWEST
        )
    )
    .where(history.c.session_id == bindparam("session_id"))
    .order_by(history.c.first_message_id, history.c.id, history_message.c.ordinal)
)
_IS_DELETED: Final = (
    select(amendment.c.id)
    .where(amendment.c.message_id == history_message.c.message_id, text("amendment.text IS NULL"))
    .correlate(history_message)
    .exists()
)
_LIVE_MESSAGES: Final = (
    select(func.count())
    .select_from(history_message)
    .where(history_message.c.history_id == bindparam("history_id"), ~_IS_DELETED)
)
_HEARD: Final = select(inbox.c.session_id, inbox.c.text).where(inbox.c.message_id == bindparam("message_id"))
_SAID: Final = (
    select(response.c.session_id, part.c.shown_text.label("text"))
    .select_from(part.join(response, response.c.id == part.c.response_id))
    .where(part.c.message_id == bindparam("message_id"), response.c.state != State.FAILED.value)
)
_LAST_AMENDMENT: Final = (
    select(amendment.c.text)
    .where(amendment.c.message_id == bindparam("message_id"))
    .order_by(amendment.c.id.desc())
    .limit(1)
)


def entries(conn: Connection, session_id: SessionId) -> tuple[Entry, ...]:
    """The whole shared history in the channel's order, amendments applied, deleted lines left out."""
    rows = conn.execute(_LINES, {"session_id": session_id}).all()
    lines = (_entry(list(messages)) for _, messages in groupby(rows, key=lambda row: row.id))
    # A line whose first message was deleted stands where the rest of it does.
    return tuple(sorted((line for line in lines if line is not None), key=lambda line: line.message_ids[0]))


def add_heard(conn: Connection, session_id: SessionId, message: ChannelMessage) -> None:
    """A user's line enters with its message."""
    entry = {"kind": "user", "name": message.name, "at": message.at, "author_id": message.author_id}
    _add(conn, session_id, entry, ((message.id, message.text),))


def add_said(conn: Connection, response: Response, entry: Entry) -> int:
    """A character's line enters with Delivered; returns by how much the history is longer.

    Raises ValueError when the line is not what the channel shows.
    """
    if entry.message_ids != tuple(message_id for message_id, _ in response.shown) or entry.text != response.text_shown:
        raise ValueError(f"the line of {response.id} is not the one that the channel shows")
    fields = {
        "kind": entry.kind,
        "name": entry.name,
        "at": entry.at,
        "character_id": entry.character_id,
        "response_id": response.id,
        "response_state": response.state.value,
    }
    return _add(conn, entry.session_id, fields, response.shown)


def amend(conn: Connection, message_id: int, *, text: str | None, at: float) -> SessionId | None:
    """Note an edit or a deletion of a line, or of a part of one that is still on its way."""
    wanted = {"message_id": message_id}
    line = conn.execute(_HEARD, wanted).one_or_none() or conn.execute(_SAID, wanted).one_or_none()
    if line is None:
        return None
    session_id: SessionId = line.session_id
    last = conn.execute(_LAST_AMENDMENT, wanted).one_or_none()
    shown = line.text if last is None else last.text
    # Discord tells of edits that change nothing (a link's preview), and out of order: deleted is for good.
    if shown is not None and shown != text:
        conn.execute(insert(amendment).values(message_id=message_id, text=text, at=at))
        if text is None:
            _forget(conn, session_id, message_id, at)
    return session_id


def _add(conn: Connection, session_id: SessionId, entry: dict[str, Any], messages: tuple[tuple[int, str], ...]) -> int:
    new = insert(history).values(session_id=session_id, first_message_id=messages[0][0], **entry)
    history_id = conn.execute(new.returning(history.c.id)).scalar_one()
    conn.execute(
        insert(history_message),
        [
            {"message_id": message_id, "history_id": history_id, "ordinal": ordinal, "text": words}
            for ordinal, (message_id, words) in enumerate(messages, start=1)
        ],
    )
    # Zero only where a moderator deleted all of a line before its last part was confirmed.
    if not conn.execute(_LIVE_MESSAGES, {"history_id": history_id}).scalar_one():
        return 0
    _lengthen(conn, session_id, 1)
    return 1


def _forget(conn: Connection, session_id: SessionId, message_id: int, at: float) -> None:
    conn.execute(update(inbox).where(inbox.c.message_id == message_id).values(deleted_at=at))
    of_message = select(history_message.c.history_id).where(history_message.c.message_id == message_id)
    history_id = conn.execute(of_message).scalar()
    if history_id is not None and not conn.execute(_LIVE_MESSAGES, {"history_id": history_id}).scalar_one():
        _lengthen(conn, session_id, -1)


def _lengthen(conn: Connection, session_id: SessionId, by: int) -> None:
    longer = session.c.history_length + by
    conn.execute(update(session).where(session.c.id == session_id).values(history_length=longer))


def _entry(messages: list[AnyRow]) -> Entry | None:
    shown = [
        (row.message_id, row.text if row.amendment_id is None else row.amended_text)
        for row in messages
        if row.amendment_id is None or row.amended_text is not None
    ]
    if not shown:
        return None
    first = messages[0]
    return Entry(
        kind=first.kind,
        name=first.name,
        text="\n".join(words for _, words in shown),
        message_ids=tuple(message_id for message_id, _ in shown),
        at=first.at,
        session_id=first.session_id,
        author_id=first.author_id,
        character_id=first.character_id,
        response_id=first.response_id,
    )
