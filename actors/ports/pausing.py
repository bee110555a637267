"""Holding a response before its next move: what breakpoints need of the core, and by default nothing."""

from __future__ import annotations

from typing import Protocol

from actors.ports.trace import Context
from machines.facts import Fact
from machines.response import Response


class Pause(Protocol):
    """One response, held before one move."""

    async def wait(self) -> None:
        """Wait until the response may go on. May be cancelled at any time: nothing has been done yet."""
        ...


class Pausing(Protocol):
    """Asked before each move of a response that its actor makes, when the fact is known and nothing is durable."""

    def before(self, context: Context, response: Response, fact: Fact) -> Pause | None:
        """The pause that is wanted before `fact` is applied to `response`; None to go on. Changes neither."""
        ...


class NoPauses:
    """The default: nothing is ever held."""

    def before(self, context: Context, response: Response, fact: Fact) -> None:
        return None
