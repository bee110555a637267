"""Authenticate requests to the inspector: check Host, Origin and token, and set security headers.

Host is checked against DNS rebinding, Origin against other web pages. A person enters the token in a form, which is
posted to the requested page; afterwards a cookie represents the token. The token is never part of an address, because
addresses are logged and stored. The public address behind a proxy is a setting: `X-Forwarded-…` is ignored, because
any client can send it.

Failure modes: 403 for a wrong Host or Origin, 401 without the token; both say what to do.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from actors.adapters.inspector.address import PublicUrl, host_of, is_loopback
from actors.adapters.inspector.pages import FILES, login_page

COOKIE: Final = "ensemble_inspector"
OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
"""Health checks, which send no token; the answers hold no data."""

READS: Final = frozenset({"GET", "HEAD"})
"""Methods that pages of other allowed origins may use: they may read and not change anything."""

WRONG: Final = "That is not the token."
BEHIND_PROXY: Final = "Behind a proxy, set INSPECTOR_URL to the address that people open."

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Login:
    """Checks each request and adds security headers to each answer. `origins` are other pages that may read from the
    inspector, such as the playground's; `public` is the inspector's own address behind a proxy.
    """

    def __init__(
        self, host: str, token: str | None, origins: tuple[str, ...] = (), public: PublicUrl | None = None
    ) -> None:
        self._is_loopback = is_loopback(host)
        self._token = token or None
        self._origins = frozenset(origins)
        self._public = public
        self._prefix = "" if public is None else public.prefix

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._check_host(request)
        self._check_origin(request)
        if self._prefix and request.path == self._prefix:
            # The page's links are relative: without the slash they would leave the prefix.
            raise web.HTTPPermanentRedirect(f"./{self._prefix.rpartition('/')[2]}/")
        path = self._path(request)
        is_open = path in OPEN_PATHS or path.startswith(FILES)
        if self._token is None or is_open:
            return await handler(request)
        # The form may be posted twice; the second time the cookie is already set.
        if _is_form(request) or not self._is_known(request, self._token):
            return await self._admit(request, self._token)
        return await handler(request)

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
        response.headers["X-Content-Type-Options"] = "nosniff"
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

    def _path(self, request: web.Request) -> str:
        """The requested path, without the prefix that a proxy may have left on it."""
        is_left = request.path.startswith(f"{self._prefix}/")
        return request.path.removeprefix(self._prefix) if is_left else request.path

    def _is_known(self, request: web.Request, token: str) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _equal(given.strip(), token):
            return True
        return _equal(request.cookies.get(cookie_name(token), ""), _cookie_value(token))

    async def _admit(self, request: web.Request, token: str) -> web.StreamResponse:
        """Set the cookie if the form holds the right token; else answer 401 with the form, or with an error."""
        trouble = ""
        if _is_form(request):
            if _equal(await _given(request), token):
                return self._let_in(request, token)
            trouble = WRONG
        headers = {"WWW-Authenticate": "Bearer"}
        if "text/html" in request.headers.get("Accept", ""):
            page = login_page(trouble, depth=self._path(request).count("/") - 1)
            return web.Response(status=401, text=page, content_type="text/html", headers=headers)
        words = f"{trouble} Open this page in a browser, or send Authorization: Bearer.".lstrip()
        raise web.HTTPUnauthorized(text=f"{words}\n", headers=headers)

    def _let_in(self, request: web.Request, token: str) -> web.Response:
        """Set the cookie and redirect to the requested page."""
        # The redirect is relative: only the browser knows the prefix that a proxy has removed. The dot prevents that
        # the first segment is read as a scheme or another host (RFC 3986, 4.2).
        asked_for = "./" + request.rel_url.raw_path_qs.partition("?")[0].rpartition("/")[2]
        query = request.rel_url.raw_query_string
        response = web.Response(status=303, headers={"Location": f"{asked_for}?{query}" if query else asked_for})
        public = self._public if self._public and request.headers.get("Origin") == self._public.origin else None
        name, value = cookie_name(token), _cookie_value(token)
        path, is_secure = (f"{public.prefix}/", public.is_https) if public else ("/", request.secure)
        response.set_cookie(name, value, path=path, httponly=True, samesite="Strict", secure=is_secure)
        return response


def _is_form(request: web.Request) -> bool:
    # A page of another origin can send these types without a preflight, so they are never more than a login attempt.
    return request.method == "POST" and request.content_type != "application/json"


async def _given(request: web.Request) -> str:
    """The token in the form; empty if the body is not a form."""
    # aiohttp's own parser raises for types and charsets that no browser sends.
    fields = parse_qs((await request.read()).decode(errors="replace"))
    return fields.get("token", [""])[0].strip()


def cookie_name(token: str) -> str:
    """Return the name of the cookie for `token`."""
    # Cookies ignore ports (RFC 6265, 8.5): with one name, bots on the same machine would log each other's users out.
    return f"{COOKIE}_{_digest(token, 'name')[:8]}"


def _cookie_value(token: str) -> str:
    # A digest, so that the cookie does not reveal the token.
    return _digest(token, "cookie")


def _digest(token: str, purpose: str) -> str:
    return hmac.new(token.encode(), f"ensemble inspector {purpose}".encode(), hashlib.sha256).hexdigest()


def _equal(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), wanted.encode())
