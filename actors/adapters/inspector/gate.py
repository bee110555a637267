"""Who may look: Host and Origin against rebinding and other pages, a token, and headers that forbid the rest.

Failure modes: 403 for a name or a page that has no business here, 401 without the token; both say what to do.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from actors.adapters.inspector.address import host_of, is_loopback

COOKIE: Final = "ensemble_inspector"
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""What probes ask, which carry no token; it says nothing but yes or no."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Checks each request and dresses each answer. `origins` are other pages that may read us, such as the
    playground's.
    """

    def __init__(self, host: str, token: str | None, origins: tuple[str, ...] = ()) -> None:
        self._is_loopback = is_loopback(host)
        self._token = token or None
        self._origins = frozenset(origins)

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._check_host(request)
        self._check_origin(request)
        if self._token is not None and request.path not in OPEN_PATHS and not self._is_known(request, self._token):
            return self._admit(request, self._token)
        return await handler(request)

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the headers of safety; for `Application.on_response_prepare`."""
        frames = " ".join(["'self'", *sorted(self._origins)])
        styles = "'unsafe-inline'" if response.content_type == "image/svg+xml" else "'self'"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; connect-src 'self'; "
            f"base-uri 'none'; form-action 'none'; frame-ancestors {frames}"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cross-Origin-Resource-Policy"] = "same-site" if self._origins else "same-origin"
        origin = request.headers.get("Origin")
        if origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"

    def _check_host(self, request: web.Request) -> None:
        # A foreign name that resolves to 127.0.0.1 makes our answers readable to the page under that name.
        if self._is_loopback and not is_loopback(host_of(request.host) or ""):
            raise web.HTTPForbidden(text="This inspector answers to 127.0.0.1 and localhost only.\n")

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        own = {f"http://{request.host}", f"https://{request.host}"}
        if origin is not None and origin not in own | self._origins:
            raise web.HTTPForbidden(text="This page may not read the inspector.\n")

    def _is_known(self, request: web.Request, token: str) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _equal(given.strip(), token):
            return True
        return _equal(request.cookies.get(COOKIE, ""), _cookie_value(token))

    def _admit(self, request: web.Request, token: str) -> web.StreamResponse:
        """The first visit brings the token in its address; it is kept in a cookie, and out of the address."""
        if not _equal(request.query.get("token", ""), token):
            raise web.HTTPUnauthorized(
                text="Open this page once with ?token=INSPECTOR_TOKEN, or send Authorization: Bearer.\n",
                headers={"WWW-Authenticate": "Bearer"},
            )
        rest = request.rel_url.without_query_params("token")
        response = web.Response(status=303, headers={"Location": str(rest)})
        response.set_cookie(
            COOKIE, _cookie_value(token), path="/", httponly=True, samesite="Strict", secure=request.secure
        )
        return response


def _cookie_value(token: str) -> str:
    # Not the token itself: who reads the cookie jar does not learn it.
    return hmac.new(token.encode(), b"ensemble inspector cookie", hashlib.sha256).hexdigest()


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), wanted.encode())
