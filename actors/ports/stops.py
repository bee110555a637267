"""Port for breakpoints: stops a response before its next move. By default nothing is stopped."""

from __future__ import annotations

from typing import Protocol

from actors.ports.trace import Context
from machines.facts import Fact
from machines.response import Response


class Stop(Protocol):
    """One response, stopped before one move."""

    async def wait(self) -> None:
        """Wait until the response may continue. May be cancelled at any time, since nothing has happened yet."""
        ...


class Stops(Protocol):
    """Called before each move of a response, when its fact is known and nothing is durable."""

    def before(self, context: Context, response: Response, fact: Fact) -> Stop | None:
        """Return a stop to wait for before `fact` is applied to `response`; None to continue. Changes neither."""
        ...


class NoStops:
    """The default: never stops a response."""

    def before(self, context: Context, response: Response, fact: Fact) -> None:
        return None
