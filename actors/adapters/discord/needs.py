"""Lists the intents and permissions that the bot needs from Discord, by feature, in one table.

`doctor`, the invitation, the connection's intents and the log read the table. The playground's gateway has its own
flags, since it shares no code with the bot; a test compares them.
Sources: https://discord.com/developers/docs/topics/permissions and …/events/gateway#gateway-intents
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import discord

from actors.adapters.discord.outcomes import MISSING_ACCESS, NEEDS_TWO_FACTORS


@dataclass(frozen=True, slots=True)
class Need:
    """What a feature needs, in discord.py's names; an optional need has a substitute."""

    intents: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    is_optional: bool = False


NEEDS: Final = (
    Need(  # messages, threads, commands
        intents=("guilds", "guild_messages", "dm_messages", "message_content", "guild_typing", "dm_typing"),
        permissions=(
            "view_channel",
            "send_messages",
            "send_messages_in_threads",
            "embed_links",
            "read_message_history",
        ),
    ),
    Need(  # characters' own names and pictures; the substitute is embeds
        intents=("webhooks",),
        permissions=("manage_webhooks",),
        is_optional=True,
    ),
    Need(permissions=("manage_messages",), is_optional=True),  # deleting the messages of a lost webhook
)

WORDS: Final = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "send_messages_in_threads": "Send Messages in Threads",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
    "manage_webhooks": "Manage Webhooks",
    "manage_messages": "Manage Messages",
}
"""The names of the permissions in Discord's settings."""

NEEDED: Final = tuple(name for need in NEEDS if not need.is_optional for name in need.permissions)
WANTED: Final = tuple(name for need in NEEDS if need.is_optional for name in need.permissions)


class Act(StrEnum):
    """An action that may be forbidden in a place."""

    READ = "read"
    WRITE = "write"
    EMBED = "embed"
    DELETE = "delete"
    MAKE_WEBHOOK = "make a webhook"


_OF_ACTS: Final = {
    Act.READ: ("read_message_history",),
    Act.WRITE: (),
    Act.EMBED: ("embed_links",),
    Act.DELETE: ("manage_messages",),
    Act.MAKE_WEBHOOK: ("manage_webhooks",),
}


def needed_for(act: Act, *, in_thread: bool) -> tuple[str, ...]:
    """The permissions that `act` needs; in a thread *Send Messages* has no effect."""
    write = "send_messages_in_threads" if in_thread else "send_messages"
    return ("view_channel", *((write,) if act in (Act.WRITE, Act.EMBED) else ()), *_OF_ACTS[act])


def lacking(act: Act, held: discord.Permissions | None, code: int | None, *, in_thread: bool) -> str:
    """Name the permissions that the bot lacks for `act`, in Discord's words.

    Uses the cached permissions (`held`), which may be older than the refusal; if they show nothing missing, names every
    permission that Discord's `code` can mean.
    """
    if code == NEEDS_TWO_FACTORS:
        return "two-factor authentication (the bot owner's account must enable it)"
    if held is not None and not held.view_channel:
        return WORDS["view_channel"]  # without it, the others have no effect
    needed = needed_for(act, in_thread=in_thread)
    missing = [name for name in needed if held is not None and not getattr(held, name)]
    if not missing:
        missing = ["view_channel"] if code == MISSING_ACCESS else list(needed[1:])
    return in_words(missing)


def in_words(names: Iterable[str]) -> str:
    return ", ".join(WORDS[name] for name in names)


def intents() -> discord.Intents:
    """Only the intents that the features need; `message_content` is the only privileged one."""
    return discord.Intents(**dict.fromkeys((name for need in NEEDS for name in need.intents), True))


def invitation(application_id: int) -> str:
    """The URL for adding the bot to a server, with every permission of the table."""
    permissions = discord.Permissions(**dict.fromkeys((*NEEDED, *WANTED), True))
    return discord.utils.oauth_url(application_id, permissions=permissions)
