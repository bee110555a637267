"""What an operator reads of channels that are gone or cannot be read."""

from __future__ import annotations

from typing import Final

from actors.ports import Noted, Refused
from actors.world import World

LOST: Final = "The channel is gone, or the bot is no longer in its server: the scene has ended."


class LostChannels:
    """Says once of a channel that it cannot be read: every catch-up finds the same again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._unreadable: set[int] = set()

    def unreadable(self, channel_id: int, refused: Refused) -> None:
        """A scene's channel cannot be read, and may be readable again later."""
        if channel_id in self._unreadable:
            return
        self._unreadable.add(channel_id)
        words = f"Channel {channel_id}: it cannot be read ({refused.summary}): messages sent meanwhile are unknown."
        if refused.needs:
            words += f" Give the bot the permission {refused.needs}."
        self._world.trace.publish(Noted("error", words, error=refused.error, said=refused.words))

    def readable(self, channel_id: int) -> None:
        self._unreadable.discard(channel_id)
