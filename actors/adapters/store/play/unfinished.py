"""Read an unfinished response back as the last process left it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, or_, select

from actors.adapters.store.engine.known_values import fact_of, limits_of
from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import AnyRow, move, part, response, session
from actors.adapters.store.play.characters import character_of
from actors.adapters.store.play.sessions import IS_UNFINISHED
from actors.ports.work import ResponseRecord
from actors.roleplay.model import Outbound, OutboundKind, ResponseId, SessionId
from actors.roleplay.plan import Failure
from machines.facts import BLOCKED, Fact, GenerationFailed, SendRefused
from machines.response import Response

_IS_ANY: Final = Prepared(
    select(response.c.id)
    .where(response.c.session_id == bindparam("session_id"), IS_UNFINISHED)
    .order_by(response.c.id)
    .limit(1)
)
_UNFINISHED: Final = Prepared(
    select(response, session.c.channel_id)
    .select_from(response.join(session, session.c.id == response.c.session_id))
    .where(response.c.session_id == bindparam("session_id"), IS_UNFINISHED)
    .order_by(response.c.id)
    .limit(1)
)
_PARTS: Final = Prepared(select(part).where(part.c.response_id == bindparam("response_id")).order_by(part.c.number))
_MOVES: Final = (
    select(move.c.source, move.c.dest, move.c.fact, move.c.fields)
    .where(move.c.response_id == bindparam("response_id"))
    .order_by(move.c.seq)
)
_FAILURES: Final = Prepared(
    select(move.c.reason, move.c.fields)
    .where(
        move.c.response_id == bindparam("response_id"),
        or_(
            move.c.fact == GenerationFailed.__name__,
            (move.c.fact == SendRefused.__name__) & (move.c.reason == BLOCKED),
        ),
    )
    .order_by(move.c.seq)
)


def unfinished_response(conn: Connection, session_id: SessionId) -> ResponseRecord | None:
    """Return the oldest unfinished response of a session."""
    if _IS_ANY.scalar(conn, {"session_id": session_id}) is None:
        return None  # the usual case
    row = _UNFINISHED.row(conn, {"session_id": session_id})
    return None if row is None else _record(conn, row)


def moves(conn: Connection, response_id: ResponseId) -> tuple[tuple[str, str, Fact], ...]:
    """Return (from, to, fact) of each move, oldest first."""
    rows = conn.execute(_MOVES, {"response_id": response_id})
    return tuple((row.source, row.dest, fact_of(response_id, row.fact, row.fields)) for row in rows)


def outbound_of(row: AnyRow) -> Outbound:
    """Return a part's intent; the row must have one (a nonce)."""
    return Outbound(
        kind=OutboundKind(row.kind),
        channel_id=row.channel_id,
        name=row.name,
        text=row.text,
        nonce=row.nonce,
        watermark=row.fence,
        webhook_id=row.webhook_id,
        character_id=row.character_id,
    )


def _record(conn: Connection, row: AnyRow) -> ResponseRecord:
    wanted = {"response_id": row.id}
    parts = [known for known in _PARTS.rows(conn, wanted) if known.number > row.dropped_parts]
    tried = [known for known in parts[row.part - 1 : row.part] if known.nonce is not None]
    return ResponseRecord(
        response=_response(row, parts),
        session_id=row.session_id,
        channel_id=row.channel_id,
        turn_id=row.turn_id,
        trigger_id=row.trigger_id,
        character=character_of(conn, row.character_id),
        outbound=outbound_of(tried[0]) if tried else None,
        reasons=tuple(map(_failure, _FAILURES.rows(conn, wanted))),
    )


def _failure(row: AnyRow) -> Failure:
    # Journals of earlier versions do not name the model.
    return Failure(row.reason, json.loads(row.fields).get("model", ""))


def _response(row: AnyRow, parts: Sequence[AnyRow]) -> Response:
    return Response(
        id=row.id,
        limits=limits_of(row.id, row.limits),
        _state=row.state,
        version=row.version,
        dropped_parts=row.dropped_parts,
        texts=tuple(known.text for known in parts),
        part=row.part,
        attempt=row.attempt,
        shown=tuple((known.message_id, known.shown_text) for known in parts if known.message_id is not None),
        unconfirmed=row.unconfirmed,
        doubtful=row.doubtful,
        cancel_by=row.cancel_by,
        deadline_at=row.deadline_at,
        first_try_at=row.first_try_at,
        due_at=row.due_at,
        settled_at=row.settled_at,
        read_backs_failed=row.read_backs_failed,
        held_s=row.held_s,
    )
