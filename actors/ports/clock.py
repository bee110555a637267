"""Wall time and fresh ids."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Wall time and fresh ids: the only inputs that a replay cannot derive."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def new_id(self) -> str:
        """13 characters of base 36, later ones greater."""
        ...

    async def sleep_until(self, at: float) -> None:
        """Wait until `now()` is at least `at`; return at once if it is past."""
        ...
