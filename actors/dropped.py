"""What a full mailbox drops, and how far back its channel is to be read again for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatchUp:
    """Read this channel again: what is newer than `after` may be unheard, than `known_after` amended.

    It is read once more a while later, for what reads do not show yet (`is_second`).
    """

    channel_id: int
    after: int
    known_after: int
    is_second: bool = False


class Dropped:
    """Of all channels; each one's is taken when its mailbox is empty."""

    def __init__(self) -> None:
        self._gaps: dict[int, CatchUp] = {}
        self._deaf_to: set[int] = set()

    def __contains__(self, channel_id: int) -> bool:
        return channel_id in self._gaps

    def is_deaf_to(self, channel_id: int) -> bool:
        """Whether a message of this channel was dropped: a later one must not overtake it."""
        return channel_id in self._deaf_to

    def message(self, channel_id: int, message_id: int) -> None:
        self._deaf_to.add(channel_id)
        self._widen(CatchUp(channel_id, message_id - 1, message_id - 1))

    def amendment(self, channel_id: int, message_id: int, *, newest: int) -> None:
        """`newest`: up to there messages wait, and are heard by themselves."""
        before = message_id - 1
        self._widen(CatchUp(channel_id, max(newest, before), before))

    def take(self, channel_id: int) -> CatchUp:
        """What is to be read now. Raises KeyError where nothing was dropped."""
        self._deaf_to.discard(channel_id)
        return self._gaps.pop(channel_id)

    def _widen(self, gap: CatchUp) -> None:
        known = self._gaps.get(gap.channel_id, gap)
        after, known_after = min(gap.after, known.after), min(gap.known_after, known.known_after)
        self._gaps[gap.channel_id] = CatchUp(gap.channel_id, after, known_after)
