"""Accept connections, and bound them: how many are open, and how long each may take for a request.

    connection ─► one of at most 100 ─► a head within 10 s ─► a body within 10 s ─► answer ─► idle for at most 30 s

A connection that sends nothing costs a file, and a process may open few of them: without bounds, anyone who reaches the
address could keep the bot from its database, before any token is asked for.

Failure modes: a connection too many, or one that is too slow, is closed; an unreadable request gets 400, and is counted
in one line a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from actors.adapters.inspector.seldom import Seldom

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of the inspector's server."""

    connections: int = 100
    """A page has seven at most: one stream, and six that a browser opens for the rest."""

    head_s: float = 10.0
    body_s: float = 10.0
    keepalive_s: float = 30.0
    viewers: int = 20
    """Open streams: each gets every move."""


USUAL: Final = Bounds()

SAFE: Final = {"Server": "Ensemble", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer; aiohttp's own `Server` names its version and Python's."""


class Connection(web.RequestHandler):
    """One connection, in `all_open` while it is open."""

    __slots__ = ("_all_open", "_bounds", "_timer", "_unreadable")

    def __init__(self, server: web.Server, bounds: Bounds, all_open: set[Connection], unreadable: Seldom) -> None:
        loop = asyncio.get_running_loop()
        # AppRunner passes None as well; aiohttp's type does not allow it.
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=bounds.keepalive_s,
            lingering_time=bounds.body_s,
        )
        self._bounds = bounds
        self._all_open = all_open
        self._unreadable = unreadable
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close a connection too many."""
        assert isinstance(transport, asyncio.Transport)
        if len(self._all_open) >= self._bounds.connections:
            transport.abort()
            return
        self._all_open.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._bounds.head_s, transport.abort)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self not in self._all_open:  # it was refused; aiohttp does not know it
            return
        self._all_open.discard(self)
        self.note_head()
        super().connection_lost(exc)

    def note_head(self) -> None:
        """The first head has come; an idle connection behind it is closed by aiohttp."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def log_exception(self, *args: Any, **kw: Any) -> None:  # noqa: ANN401 - aiohttp's signature
        """Count an unreadable request, which anyone may send; any other error is ours and is logged in full."""
        error = kw.get("exc_info")
        if isinstance(error, HttpProcessingError):
            self._unreadable.note("The inspector got a request that cannot be read")
        else:
            super().log_exception(*args, **kw)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be read, which reaches no application and so would lack its headers."""
        response = super().handle_error(request, status, exc, message)
        response.headers.update(SAFE)
        return response

    async def body_came(self, request: web.Request) -> None:
        """Read the whole body, which is small. Raises HTTPRequestTimeout, and closes the connection, if it is late."""
        with anyio.move_on_after(self._bounds.body_s) as in_time:
            await request.read()
        if in_time.cancelled_caught:
            late = web.HTTPRequestTimeout(text="The body of the request did not come.\n")
            late.force_close()
            raise late


@web.middleware
async def in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End the time for the head, and wait for the body."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    connection.note_head()
    if request.can_read_body:
        await connection.body_came(request)
    return await handler(request)
