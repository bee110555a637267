"""Places in which Discord refused us something, so that it is not asked for the same again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.adapters.discord.places import Place

ASKED_AGAIN_S: Final = 600.0
"""So long a refused place is not asked again, unless the permission is seen to be back."""


class Forbidden:
    """Remembers refusals by place; `is_allowed` says what the caches know, None where they know nothing."""

    def __init__(
        self, now: Callable[[], float], is_allowed: Callable[[Place], bool | None], key: Callable[[Place], int]
    ) -> None:
        self._now = now
        self._is_allowed = is_allowed
        self._key = key
        self._refused: dict[int, tuple[float, bool | None]] = {}  # when, and what the permission was then

    def add(self, place: Place) -> None:
        """Discord refused it there."""
        self._refused[self._key(place)] = (self._now(), self._is_allowed(place))

    def has(self, place: Place) -> bool:
        """Whether it is not worth asking there."""
        key = self._key(place)
        if key not in self._refused:
            return False
        refused_at, was_allowed = self._refused[key]
        is_allowed = self._is_allowed(place)
        if is_allowed is False:
            self._refused[key] = refused_at, False  # the gateway may tell of it after the refusal
            return True
        if is_allowed is was_allowed and self._now() < refused_at + ASKED_AGAIN_S:
            return True
        del self._refused[key]
        return False
