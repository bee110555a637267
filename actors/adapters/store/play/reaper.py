"""Look up our known messages, and the parts and texts of which a second copy may still appear."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, CompoundSelect, Connection, bindparam, or_, select, union

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import inbox, outbox, part, response, retry_request, voice
from actors.adapters.store.play.outbox import DOUBTFUL, ON_ITS_WAY, outbox_row
from actors.adapters.store.play.sessions import IS_UNFINISHED
from actors.adapters.store.play.unfinished import outbound_of
from actors.ports.store import Watched
from actors.roleplay.model import OutboxKind
from machines.response import FINAL


def _newer(*ids: Column[int]) -> CompoundSelect[int]:
    return union(
        *(
            select(message_id).where(
                message_id.table.c.channel_id == bindparam("channel_id"), message_id > bindparam("after")
            )
            for message_id in ids
        )
    )


_CONFIRMED: Final = (part.c.message_id, outbox.c.message_id)
_OURS: Final = (*_CONFIRMED, outbox.c.target_id)
_OWN: Final = Prepared(_newer(*_OURS))
_OWN_TO_STAND: Final = Prepared(_newer(*_CONFIRMED))
_HANDLED: Final = Prepared(_newer(*_OURS, inbox.c.message_id))
_ANSWER: Final = "answer:"
"""Prefix of the key of an answer; the id of the command's message follows."""

_ANSWERED: Final = Prepared(
    select(outbox.c.key).where(
        outbox.c.channel_id == bindparam("channel_id"),
        outbox.c.kind == OutboxKind.ANSWER.value,
        outbox.c.key.startswith(_ANSWER),  # limits are announced under keys of their own
        or_(outbox.c.message_id > bindparam("after"), outbox.c.message_id.is_(None)),
    )
)
_IS_ASKED_FOR: Final = (
    select(retry_request.c.response_id)
    .where(retry_request.c.response_id == response.c.id, retry_request.c.taken_by.is_(None))
    .correlate(response)
    .exists()
)
_PARTS: Final = (
    select(part, response.c.state)
    .select_from(part.join(response, response.c.id == part.c.response_id))
    .where(
        part.c.nonce.is_not(None),
        or_(
            IS_UNFINISHED,
            (response.c.doubtful | response.c.is_watched) & ((part.c.tried_at > bindparam("since")) | _IS_ASKED_FOR),
        ),
    )
    .order_by(part.c.response_id, part.c.number)
)
_WATCHED: Final = Prepared(_PARTS.where(part.c.channel_id == bindparam("channel_id")))
# A part names only the webhook of its last attempt, so parts are found through the channel that a webhook was made for.
_HOMES: Final = select(voice.c.channel_id).where(
    voice.c.webhook_id == bindparam("webhook_id"), voice.c.channel_id != bindparam("channel_id")
)
_WATCHED_ELSEWHERE: Final = Prepared(_PARTS.where(part.c.channel_id.in_(_HOMES)))
# ORDER BY selects one index, and `+ 0` prevents another: otherwise SQLite reads every text of the channel.
_TEXTS: Final = (
    Prepared(
        select(outbox).where(outbox.c.channel_id == bindparam("channel_id"), ON_ITS_WAY).order_by(outbox.c.due_at)
    ),
    Prepared(select(outbox).where(outbox.c.channel_id + 0 == bindparam("channel_id"), DOUBTFUL)),
)


def own_messages(conn: Connection, channel_id: int, *, after: int, with_takedowns: bool = True) -> frozenset[int]:
    """Return ids newer than `after` of confirmed parts, notices and answers and, if wanted, of take-down targets."""
    statement = _OWN if with_takedowns else _OWN_TO_STAND
    return frozenset(row[0] for row in statement.run(conn, {"channel_id": channel_id, "after": after}))


def handled_messages(conn: Connection, channel_id: int, *, after: int) -> frozenset[int]:
    """Return ids of people's lines, of commands with an answer, and of our messages, confirmed or to be taken down."""
    here = {"channel_id": channel_id, "after": after}
    commands = (int(key.removeprefix(_ANSWER)) for (key,) in _ANSWERED.run(conn, here))
    return frozenset(row[0] for row in _HANDLED.run(conn, here)).union(commands)


def watched(conn: Connection, channel_id: int, *, since: float) -> tuple[Watched, ...]:
    """Return the tried parts of unfinished responses, and of doubtful or watched ones that meet a condition.

    The condition: the last attempt was after `since`, or a redelivery is requested.
    """
    rows = _WATCHED.rows(conn, {"channel_id": channel_id, "since": since})
    return tuple(Watched(outbound_of(row), row.message_id, is_final=row.state in FINAL) for row in rows)


def watched_elsewhere(conn: Connection, channel_id: int, webhook_id: int, *, since: float) -> tuple[Watched, ...]:
    """Return `watched` of the channel that the webhook was made for, if that is not `channel_id`."""
    here = {"channel_id": channel_id, "webhook_id": webhook_id, "since": since}
    rows = _WATCHED_ELSEWHERE.rows(conn, here)
    return tuple(Watched(outbound_of(row), row.message_id, is_final=row.state in FINAL) for row in rows)


def watched_texts(conn: Connection, channel_id: int, *, since: float) -> tuple[Watched, ...]:
    """Return tried, unfinished notices and answers, and those done after `since` with more than one attempt."""
    here = {"channel_id": channel_id, "since": since}
    rows = (row for statement in _TEXTS for row in statement.rows(conn, here))
    return tuple(Watched(outbox_row(row).outbound, row.message_id, is_final=row.done_at is not None) for row in rows)
