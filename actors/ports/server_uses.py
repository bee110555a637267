"""Port of the tokens that each server used on each day."""

from __future__ import annotations

from typing import Protocol


class ServerUses(Protocol):
    """The tokens by server and day in UTC (see `quotas.day_of`)."""

    async def server_tokens(self, server_id: int, *, day: int) -> int:
        """Return the tokens that a server has used on a day."""
        ...

    async def add_server_tokens(self, server_id: int, *, day: int, tokens: int) -> None:
        """Add to the day's tokens; a negative number gives back what was reserved."""
        ...
