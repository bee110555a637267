"""Lets in the page that was opened, and nobody else: each start has a new key.

    GET /?key=KEY ─► 303 to / with a cookie ─► the page, its stream, `/_control/`, the inspector
    a script: `Authorization: Bearer KEY`, or the bot's own token as on Discord (`Bot TOKEN`)

What Discord's clients use has no key: the API and the gateway need the bot's token, and files have addresses that
nobody can guess. No request of another site's page is let in anywhere, since a browser sends it with the cookie.

Failure modes: 403 that says what to open.
"""

import hmac
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

KEY_BYTES = 24
HOSTS = ("127.0.0.1", "localhost", "[::1]")
"""Any other name that leads here is one that another site's page had resolved to this machine (DNS rebinding)."""
OF_CLIENTS = ("/api/", "/gateway", "/avatars/", "/attachments/", "/_model/")
"""Beginnings of the paths that clients use. The bot asks the last one before its model; it has nobody's words."""
OWN_SITES = ("same-origin", "none")
"""Sec-Fetch-Site of our own page, and of an address that a person opened (https://www.w3.org/TR/fetch-metadata/)."""
SAFE = {
    "Server": "Ensemble",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer. aiohttp's own `Server` names its version and Python's."""

OTHER_SITE = "only the playground's own page may control it"
CLOSED = "open the address that `play` printed when it started: this playground is for who started it"
CLOSED_PAGE = (
    "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'><title>Ensemble</title>"
    "<h1>Open the address that was printed</h1><p>This playground is only for the person who started it. Open the"
    " address behind <code>Playground:</code> in the terminal; it holds a key that is new at each start."
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Checks each request before its handler."""

    def __init__(self, token: str, key: str | None = None) -> None:
        self.key = key or secrets.token_urlsafe(KEY_BYTES)
        self._token = token

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The application's middleware."""
        if not _is_own(request):
            return web.json_response({"message": OTHER_SITE}, status=403)
        if request.path.startswith(OF_CLIENTS):
            return await handler(request)
        if request.method == "GET" and _is_same(request.query.get("key", ""), self.key):
            return self._admitted(request)
        if self._is_known(request):
            return await handler(request)
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(status=403, text=CLOSED_PAGE, content_type="text/html")
        return web.json_response({"message": CLOSED}, status=403)

    def _is_known(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        own = (f"Bearer {self.key}", f"Bot {self._token}")
        return _is_same(request.cookies.get(_cookie(request), ""), self.key) or any(
            _is_same(given, each) for each in own
        )

    def _admitted(self, request: web.Request) -> web.Response:
        # The key must not stay in the address, where it would be seen, saved and sent on.
        place = "/inspector/" if request.path.startswith("/inspector/") else "/"
        response = web.Response(status=303, headers={"Location": place})
        # Lax: the address may be opened by a link in another program's page, which "Strict" would send without it.
        response.set_cookie(_cookie(request), self.key, httponly=True, samesite="Lax", path="/")
        return response


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Adds the headers of every answer."""
    kept = dict(response.headers)
    response.headers.update(SAFE)
    response.headers["Cache-Control"] = kept.get("Cache-Control", "no-store")


def _is_own(request: web.Request) -> bool:
    """Whether the request comes from a program, from our own page, or from a person who opens the page."""
    name, _, port = request.host.rpartition(":")
    host = name if port.isdigit() else request.host
    if host not in HOSTS or request.headers.get("Origin", f"http://{request.host}") != f"http://{request.host}":
        return False
    if request.headers.get("Sec-Fetch-Site", "none") in OWN_SITES:
        return True
    opens = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.headers.get("Sec-Fetch-Dest") == "document"
    return opens and request.method == "GET" and request.path == "/"


def _cookie(request: web.Request) -> str:
    """The cookie's name: cookies are the same for all ports of a host, so it has the port in it."""
    return f"ensemble_playground_{request.host.rpartition(':')[2]}"


def _is_same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode(), own.encode())
