"""Decides what people and servers may cost: open scenes, turns, tokens and answered commands; and the words for it.

    what is counted (by the store) ─► the limit ─► go on, or an Excess ─► one answer that says so

A limit of 0 is off. A count is read in the transaction that acts on it, or from what is durable, so that the decision
is the same after a restart.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

MINUTE_S: Final = 60.0
DAY_S: Final = 86_400

COMMANDS_PER_MINUTE: Final = 10
"""Answered commands of one person in one channel and minute: a person reads no faster, and the channel stays usable."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """The limits; 0 is no limit. `channels`: where scenes may be opened; empty: everywhere."""

    scenes_per_server: int = 0
    scenes_per_person: int = 0
    turns_per_person_minute: int = 0
    tokens_per_server_day: int = 0
    commands_per_minute: int = 0
    allows_dms: bool = True
    channels: frozenset[int] = frozenset()


NO_QUOTAS: Final = Quotas()


class Excess(StrEnum):
    """A limit that is reached; the value is its name in the metrics."""

    SCENES_OF_SERVER = "scenes_per_server"
    SCENES_OF_PERSON = "scenes_per_person"
    TURNS = "turns"
    TOKENS = "tokens"
    COMMANDS = "commands"


def is_reached(limit: int, count: float) -> bool:
    """Whether nothing more may begin after `count`."""
    return 0 < limit <= count


def scenes_exceeded(quotas: Quotas, *, of_server: int, of_person: int) -> Excess | None:
    """Return why one more scene may not be opened beside those that are open; the person's own limit first."""
    if is_reached(quotas.scenes_per_person, of_person):
        return Excess.SCENES_OF_PERSON
    return Excess.SCENES_OF_SERVER if is_reached(quotas.scenes_per_server, of_server) else None


def minute_of(at: float) -> int:
    """Return the number of the minute, counted since 1970: the key of what is said once a minute."""
    return int(at // MINUTE_S)


def day_of(at: float) -> int:
    """Return the number of the day in UTC, counted since 1970."""
    return int(at // DAY_S)


def tokens_used(reserved: int, *, prompt_tokens: int, completion_tokens: int) -> int:
    """Return what a request used; a server that reports nothing used what was reserved."""
    return (prompt_tokens + completion_tokens) or reserved


# ── words ───────────────────────────────────────────────────────────────────────────────────────────


def place_refusal(quotas: Quotas, prefix: str, *, is_private: bool, places: Collection[int]) -> str | None:
    """Return why no scene may be opened here; `places` are the channel and, of a thread, its parent. None if it may."""
    if is_private:
        if quotas.allows_dms:
            return None
        return (
            "🔒 Scenes in direct messages are turned off. Open one in a server with "
            f"`{prefix}start NAME…`. The operator of the bot can allow them with the setting `ALLOW_DMS=true`."
        )
    if quotas.channels and quotas.channels.isdisjoint(places):
        listed = ", ".join(f"<#{channel}>" for channel in sorted(quotas.channels)[:5])
        return (
            f"🔒 Scenes can be opened only in some channels: {listed}. "
            "The operator of the bot lists them in the setting `CHANNELS`."
        )
    return None


def words(excess: Excess, quotas: Quotas, prefix: str, *, at: float = 0.0) -> str:
    """Return the answer that says which limit is reached, and what to do; `at` is the present time."""
    match excess:
        case Excess.SCENES_OF_PERSON:
            limit = quotas.scenes_per_person
            return f"🔒 You opened {_scenes(limit)} that are open. Write `{prefix}end` in one of them first."
        case Excess.SCENES_OF_SERVER:
            limit = quotas.scenes_per_server
            return f"🔒 This server has {_scenes(limit)} open, and may have no more. End one of them first."
        case Excess.TURNS:
            limit = quotas.turns_per_person_minute
            return (
                f"⏳ One person's messages begin at most {limit} turns a minute. The cast reads your further messages, "
                "and answers them with your next one."
            )
        case Excess.TOKENS:
            next_day = (day_of(at) + 1) * DAY_S
            return (
                f"⏳ This server has used its day's tokens. The cast answers again from <t:{next_day}:t> on; "
                "what you write until then is read and not answered."
            )
        case Excess.COMMANDS:
            limit = quotas.commands_per_minute
            return (
                f"⏳ At most {limit} commands of one person are answered a minute. Your further ones do nothing; "
                "wait a minute."
            )
        case _:
            assert_never(excess)


def _scenes(count: int) -> str:
    return f"{count} scene{'s' if count != 1 else ''}"
