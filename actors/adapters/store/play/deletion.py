"""Delete words: those of a message that was deleted in Discord, those of a person, and those of old scenes.

    a deletion in Discord ─► `blank_message`, in its transaction      `forget` ─► everything that a person wrote
    every hour ─► `tidy`: what had to stay for a while                 `prune` ─► whole scenes, by when they ended

A text is blanked wherever it is stored: inbox, history, edits, parts, moves, prompts and answers of models, answers to
commands. Rows stay, so that ids, states and times still tell what happened. A part of which a second copy may still
appear keeps its text until that time is over: the reaper finds the copy by it, and takes it down.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BindParameter,
    Connection,
    Delete,
    String,
    Update,
    bindparam,
    delete,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    update,
)

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.report_tables import missing_report
from actors.adapters.store.engine.schema import (
    amendment,
    cast,
    ending,
    exchange,
    history,
    history_message,
    inbox,
    move,
    outbox,
    part,
    response,
    retry_request,
    session,
    turn,
)
from actors.ports.deletion import Forgotten, Kept
from actors.roleplay.model import ResponseId, SessionId
from actors.roleplay.names import NAMELESS, name_key
from machines.response import FINAL
from machines.session import State

SCENES_AT_ONCE: Final = 20
"""Scenes of one transaction: a scene of a thousand lines takes some ten milliseconds, and lines wait meanwhile."""

TEXTS: Final = ("text", "texts")
"""Fields of facts that hold a line's words."""

_OF_MESSAGE: Final[BindParameter[int]] = bindparam("of_message")
BLANK: Final = literal_column("''", String)
_INBOX: Final = Prepared(update(inbox).where(inbox.c.message_id == _OF_MESSAGE).values(text=BLANK))
_HISTORY: Final = Prepared(
    update(history_message).where(history_message.c.message_id == _OF_MESSAGE).values(text=BLANK)
)
_EDITS: Final = Prepared(
    update(amendment).where(amendment.c.message_id == _OF_MESSAGE, amendment.c.text.is_not(None)).values(text=BLANK)
)
_WROTE_AT: Final = Prepared(select(inbox.c.at).where(inbox.c.message_id == _OF_MESSAGE))
_LINE: Final = Prepared(
    select(response.c.id, response.c.state, response.c.started_at, response.c.doubtful, response.c.is_watched)
    .join(part, part.c.response_id == response.c.id)
    .where(part.c.message_id == _OF_MESSAGE)
)
_EXCHANGES: Final = Prepared(
    update(exchange)
    .where(
        exchange.c.session_id == bindparam("of_session"),
        exchange.c.texts.is_not(None),
        exchange.c.response_id.in_(
            select(response.c.id).where(
                response.c.session_id == bindparam("of_session"), response.c.moved_at >= bindparam("since")
            )
        ),
    )
    .values(texts=null())
)
"""A prompt that was built after the message came may hold its words, in any form."""

_CHANNEL: Final = select(session.c.channel_id).where(session.c.id == bindparam("of_session")).scalar_subquery()
_ANSWERS: Final = Prepared(
    update(outbox)
    .where(
        outbox.c.channel_id == _CHANNEL,
        outbox.c.repeats,
        outbox.c.done_at >= bindparam("since"),
        outbox.c.attempt <= 1,
    )
    .values(text=BLANK)
)
"""`!history` repeats words; an answer that was tried twice may have a second copy, and waits for `tidy`."""

_PARTS: Final = Prepared(
    update(part)
    .where(
        part.c.response_id == bindparam("of_response"),
        part.c.message_id.in_(select(amendment.c.message_id).where(text("amendment.text IS NULL"))),
    )
    .values(text=BLANK, shown_text=BLANK)
)
_MOVES: Final = Prepared(select(move.c.seq, move.c.fields).where(move.c.response_id == bindparam("of_response")))
_BLANK_MOVE: Final = Prepared(
    update(move)
    .where(move.c.response_id == bindparam("of_response"), move.c.seq == bindparam("of_seq"))
    .values(fields=bindparam("blank"))
)
_DELETED_LINES: Final = (
    select(response.c.id)
    .distinct()
    .select_from(
        amendment.join(part, part.c.message_id == amendment.c.message_id).join(
            response, response.c.id == part.c.response_id
        )
    )
    .where(
        text("amendment.text IS NULL"),
        part.c.text != "",
        response.c.state.in_([str(state) for state in FINAL]),
        or_(~(response.c.doubtful | response.c.is_watched), part.c.tried_at < bindparam("watched_since")),
    )
)


def blank_message(conn: Connection, session_id: SessionId, message_id: int) -> None:
    """Blank the words of a message that was deleted, in every table."""
    wanted = {"of_message": message_id}
    line = _LINE.row(conn, wanted)
    since = line.started_at if line is not None else _WROTE_AT.scalar(conn, wanted)
    for statement in (_INBOX, _HISTORY, _EDITS):
        statement.run(conn, wanted)
    _blank_repeated(conn, session_id, since=since or 0.0)
    if line is not None and line.state in FINAL and not (line.doubtful or line.is_watched):
        blank_line(conn, line.id)


