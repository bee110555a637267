"""Generates ids as Discord does: the time in the upper bits, strictly increasing.

Source: https://discord.com/developers/docs/reference#snowflakes
"""

from collections.abc import Callable

DISCORD_EPOCH_MS = 1_420_070_400_000
TIME_SHIFT = 22


class Snowflakes:
    """Generates ids; each is above every earlier one, even if the clock goes back."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last = 0

    def next(self) -> int:
        """A new id."""
        since_epoch_ms = int(self._now() * 1000) - DISCORD_EPOCH_MS
        self._last = max(since_epoch_ms << TIME_SHIFT, self._last + 1)
        return self._last

    def seen(self, snowflake: int) -> None:
        """Makes all later ids greater than this one."""
        self._last = max(self._last, snowflake)


def made_at(snowflake: int) -> float:
    """When the id was generated, in seconds since 1970."""
    return ((snowflake >> TIME_SHIFT) + DISCORD_EPOCH_MS) / 1000
