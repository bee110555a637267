"""Remember who is logged in: a random id for each browser, for half a day, in memory only.

A cookie is sent to every port of a host (RFC 6265, 8.5), so another program of this machine may see it. It is worth
nothing after its lifetime, after a logout and after a restart, and it does not reveal the token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Final

LIFETIME_S: Final = 12 * 3600.0
LOGINS_MAX: Final = 100
"""The oldest one ends for a newer one."""

ID_BYTES: Final = 24


class Logins:
    """The ids of browsers that are logged in."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: dict[str, float] = {}  # oldest first

    def begin(self) -> str:
        """Return a new id."""
        self._forget_old()
        if len(self._until) >= LOGINS_MAX:
            del self._until[next(iter(self._until))]
        login_id = secrets.token_urlsafe(ID_BYTES)
        self._until[login_id] = self._now() + LIFETIME_S
        return login_id

    def is_known(self, login_id: str) -> bool:
        # The ids are random and of 192 bits: nothing can be learnt from the time that a look-up takes.
        return self._now() < self._until.get(login_id, 0.0)

    def end(self, login_id: str) -> None:
        """Log a browser out; no effect for an unknown id."""
        self._until.pop(login_id, None)

    def _forget_old(self) -> None:
        for login_id in [each for each, until in self._until.items() if until <= self._now()]:
            del self._until[login_id]
