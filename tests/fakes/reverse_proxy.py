"""A reverse proxy over real sockets, as nginx and Caddy are set up to put a program under a prefix.

client ─► http://name:port/prefix/… ─► http://127.0.0.1:upstream/…
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from yarl import URL

HOP_BY_HOP = frozenset({"connection", "keep-alive", "te", "transfer-encoding", "upgrade", "content-length"})
"""What belongs to one connection (RFC 9110, 7.6.1)."""


@dataclass(frozen=True)
class Manner:
    """How a proxy passes a request on."""

    strips: bool
    """Whether the prefix is taken away."""

    keeps_host: bool
    """Caddy leaves the Host as it came, nginx writes the upstream's unless it is told otherwise."""


NGINX = Manner(strips=True, keeps_host=False)
CADDY = Manner(strips=True, keeps_host=True)
NGINX_WITHOUT_SLASH = Manner(strips=False, keeps_host=False)
TRAEFIK = Manner(strips=False, keeps_host=True)


@asynccontextmanager
async def reverse_proxy(upstream: int, prefix: str, manner: Manner, *, port: int = 0) -> AsyncIterator[int]:
    """A proxy on the given port that puts `upstream` under `prefix`; gives the port."""
    async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def pass_on(request: web.Request) -> web.StreamResponse:
            path = request.rel_url.raw_path_qs
            if manner.strips:
                path = path.removeprefix(prefix)
            headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
            if not manner.keeps_host:
                headers["Host"] = f"127.0.0.1:{upstream}"
            headers |= {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http", "X-Forwarded-Host": request.host}
            asked = session.request(
                request.method,
                URL(f"http://127.0.0.1:{upstream}{path}", encoded=True),
                headers=headers,
                data=await request.read() or None,
                allow_redirects=False,
            )
            async with asked as found:
                answer = web.StreamResponse(status=found.status)
                for name, value in found.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        answer.headers.add(name, value)
                await answer.prepare(request)
                async for chunk in found.content.iter_any():
                    await answer.write(chunk)
                return answer

        app = web.Application()
        app.router.add_route("*", prefix + "/{rest:.*}", pass_on)
        if prefix and not manner.strips:
            app.router.add_route("*", prefix, pass_on)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()
