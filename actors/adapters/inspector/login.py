"""Authenticate requests to the inspector: check Host, Origin and token, and set security headers.

Host is checked against DNS rebinding, Origin against other web pages. A person enters the token in a form, which is
posted to the requested page; afterwards a cookie with a random id stands for it (`logins.py`). The token is never part
of an address, because addresses are logged and stored. The public address behind a proxy is a setting:
`X-Forwarded-…` is ignored, because any client can send it.

Failure modes: 403 for a wrong Host or Origin, 401 without the token, 429 after wrong ones; all say what to do.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from actors.adapters.inspector.address import PublicUrl, host_of, is_loopback
from actors.adapters.inspector.connections import SAFE
from actors.adapters.inspector.guesses import Guesses
from actors.adapters.inspector.logins import LIFETIME_S, Logins
from actors.adapters.inspector.pages import FILES, login_page
from actors.adapters.inspector.seldom import Seldom

COOKIE: Final = "ensemble_inspector"
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Health checks, which send no token; the answers hold no data."""

READS: Final = frozenset({"GET", "HEAD"})
"""Methods that pages of other allowed origins may use: they may read and not change anything."""

LOGOUT: Final = "/logout"

OWN_SITES: Final = frozenset({"same-origin", "none"})
"""`Sec-Fetch-Site` of our own page, and of an address that a person opened (https://www.w3.org/TR/fetch-metadata/)."""

