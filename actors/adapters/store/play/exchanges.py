"""Store the exchanges with a model before each move, for the newest responses of each session.

An exchange is written in the move's transaction. Texts have a separate column, which only authorised people may read.
"""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select

from actors.adapters.store.engine.prepared import Prepared, names_of
from actors.adapters.store.engine.schema import exchange, response
from actors.ports.exchange import (
    Asked,
    AskedMessage,
    AskedTexts,
    Exchange,
    LoreFired,
    LoreMissed,
    LoreRecord,
    Request,
)
from actors.roleplay.model import ResponseId, SessionId
from machines.response import Move

RESPONSES_KEPT: Final = 20
"""Responses per session: about 0.5 MB with the default CONTEXT_TOKENS."""

FIRST_SEQ: Final = 2
"""The first move that can have an exchange. Pruning then happens once per response, which is often enough."""

_INSERT: Final = Prepared(insert(exchange), names_of(exchange))
_SESSION: Final[BindParameter[str]] = bindparam("session_id")
_OLDEST_KEPT: Final = (
    select(exchange.c.response_id)
    .where(exchange.c.session_id == _SESSION)
    .distinct()
    .order_by(exchange.c.response_id.desc())
    .limit(1)
    .offset(RESPONSES_KEPT - 1)
)
_PRUNE: Final = Prepared(
    delete(exchange).where(exchange.c.session_id == _SESSION, exchange.c.response_id < _OLDEST_KEPT.scalar_subquery())
)
_OF_RESPONSE: Final = (
    select(exchange.c.seq, exchange.c.told)
    .select_from(response.join(exchange, exchange.c.session_id == response.c.session_id))
    .where(response.c.id == bindparam("response_id"), exchange.c.response_id == response.c.id)
    .order_by(exchange.c.seq)
)


def keep(conn: Connection, session_id: SessionId, step: Move, kept: Exchange) -> None:
    """Write the exchange of a move, and delete those of the session's oldest responses."""
    told = {"requests": [_plain(each) for each in kept.requests], "asked": kept.asked and _plain_asked(kept.asked)}
    _INSERT.run(
        conn,
        {
            "response_id": step.response_id,
            "seq": step.seq,
            "session_id": session_id,
            "told": json.dumps(told),
            # ASCII only: a model may write half a surrogate pair, which a database refuses.
            "texts": kept.texts and json.dumps(_plain(kept.texts)),
        },
    )
    if step.seq == FIRST_SEQ:
        _PRUNE.run(conn, {"session_id": session_id})


def exchanges(
    conn: Connection, response_id: ResponseId, *, with_texts: bool = False
) -> tuple[tuple[int, Exchange], ...]:
    """Return (move number, exchange) for one response, in order."""
    wanted = _OF_RESPONSE.add_columns(exchange.c.texts) if with_texts else _OF_RESPONSE
    rows = conn.execute(wanted, {"response_id": response_id})
    return tuple((row.seq, _revived(row.told, row.texts if with_texts else None)) for row in rows)


def _plain(value: Request | Asked | AskedTexts) -> dict[str, Any]:
    # Not asdict(): its deep copy costs more than the rest of the write.
    return {name: getattr(value, name) for name in value.__slots__}


def _plain_asked(asked: Asked) -> dict[str, Any]:
    messages = [(each.role, each.purpose, each.characters, each.is_shortened) for each in asked.messages]
    return _plain(asked) | {"messages": messages, "lore": asked.lore and _plain_lore(asked.lore)}


def _plain_lore(lore: LoreRecord) -> dict[str, Any]:
    fired = [(each.book, each.entry, each.place, each.by, each.tokens) for each in lore.fired]
    missed = [(each.book, each.entry, each.why) for each in lore.missed]
    return {name: getattr(lore, name) for name in lore.__slots__} | {"fired": fired, "missed": missed}


def _revived(told: str, texts: str | None) -> Exchange:
    fields = json.loads(told)
    return Exchange(
        requests=tuple(Request(**each) for each in fields["requests"]),
        asked=None if fields["asked"] is None else _asked(fields["asked"]),
        texts=None if texts is None else _texts(json.loads(texts)),
    )


def _asked(fields: dict[str, Any]) -> Asked:
    messages = tuple(AskedMessage(*each) for each in fields.pop("messages"))
    lore = fields.pop("lore", None)  # older rows have none
    return Asked(messages=messages, lore=lore and _lore(lore), **fields)


def _lore(fields: dict[str, Any]) -> LoreRecord:
    return LoreRecord(
        fired=tuple(LoreFired(*each) for each in fields["fired"]),
        missed=tuple(LoreMissed(*each) for each in fields["missed"]),
        fired_count=fields["fired_count"],
        missed_count=fields["missed_count"],
        keys=tuple((key, why) for key, why in fields["keys"]),
    )


def _texts(fields: dict[str, Any]) -> AskedTexts:
    return AskedTexts(tuple(fields["messages"]), fields["raw"], fields["cleaned"])
