"""Who answers a message, and in which order."""

from __future__ import annotations

from typing import assert_never

from actors.roleplay.model import Character, CharacterId, TurnOrder


def speakers(order: TurnOrder, cast: tuple[Character, ...], *, turns: int) -> tuple[CharacterId, ...]:
    """The characters that answer the next message, in order; `turns` counts the turns before it.

    `everyone`: the whole cast in its order. `list`: one a message, going round the cast.
    """
    match order:
        case TurnOrder.EVERYONE:
            return tuple(character.id for character in cast)
        case TurnOrder.LIST:
            return (cast[turns % len(cast)].id,)
        case _:
            assert_never(order)