def blank_line(conn: Connection, response_id: ResponseId) -> None:
    """Blank a character's line in its parts, and in the facts of its moves."""
    _PARTS.run(conn, {"of_response": response_id})
    for seq, fields in _MOVES.rows(conn, {"of_response": response_id}):
        blank = _without_texts(json.loads(fields))
        if blank is not None:
            _BLANK_MOVE.run(conn, {"of_response": response_id, "of_seq": seq, "blank": json.dumps(blank)})


def _without_texts(fields: dict[str, Any]) -> dict[str, Any] | None:
    """The fields of a fact without words; None if it has none."""
    if not any(fields.get(name) for name in TEXTS):
        return None
    return fields | {name: None for name in TEXTS if name in fields} | {"redacted": True}


def _blank_repeated(conn: Connection, session_id: SessionId, *, since: float) -> None:
    """Blank what may repeat words that were said at `since`: prompts, answers of models, answers to commands."""
    for statement in (_EXCHANGES, _ANSWERS):
        statement.run(conn, {"of_session": session_id, "since": since})


# ── a person ────────────────────────────────────────────────────────────────────────────────────────


def people_named(conn: Connection, name: str) -> tuple[tuple[int, str], ...]:
    """Return (id, name) of everybody who wrote under this name, in any case; the newest name of each."""
    found = select(inbox.c.author_id, inbox.c.name).where(inbox.c.author_id != 0).order_by(inbox.c.message_id)
    named = {author_id: shown for author_id, shown in conn.execute(found) if name_key(shown) == name_key(name)}
    return tuple(sorted(named.items()))


def forget(conn: Connection, author_id: int, *, at: float) -> Forgotten:
    """Blank everything that a person wrote, and who wrote it; the messages themselves stay in Discord."""
    theirs = select(inbox.c.message_id).where(inbox.c.author_id == author_id)
    scenes = tuple(conn.execute(select(inbox.c.session_id).where(inbox.c.author_id == author_id).distinct()).scalars())
    for session_id in scenes:
        _shorten(conn, session_id, author_id)
    removed = {
        "exchange": _count(
            conn, update(exchange).where(exchange.c.session_id.in_(scenes), exchange.c.texts.is_not(None)), texts=None
        ),
        "amendment": _count(
            conn, update(amendment).where(amendment.c.message_id.in_(theirs), amendment.c.text.is_not(None)), text=""
        ),
        "history_message": _count(
            conn, update(history_message).where(history_message.c.message_id.in_(theirs)), text="", redacted=True
        ),
        "history": _count(conn, update(history).where(history.c.author_id == author_id), name=NAMELESS, author_id=None),
        "outbox": _forget_answers(conn, author_id, scenes),
        "session": _count(
            conn,
            update(session).where(session.c.opener_id == author_id, session.c.state == State.ENDED.value),
            scenario="",
        ),
        "missing_report": _count(conn, delete(missing_report).where(missing_report.c.reported_by == author_id)),
    }
    conn.execute(update(session).where(session.c.opener_id == author_id).values(opener_id=None))
    is_theirs = inbox.c.author_id == author_id
    conn.execute(update(inbox).where(is_theirs, inbox.c.deleted_at.is_(None)).values(deleted_at=at))
    removed["inbox"] = _count(conn, update(inbox).where(is_theirs), text="", name=NAMELESS, author_id=0, redacted=True)
    return Forgotten(author_id, len(scenes), {name: count for name, count in sorted(removed.items()) if count})


def _shorten(conn: Connection, session_id: SessionId, author_id: int) -> None:
    """Take a person's lines that are still shown off the history's length."""
    newest = (
        select(func.max(amendment.c.id))
        .where(amendment.c.message_id == history_message.c.message_id)
        .correlate(history_message)
        .scalar_subquery()
    )
    shown = (
        select(func.count())
        .select_from(
            history.join(history_message, history_message.c.history_id == history.c.id).outerjoin(
                amendment, amendment.c.id == newest
            )
        )
        .where(
            history.c.session_id == session_id,
            history.c.author_id == author_id,
            history_message.c.text != "",
            or_(amendment.c.id.is_(None), func.coalesce(amendment.c.text, "") != ""),
        )
        .scalar_subquery()
    )
    length = session.c.history_length - shown
    conn.execute(update(session).where(session.c.id == session_id).values(history_length=length))


