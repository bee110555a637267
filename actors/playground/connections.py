"""Accepts connections, and bounds them: how many there are, and how long each may take for a request's head.

A connection that sends nothing costs a file, and a process may open few of them: any page and any program of this
machine could otherwise keep the playground from answering.
Failure modes: a connection too many, or one that is too slow, is aborted.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from .gate import SAFE

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the playground's server."""

    connections: int = 100
    """macOS lets a process open 256 files; a page has seven at most, and a bot a dozen."""

    head_s: float = 10.0
    """On one machine a head takes milliseconds."""

    keepalive_s: float = 30.0
    sockets: int = 32
    """The gateway's; a bot has one for each shard."""

    identify_s: float = 15.0
    """From a socket's greeting to its client's IDENTIFY or RESUME, which discord.py sends at once."""


class Connection(web.RequestHandler):
    """One connection, in `all_open` while it is open."""

    __slots__ = ("_all_open", "_bounds", "_timer")

    def __init__(self, server: web.Server, bounds: Bounds, all_open: "set[Connection]") -> None:
        loop = asyncio.get_running_loop()
        # AppRunner passes None as well; aiohttp's type forgets it.
        super().__init__(server, loop=loop, access_log=None, keepalive_timeout=bounds.keepalive_s)  # type: ignore[arg-type]
        self._bounds = bounds
        self._all_open = all_open
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Aborts a connection too many."""
        assert isinstance(transport, asyncio.Transport)
        if len(self._all_open) >= self._bounds.connections:
            transport.abort()
            return
        self._all_open.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._bounds.head_s, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forgets the connection; aiohttp does not know one that was refused."""
        if self not in self._all_open:
            return
        self._all_open.discard(self)
        self.head_came()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers a request that could not be parsed, which reaches no application and so would lack its headers."""
        response = super().handle_error(request, status, exc, message)
        response.headers.update(SAFE)
        return response

    def head_came(self) -> None:
        """The first head is there; later ones are aiohttp's, which closes a connection that is idle."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


@web.middleware
async def note_head(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ends the time for the connection's first head."""
    assert isinstance(request.protocol, Connection)
    request.protocol.head_came()
    return await handler(request)
