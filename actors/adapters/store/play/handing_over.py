"""Hand a turn over: the character at whose name a delivered line was cut speaks next, once a turn."""

from __future__ import annotations

import json
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from actors.adapters.store.engine.prepared import Prepared
from actors.adapters.store.engine.schema import move, response, turn
from actors.roleplay.model import ResponseId
from actors.roleplay.turns import handed_over
from machines.facts import Generated

_GENERATED: Final = Prepared(
    select(move.c.fields)
    .where(move.c.response_id == bindparam("response_id"), move.c.fact == Generated.__name__)
    .order_by(move.c.seq.desc())
    .limit(1)
)
_TURN: Final = Prepared(
    select(turn.c.id, turn.c.speakers, turn.c.speakers_left)
    .join(response, response.c.turn_id == turn.c.id)
    .where(response.c.id == bindparam("response_id"), response.c.replaces.is_(None), turn.c.handed_to.is_(None))
)
_HAND_OVER: Final = Prepared(
    update(turn)
    .where(turn.c.id == bindparam("of_turn"))
    .values(speakers=bindparam("speakers"), speakers_left=bindparam("left"), handed_to=bindparam("to"))
)


def hand_over(conn: Connection, response_id: ResponseId) -> None:
    """Give the next place in the turn to whom the line of this response was handed over, if it was."""
    written = _GENERATED.scalar(conn, {"response_id": response_id})
    to: str | None = None if written is None else json.loads(written).get("next_speaker")
    row = None if to is None else _TURN.row(conn, {"response_id": response_id})
    if to is None or row is None:
        return
    begun = len(row.speakers) - row.speakers_left
    speakers = handed_over(tuple(row.speakers), begun=begun, to=to)
    values = {"of_turn": row.id, "speakers": list(speakers), "left": len(speakers) - begun, "to": to}
    _HAND_OVER.run(conn, values)