def _forget_answers(conn: Connection, author_id: int, scenes: Sequence[SessionId]) -> int:
    """Blank the answers to a person's commands, and those that may repeat the person's words."""
    channels = select(session.c.channel_id).where(session.c.id.in_(scenes))
    repeats = outbox.c.repeats & outbox.c.channel_id.in_(channels)
    answers = update(outbox).where(
        or_(outbox.c.asked_by == author_id, repeats), outbox.c.done_at.is_not(None), outbox.c.text != ""
    )
    blanked = _count(conn, answers, text="")
    conn.execute(update(outbox).where(outbox.c.asked_by == author_id).values(asked_by=None))
    return blanked


def _count(conn: Connection, statement: Update | Delete, **values: object) -> int:
    changed = statement.values(**values) if isinstance(statement, Update) else statement
    return conn.execute(changed).rowcount


# ── what is old ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Scene:
    """Selections of a few scenes' rows."""

    ids: Sequence[SessionId]

    @property
    def responses(self) -> Any:  # noqa: ANN401 - a select, whose type SQLAlchemy does not spell out
        return select(response.c.id).where(response.c.session_id.in_(self.ids))

    @property
    def lines(self) -> Any:  # noqa: ANN401
        return select(history.c.id).where(history.c.session_id.in_(self.ids))

    @property
    def messages(self) -> Any:  # noqa: ANN401
        return select(history_message.c.message_id).where(history_message.c.history_id.in_(self.lines))

    def deletions(self) -> Iterable[tuple[str, Delete]]:
        """(table, statement), in an order in which no row refers to a deleted one."""
        yield exchange.name, delete(exchange).where(exchange.c.session_id.in_(self.ids))
        yield missing_report.name, delete(missing_report).where(missing_report.c.session_id.in_(self.ids))
        yield outbox.name, delete(outbox).where(outbox.c.response_id.in_(self.responses))
        yield amendment.name, delete(amendment).where(amendment.c.message_id.in_(self.messages))
        yield history_message.name, delete(history_message).where(history_message.c.history_id.in_(self.lines))
        yield history.name, delete(history).where(history.c.session_id.in_(self.ids))
        yield ending.name, delete(ending).where(ending.c.response_id.in_(self.responses))
        yield part.name, delete(part).where(part.c.response_id.in_(self.responses))
        yield retry_request.name, delete(retry_request).where(retry_request.c.session_id.in_(self.ids))


def ended_before(conn: Connection, before: float) -> tuple[SessionId, ...]:
    """Return scenes that ended before a time, none of whose lines is on its way; oldest first."""
    unfinished = (
        select(response.c.id)
        .where(response.c.session_id == session.c.id, response.c.state.not_in([str(state) for state in FINAL]))
        .correlate(session)
        .exists()
    )
    old = select(session.c.id).where(session.c.ended_at < before, ~unfinished).order_by(session.c.ended_at)
    return tuple(conn.execute(old.limit(SCENES_AT_ONCE)).scalars())


def prune(conn: Connection, *, before: float) -> dict[str, int]:
    """Delete a few scenes that ended before a time, with everything of them; return the rows by table, empty if none
    is left."""
    scene = _Scene(ended_before(conn, before))
    if not scene.ids:
        return {}
    removed: Counter[str] = Counter()
    for table, statement in scene.deletions():
        removed[table] += conn.execute(statement).rowcount
    responses = tuple(conn.execute(scene.responses).scalars())
    conn.execute(update(response).where(response.c.id.in_(responses)).values(replaces=None))
    removed["response"] = conn.execute(delete(response).where(response.c.id.in_(responses))).rowcount
    for response_id in responses:
        # From the end: each move refers to the one before it.
        for seq in conn.execute(
            select(move.c.seq).where(move.c.response_id == response_id).order_by(move.c.seq.desc())
        ).scalars():
            conn.execute(delete(move).where(move.c.response_id == response_id, move.c.seq == seq))
            removed["move"] += 1
    for rows in (turn, inbox, cast):
        removed[rows.name] += conn.execute(delete(rows).where(rows.c.session_id.in_(scene.ids))).rowcount
    removed["session"] = conn.execute(delete(session).where(session.c.id.in_(scene.ids))).rowcount
    return dict(sorted(removed.items()))


def tidy(conn: Connection, kept: Kept, *, watched_since: float) -> None:
    """Blank what had to stay for a while, and delete the exchanges of scenes that ended before `kept.exchanges_since`.

    `watched_since`: before it, no second copy of a message is looked for.
    """
    for response_id in conn.execute(_DELETED_LINES, {"watched_since": watched_since}).scalars().all():
        blank_line(conn, response_id)
    repeated = outbox.c.repeats & (outbox.c.done_at < watched_since) & (outbox.c.text != "")
    conn.execute(update(outbox).where(repeated).values(text=""))
    if kept.exchanges_since is not None:
        ended = select(session.c.id).where(session.c.ended_at < kept.exchanges_since)
        conn.execute(delete(exchange).where(exchange.c.session_id.in_(ended)))
