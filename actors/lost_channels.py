"""Logs, for operators, the channels that cannot be read."""

from __future__ import annotations

from typing import Final

from actors.ports import Noted, Refused
from actors.services import Services

LOST: Final = "The channel is gone, or the bot is no longer in its server: the scene has ended."


class LostChannels:
    """Reports an unreadable channel once; every catch-up meets the same refusal again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._unreadable: set[int] = set()

    def unreadable(self, channel_id: int, refused: Refused) -> None:
        """Report a scene's channel that cannot be read now, but may be readable later."""
        if channel_id in self._unreadable:
            return
        self._unreadable.add(channel_id)
        words = f"Channel {channel_id} cannot be read ({refused.summary}). Messages sent meanwhile are unknown."
        if refused.needs:
            words += f" Give the bot the permission {refused.needs}."
        self._services.trace.publish(Noted("error", words, error=refused.error, said=refused.words))

    def readable(self, channel_id: int) -> None:
        self._unreadable.discard(channel_id)
