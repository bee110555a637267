"""Defines the permissions that the playground checks for the bot.

Source: https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags
"""

from enum import IntFlag
from functools import reduce
from operator import or_


class Permission(IntFlag):
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MANAGE_WEBHOOKS = 1 << 29
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


BOT = reduce(or_, Permission)
MODERATOR = Permission.VIEW_CHANNEL | Permission.SEND_MESSAGES | Permission.MANAGE_MESSAGES
"""Of the role; without *View Channel*, no other permission would count there."""


def switched(denied: int, permission: Permission, allowed: bool) -> int:
    """The denied bits after this permission is granted or revoked."""
    return denied & ~permission if allowed else denied | permission


def permission_named(name: str) -> Permission:
    """The permission with Discord's own name, e.g. `MANAGE_WEBHOOKS`.

    Raises ValueError with the known names.
    """
    try:
        return Permission[name.upper()]
    except KeyError:
        known = ", ".join(Permission.__members__)
        raise ValueError(f"unknown permission {name!r}; known: {known}") from None
