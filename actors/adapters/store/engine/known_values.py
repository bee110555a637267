"""Detect values that only a newer version knows, so that a bot that was rolled back refuses them.

    CHECK column (states, kinds, outcomes) ─► a new value needs a migration ─► NewerDatabase
    without one (turn order, facts, limits, buttons) ─► the bot would act on it ─► refused at the start: require_known
                                                    └─► it is only displayed ────► UnknownValues, for that row alone

Reasons are an open set: an unknown reason is shown as it is and is treated as temporary.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from actors.adapters.store.engine.errors import UnknownValues
from actors.adapters.store.engine.schema import UNFINISHED, move, outbox, response, session
from actors.roleplay.model import Button, SessionId
from actors.roleplay.turns import TurnOrder
from machines.facts import FACTS, Fact, revive
from machines.response import Limits
from machines.session import State as SessionState

REDACTED: Final = "[redacted]"
"""Stands for words that were deleted."""

_IS_UNFINISHED: Final = response.c.state.in_(UNFINISHED)
_FINISHES: Final = select(response.c.id).where(response.c.session_id == session.c.id, _IS_UNFINISHED).exists()
_ORDERS: Final = select(session.c.turn_order, func.count()).where(
    (session.c.state != SessionState.ENDED.value) | _FINISHES, session.c.turn_order.not_in(tuple(TurnOrder))
)
_FACTS: Final = (
    select(move.c.fact, func.count())
    .join(response, response.c.id == move.c.response_id)
    .where(_IS_UNFINISHED, move.c.fact.not_in(tuple(FACTS)))
)
_LIMITS: Final = select(response.c.limits).where(_IS_UNFINISHED)
_BUTTONS: Final = select(outbox.c.buttons).where(outbox.c.done_at.is_(None), outbox.c.buttons.is_not(None))


def require_known(conn: Connection) -> None:
    """Raises UnknownValues if open scenes, unfinished responses or waiting messages hold values that only a newer
    version knows.
    """
    found = [f"{words} ({count})" for words, count in _unknown(conn)]
    if found:
        raise UnknownValues(
            f"a newer version of Ensemble wrote values that this version does not know: {', '.join(found)}. "
            "Nothing was changed. Start the newer version again, and end these scenes there with `!end` before you go "
            "back; or use another DATABASE_URL"
        )


def order_of(session_id: SessionId, word: str) -> TurnOrder:
    """Parse the turn order of a session. Raises UnknownValues."""
    if word not in set(TurnOrder):
        raise UnknownValues(f"session {session_id} has the turn order `{word}`, {_OF_NEWER}")
    return TurnOrder(word)


def fact_of(response_id: str, name: str, record: str) -> Fact:
    """Parse a journalled fact from its JSON; a removed text is REDACTED. Raises UnknownValues."""
    fields_of = json.loads(record)
    if fields_of.pop("redacted", False):
        fields_of |= {key: shown for key, shown in (("text", REDACTED), ("texts", (REDACTED,))) if key in fields_of}
    try:
        return revive(name, fields_of)
    except (KeyError, TypeError) as error:
        raise UnknownValues(f"response {response_id} has a move by the fact `{name}` in a form, {_OF_NEWER}") from error


def limits_of(response_id: str, record: dict[str, Any]) -> Limits:
    """Parse a response's limits. Raises UnknownValues."""
    if unknown := set(record) - _names_of(Limits):
        raise UnknownValues(f"response {response_id} has the limit `{min(unknown)}`, {_OF_NEWER}")
    return Limits(**record)


_OF_NEWER: Final = "which this version of Ensemble does not know: update Ensemble to read it"


def _unknown(conn: Connection) -> Iterator[tuple[str, int]]:
    yield from _counted(conn, "turn order", _ORDERS.group_by(session.c.turn_order))
    yield from _counted(conn, "fact", _FACTS.group_by(move.c.fact))
    yield from _unknown_keys("limit", conn.execute(_LIMITS).scalars(), _names_of(Limits))
    buttons = (button for row in conn.execute(_BUTTONS).scalars() for button in row)
    yield from _unknown_keys("field of a button", buttons, _names_of(Button))


def _counted(conn: Connection, kind: str, wanted: Select[Any]) -> Iterator[tuple[str, int]]:
    return ((f"{kind} `{row[0]}`", row[1]) for row in conn.execute(wanted))


def _unknown_keys(kind: str, records: Iterable[dict[str, Any]], known: set[str]) -> Iterator[tuple[str, int]]:
    found = Counter(key for record in records for key in record if key not in known)
    return ((f"{kind} `{key}`", count) for key, count in sorted(found.items()))


def _names_of(kind: type[Limits | Button]) -> set[str]:
    return {field.name for field in fields(kind)}
