"""Read responses with all their moves, for observers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from actors.adapters.store.engine.known_values import fact_of, limits_of
from actors.adapters.store.engine.schema import AnyRow, character, move, response
from actors.observation.journal import Recorded
from actors.roleplay.model import ResponseId, SessionId
from machines.facts import Fact

FOUND_MAX: Final = 3
"""Enough to report that the beginning of an id is ambiguous."""

_RESPONSES: Final = select(response.c.id, response.c.session_id, response.c.limits, character.c.name).select_from(
    response.join(character, character.c.id == response.c.character_id)
)
_MOVES: Final = select(move.c.response_id, move.c.source, move.c.dest, move.c.fact, move.c.fields)


def recorded(conn: Connection, response_id: ResponseId) -> Recorded | None:
    """Return one response; None if the id is unknown."""
    found = _with_moves(conn, _RESPONSES.where(response.c.id == response_id))
    return found[0] if found else None


def find_responses(conn: Connection, wanted: str) -> tuple[ResponseId, ...]:
    """Return the response with this id, else at most FOUND_MAX whose ids begin with it, oldest first."""
    if conn.execute(select(response.c.id).where(response.c.id == wanted)).first():
        return (wanted,)
    begins = response.c.id.startswith(wanted, autoescape=True)
    found = select(response.c.id).where(begins).order_by(response.c.id).limit(FOUND_MAX)
    return tuple(conn.execute(found).scalars())


def recently_recorded(
    conn: Connection, *, limit: int, state: str | None = None, session_id: SessionId | None = None
) -> tuple[Recorded, ...]:
    """Return at most `limit` responses, newest first (ids sort by creation time)."""
    wanted = _RESPONSES.order_by(response.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(response.c.state == state)
    if session_id is not None:
        wanted = wanted.where(response.c.session_id == session_id)
    return _with_moves(conn, wanted)


def _with_moves(conn: Connection, wanted: Select[Any]) -> tuple[Recorded, ...]:
    rows = conn.execute(wanted).all()
    moves = _moves_of(conn, [row.id for row in rows])
    return tuple(_recorded(row, tuple(moves[row.id])) for row in rows)


def _moves_of(conn: Connection, ids: Sequence[ResponseId]) -> dict[ResponseId, list[tuple[str, str, Fact]]]:
    moves: dict[ResponseId, list[tuple[str, str, Fact]]] = defaultdict(list)
    for row in conn.execute(_MOVES.where(move.c.response_id.in_(ids)).order_by(move.c.response_id, move.c.seq)):
        moves[row.response_id].append((row.source, row.dest, fact_of(row.response_id, row.fact, row.fields)))
    return moves


def _recorded(row: AnyRow, moves: tuple[tuple[str, str, Fact], ...]) -> Recorded:
    return Recorded(row.id, row.session_id, row.name, limits_of(row.id, row.limits), moves)
