"""Remembers the places in which Discord refused a request, so that it is not repeated each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.adapters.discord.places import Place

ASKED_AGAIN_S: Final = 600.0
"""After this, a refused request is tried again; earlier only if the permission returns."""


class Forbidden:
    """Remembers refusals by place; `is_allowed` returns the cached permission, None if it is unknown."""

    def __init__(
        self, now: Callable[[], float], is_allowed: Callable[[Place], bool | None], key: Callable[[Place], int]
    ) -> None:
        self._now = now
        self._is_allowed = is_allowed
        self._key = key
        self._refused: dict[int, tuple[float, bool | None]] = {}  # (when, the cached permission at that time)

    def add(self, place: Place) -> None:
        """Note a refusal in `place`."""
        self._refused[self._key(place)] = (self._now(), self._is_allowed(place))

    def has(self, place: Place) -> bool:
        """Whether a request in `place` would be refused again."""
        key = self._key(place)
        if key not in self._refused:
            return False
        refused_at, was_allowed = self._refused[key]
        is_allowed = self._is_allowed(place)
        if is_allowed is False:
            self._refused[key] = refused_at, False  # the gateway may report the change after the refusal
            return True
        if is_allowed is was_allowed and self._now() < refused_at + ASKED_AGAIN_S:
            return True
        del self._refused[key]
        return False
