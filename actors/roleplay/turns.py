"""The turn orders: who answers the messages of a turn, and in which order.

    natural ─► whom the messages address, in that order; else a few by their talkativeness
    pooled  ─► one of those who have not spoken in this round

A new order is a member of `TurnOrder` and a case of each function that matches it. Help, refusals, scenes, the
rehearsal and the simulation read them from here. Draws follow from the seed alone: a restart changes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from actors.roleplay.addressing import Addressee, Heard, addressed
from actors.roleplay.escapes import ECHO_CHARACTERS_MAX, code

SPEAKERS_MAX: Final = 2
"""Characters that answer a turn which addresses nobody, in the orders that draw (the setting's default)."""

TALKATIVENESS: Final = 0.5
"""Of a card without its own (SillyTavern's default)."""

_HASH_BYTES: Final = 8


class TurnOrder(StrEnum):
    """The names that people write behind `--turns`, and that the database keeps: never rename one."""

    NATURAL = "natural"
    EVERYONE = "everyone"
    LIST = "list"
    POOLED = "pooled"
    MANUAL = "manual"


SCRIPT_ORDER: Final = TurnOrder.EVERYONE
"""The order of scripts and simulated scenes that name none: as many lines come as one can count on."""


class UnknownOrder(ValueError):
    """No turn order has this name; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the cast as the orders see it; `talkativeness` from 0 to 1."""

    by: Addressee
    talkativeness: float = TALKATIVENESS

    @property
    def id(self) -> str:
        return self.by.id


@dataclass(frozen=True, slots=True)
class Before:
    """What the turns before leave: who spoke last, and the newest turn's speakers and round.

    `round`: who had spoken in the round before the newest turn.
    """

    last: str | None = None
    speakers: tuple[str, ...] = ()
    round: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawn:
    """Who answers a turn, in order, and who had spoken in the round before it."""

    speakers: tuple[str, ...]
    round: tuple[str, ...] = ()


def default_order(cast_size: int) -> TurnOrder:
    """Return the order of a scene for which nobody chose one."""
    return TurnOrder.EVERYONE if cast_size == 1 else TurnOrder.NATURAL


def draw(
    order: TurnOrder,
    cast: Sequence[Member],
    messages: Iterable[Heard],
    before: Before,
    *,
    seed: str,
    speakers_max: int = SPEAKERS_MAX,
) -> Drawn:
    """Return who of the cast answers a turn's messages. `seed` is the session's and the turn's cause."""
    ids = tuple(each.id for each in cast)
    spoken = _round(before, ids)
    match order:
        case TurnOrder.NATURAL:
            named = addressed(messages, [each.by for each in cast])
            return Drawn(named or _talkative(cast, before.last, seed, speakers_max), spoken)
        case TurnOrder.EVERYONE:
            return Drawn(ids, spoken)
        case TurnOrder.LIST:
            after = ids.index(before.last) + 1 if before.last in ids else 0
            return Drawn(ids[after % len(ids) :][:1] if ids else (), spoken)
        case TurnOrder.POOLED:
            unspoken = [each for each in ids if each not in spoken]
            return Drawn(tuple(sorted(unspoken, key=lambda each: _number(seed, each))[:1]), spoken)
        case TurnOrder.MANUAL:
            return Drawn((), spoken)
        case _:
            assert_never(order)


def _talkative(cast: Sequence[Member], last: str | None, seed: str, speakers_max: int) -> tuple[str, ...]:
    """Those whose number is below their talkativeness; if there are none, the one who was nearest to it."""
    numbers = {each.id: _number(seed, each.id) for each in cast}
    ratios = {each.id: numbers[each.id] / each.talkativeness if each.talkativeness > 0 else math.inf for each in cast}
    eager = sorted(ratios, key=lambda each: ratios[each])  # stable: those who never talk stay in the cast's order
    drawn = [each for each in eager if ratios[each] < 1]
    others = [each for each in drawn if each != last]
    return tuple((others or drawn)[:speakers_max] or eager[:1])


def _round(before: Before, ids: Sequence[str]) -> tuple[str, ...]:
    """Who has spoken in this round; when all have, a new one begins. A newcomer has not spoken."""
    spoken: dict[str, None] = dict.fromkeys(before.round)
    for speaker in before.speakers:
        if set(ids) <= spoken.keys():
            spoken = {}
        spoken[speaker] = None
    return () if set(ids) <= spoken.keys() else tuple(spoken)


def _number(seed: str, character: str) -> float:
    """A number in [0, 1) for a character: equal for an equal seed, on every machine."""
    digest = hashlib.blake2b(f"{seed}/{character}".encode(), digest_size=_HASH_BYTES).digest()
    return (int.from_bytes(digest) >> 11) / 2**53  # the bits that a float holds, so that it stays below 1


def hands_over(order: TurnOrder) -> bool:
    """Whether a line that was cut at another character's name gives that character the next place."""
    match order:
        case TurnOrder.NATURAL | TurnOrder.POOLED:
            return True
        case TurnOrder.EVERYONE | TurnOrder.LIST | TurnOrder.MANUAL:
            return False
        case _:
            assert_never(order)


def handed_over(speakers: Sequence[str], *, begun: int, to: str) -> tuple[str, ...]:
    """Return a turn's speakers with `to` in the next place; the first `begun` of them have their lines."""
    return (*speakers[:begun], to, *(each for each in speakers[begun:] if each != to))


def speakers_min(order: TurnOrder, cast_size: int) -> int:
    """Return how many of a cast answer each turn at least."""
    match order:
        case TurnOrder.EVERYONE:
            return cast_size
        case TurnOrder.NATURAL | TurnOrder.LIST | TurnOrder.POOLED:
            return min(1, cast_size)
        case TurnOrder.MANUAL:
            return 0
        case _:
            assert_never(order)


def speaker_count(order: TurnOrder, cast_size: int) -> int | None:
    """Return how many of a cast answer each turn; None if that depends on what is said."""
    match order:
        case TurnOrder.EVERYONE | TurnOrder.LIST | TurnOrder.MANUAL:
            return speakers_min(order, cast_size)
        case TurnOrder.NATURAL | TurnOrder.POOLED:
            return None
        case _:
            assert_never(order)


def meaning(order: TurnOrder) -> str:
    """Return the words about an order for `!help` and the README."""
    match order:
        case TurnOrder.NATURAL:
            return "whom you address, else one or two who feel like it"
        case TurnOrder.EVERYONE:
            return "the whole cast answers"
        case TurnOrder.LIST:
            return "one answers, in turn"
        case TurnOrder.POOLED:
            return "one answers, drawn among those who have not spoken in this round"
        case TurnOrder.MANUAL:
            return "nobody answers by itself"
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
    raise UnknownOrder(f"There is no turn order {code(word, ECHO_CHARACTERS_MAX)}. Use {choices()}.")