WRONG: Final = "That is not the token."
BEHIND_PROXY: Final = "Behind a proxy, set INSPECTOR_URL to the address that people open."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Login:
    """Checks each request and adds security headers to each answer. `origins` are other pages that may read from the
    inspector, such as the playground's; `public` is the inspector's own address behind a proxy; `warn` logs a line
    about wrong tokens.
    """

    def __init__(
        self,
        host: str,
        token: str | None,
        origins: tuple[str, ...] = (),
        public: PublicUrl | None = None,
        *,
        now: Callable[[], float],
        warn: Callable[[str], None],
    ) -> None:
        self._is_loopback = is_loopback(host)
        self._logins = Logins(now)
        self._guesses = Guesses(now)
        self._wrong = Seldom(warn, now)
        self.port = 0
        """The inspector's port: the cookie's name has it, since a cookie is sent to all ports of a host."""
        self._token = token or None
        self._origins = frozenset(origins)
        self._public = public
        self._prefix = "" if public is None else public.prefix

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._check_host(request)
        self._check_origin(request)
        self._check_site(request)
        if self._prefix and request.path == self._prefix:
            # The page's links are relative: without the slash they would leave the prefix.
            raise web.HTTPPermanentRedirect(f"./{self._prefix.rpartition('/')[2]}/")
        path = self._path(request)
        is_open = path in OPEN_PATHS or path.startswith(FILES)
        if self._token is None or is_open:
            return await handler(request)
        if path == LOGOUT and request.method == "POST":
            return self._let_out(request)
        # The form may be posted twice; the second time the cookie is already set.
        if _is_form(request) or not self._is_known(request, self._token):
            return await self._admit(request, self._token)
        return await handler(request)

    @property
    def cookie(self) -> str:
        """The cookie's name."""
        return f"{COOKIE}_{self.port}"

    def has_cookie(self, request: web.Request) -> bool:
        """Whether the request comes from a browser that is logged in."""
        return self._logins.is_known(request.cookies.get(self.cookie, ""))

    @property
    def may_read_texts(self) -> bool:
        """Whether authenticated users may read message texts: only if a token is configured."""
        return self._token is not None

    @property
    def may_stop(self) -> bool:
        """Whether authenticated users may set breakpoints: only if a token is configured."""
        return self._token is not None

    async def dress(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the security headers; for `Application.on_response_prepare`."""
        frames = " ".join(["'self'", *sorted(self._origins)])
        styles = "'unsafe-inline'" if response.content_type == "image/svg+xml" else "'self'"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'self'; style-src {styles}; img-src 'self' data:; connect-src 'self'; "
            f"base-uri 'none'; form-action 'self'; frame-ancestors {frames}"
        )
        response.headers.update(SAFE)
        # With "no-referrer" browsers send the form's Origin as null.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-site" if self._origins else "same-origin"
        origin = request.headers.get("Origin")
        if origin in self._origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"

    def _check_host(self, request: web.Request) -> None:
        # DNS rebinding: a page whose own host name resolves to 127.0.0.1 could read our answers.
        host = host_of(request.host) or ""
        is_public = self._public is not None and host == self._public.host
        if self._is_loopback and not is_loopback(host) and not is_public:
            raise web.HTTPForbidden(text=f"This inspector answers to 127.0.0.1 and localhost only. {BEHIND_PROXY}\n")

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        allowed = {f"http://{request.host}", f"https://{request.host}"}
        if self._public is not None:
            allowed.add(self._public.origin)
        if request.method in READS:
            allowed |= self._origins
        if origin is not None and origin not in allowed:
            raise web.HTTPForbidden(text=f"This page may not use the inspector. {BEHIND_PROXY}\n")

    def _check_site(self, request: web.Request) -> None:
        """Refuse what another site's page loads without an Origin, such as a picture; a link of it may be followed."""
        if request.headers.get("Sec-Fetch-Site", "none") in OWN_SITES or request.headers.get("Origin") is not None:
            return
        is_opened = request.headers.get("Sec-Fetch-Mode") == "navigate" and request.method in READS
        shows = {"document", "iframe"} if self._origins else {"document"}  # `frame-ancestors` names who may embed it
        if not is_opened or request.headers.get("Sec-Fetch-Dest") not in shows:
            raise web.HTTPForbidden(text=f"This page may not use the inspector. {BEHIND_PROXY}\n")

    def _path(self, request: web.Request) -> str:
        """The requested path, without the prefix that a proxy may have left on it."""
        is_left = request.path.startswith(f"{self._prefix}/")
        return request.path.removeprefix(self._prefix) if is_left else request.path

    def _is_known(self, request: web.Request, token: str) -> bool:
        """Whether the request has a cookie or the token; a wrong token is counted. Raises HTTPTooManyRequests."""
        if self.has_cookie(request):
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(request, given.strip(), token)

    def _is_token(self, request: web.Request, given: str, token: str) -> bool:
        address = request.remote or ""
        wait_s = math.ceil(self._guesses.wait_s(address))
        if wait_s:
            words = f"Too many wrong tokens. Try again in {wait_s} s.\n"
            raise web.HTTPTooManyRequests(text=words, headers={"Retry-After": str(wait_s)})
        if hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode()):
            return True
        self._guesses.note(address)
        self._wrong.note(f"The inspector got a wrong token from {address}")
        return False

    async def _admit(self, request: web.Request, token: str) -> web.StreamResponse:
        """Set the cookie if the form holds the right token; else answer 401 with the form, or with an error."""
        trouble = ""
        if _is_form(request):
            if self._is_token(request, await _given(request), token):
                return self._let_in(request)
            trouble = WRONG
        headers = {"WWW-Authenticate": "Bearer"}
        if "text/html" in request.headers.get("Accept", ""):
            page = login_page(trouble, depth=self._path(request).count("/") - 1)
            return web.Response(status=401, text=page, content_type="text/html", headers=headers)
        words = f"{trouble} Open this page in a browser, or send Authorization: Bearer.".lstrip()
        raise web.HTTPUnauthorized(text=f"{words}\n", headers=headers)

    def _let_in(self, request: web.Request) -> web.Response:
        """Set the cookie and redirect to the requested page."""
        # The redirect is relative: only the browser knows the prefix that a proxy has removed. The dot prevents that
        # the first segment is read as a scheme or another host (RFC 3986, 4.2).
        asked_for = "./" + request.rel_url.raw_path_qs.partition("?")[0].rpartition("/")[2]
        query = request.rel_url.raw_query_string
        response = web.Response(status=303, headers={"Location": f"{asked_for}?{query}" if query else asked_for})
        path, is_secure = self._cookie_place(request)
        response.set_cookie(
            self.cookie,
            self._logins.begin(),
            path=path,
            httponly=True,
            samesite="Strict",
            secure=is_secure,
            max_age=int(LIFETIME_S),
        )
        return response

    def _let_out(self, request: web.Request) -> web.Response:
        """End the login, remove the cookie and lead to the form."""
        self._logins.end(request.cookies.get(self.cookie, ""))
        response = web.Response(status=303, headers={"Location": "./"})
        path, is_secure = self._cookie_place(request)
        response.del_cookie(self.cookie, path=path, httponly=True, samesite="Strict", secure=is_secure)
        return response

    def _cookie_place(self, request: web.Request) -> tuple[str, bool]:
        """The cookie's path, and whether it is for https alone."""
        public = self._public if self._public and request.headers.get("Origin") == self._public.origin else None
        return (f"{public.prefix}/", public.is_https) if public else ("/", request.secure)


def _is_form(request: web.Request) -> bool:
    # A page of another origin can send these types without a preflight, so they are never more than a login attempt.
    return request.method == "POST" and request.content_type != "application/json"


async def _given(request: web.Request) -> str:
    """The token in the form; empty if the body is not a form."""
    # aiohttp's own parser raises for types and charsets that no browser sends.
    fields = parse_qs((await request.read()).decode(errors="replace"))
    return fields.get("token", [""])[0].strip()
