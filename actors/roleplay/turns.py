"""The turn orders: who answers a message, and in which order.

A new order is a member of `TurnOrder`, a case of `speakers` and a case of `meaning`. Help, refusals, scenes, the
rehearsal and the simulation read them from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeVar, assert_never

from actors.roleplay.escapes import ECHO_CHARACTERS_MAX, code

Member = TypeVar("Member")


class TurnOrder(StrEnum):
    """The names that people write behind `--turns`, and that the database keeps: never rename one."""

    EVERYONE = "everyone"
    LIST = "list"


DEFAULT_ORDER: Final = TurnOrder.EVERYONE
PLANNED: Final = ("natural", "pooled", "manual")
"""Orders that are designed and not built: their refusal says so."""


class UnknownOrder(ValueError):
    """No turn order has this name; the message says which there are."""


def speakers(order: TurnOrder, cast: Sequence[Member], *, turns: int) -> tuple[Member, ...]:
    """Return the members of the cast that answer the next message, in order; `turns` counts the turns before it.

    How many answer depends on the order and the size of the cast alone: `speaker_count` relies on it.
    """
    match order:
        case TurnOrder.EVERYONE:
            return tuple(cast)
        case TurnOrder.LIST:
            return (cast[turns % len(cast)],) if cast else ()
        case _:
            assert_never(order)


def speaker_count(order: TurnOrder, cast_size: int) -> int:
    """Return how many of a cast answer each message."""
    return len(speakers(order, range(cast_size), turns=0))


def meaning(order: TurnOrder) -> str:
    """Return the words about an order for `!help` and the README."""
    match order:
        case TurnOrder.EVERYONE:
            return "the whole cast answers each message"
        case TurnOrder.LIST:
            return "one a message, in turn"
        case _:
            assert_never(order)


def meanings() -> str:
    """All orders with their meanings, for `!help` and the README."""
    return "; ".join(f"`{order}`: {meaning(order)}" for order in TurnOrder)


def choices() -> str:
    """All orders as a refusal lists them: `everyone` or `list`."""
    *others, last = (f"`{order}`" for order in TurnOrder)
    return f"{', '.join(others)} or {last}" if others else last


def order_named(word: str) -> TurnOrder:
    """The order of this name. Raises UnknownOrder."""
    if word in set(TurnOrder):
        return TurnOrder(word)
    if word in PLANNED:
        raise UnknownOrder(f"The turn order `{word}` is not built yet. Use {choices()}.")
    raise UnknownOrder(f"There is no turn order {code(word, ECHO_CHARACTERS_MAX)}. Use {choices()}.")
