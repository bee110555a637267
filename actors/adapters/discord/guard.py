"""One try is one request on the wire, and no wait is hidden in it, whatever discord.py would like.

    library ─► request_start ─► connection ─► (left the process) ─► answer ─► library
                    │ a second one?                                    │ 429, 5xx? rate-limit headers?
                    └─► SecondTry                                      └─► Stopped     └─► taken off, noted

discord.py sleeps and tries again after 429, 500, 502, 504 and 524 (webhooks: every 5xx), and after the
last request of a rate-limit bucket it sleeps before it hands over the answer. aiohttp's tracing runs in
the sender's task and sees every request of the session, so the guard ends each of these there. Its
buckets, through which a hung send would block the next, are replaced by `unpaced`.

Failure modes: aiohttp itself repeats a GET, PUT or DELETE at once when a kept-alive connection turns out
closed; these are safe to repeat, and are counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any, Final, Self

import aiohttp
import anyio
from discord.http import Ratelimit
from multidict import CIMultiDict, CIMultiDictProxy

from actors.adapters.discord.limits import asked_wait_s, limit_of, seconds
from actors.adapters.discord.routes import goes_by_token, route_of
from actors.ports import Request, kept_headers

NO_CONTENT: Final = 204
TOO_MANY: Final = 429
SERVER_ERROR: Final = 500
PACING_HEADERS: Final = "x-ratelimit-"


class Stopped(Exception):
    """The server answered with a status after which the library would sleep and try again."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        fields = _fields(body)
        self.limit = limit_of(headers, fields) if status == TOO_MANY else None
        self.retry_after_s = asked_wait_s(headers, fields) if self.limit is None else self.limit.wait_s
        code, words = fields.get("code"), fields.get("message")
        self.code = code if isinstance(code, int) and code else None
        self.words = words if isinstance(words, str) else ""


class SecondTry(Exception):
    """The library began a second request within one try; it was kept off the wire."""


class Tries:
    """What one guarded call did: filled by the guard, read by whoever made the call."""

    __slots__ = ("began_at", "begun", "headers", "is_empty", "method", "pause_s", "route", "status", "wire")

    def __init__(self) -> None:
        self.begun = 0  # requests that the library began
        self.wire = 0  # connections that carried one: from the first on, it may have been received
        self.pause_s = 0.0  # how long the bucket is empty now, as the answer told
        self.method = self.route = ""  # of the request that went out
        self.began_at = 0.0
        self.status: int | None = None  # of its answer, if any came
        self.headers: dict[str, str] = {}
        self.is_empty = False  # it has no body

    @property
    def goes_by_token(self) -> bool:
        """Whether the request went out by the token of a webhook or an interaction, and not by the bot's."""
        return goes_by_token(self.route)

    def as_request(self, now: float) -> Request:
        """The request as those are told of it who listen; `now` by the clock of `began_at`."""
        return Request(self.method, self.route, now - self.began_at, self.status, self.headers)


_tries: ContextVar[Tries | None] = ContextVar("tries", default=None)


@contextmanager
def guarded() -> Iterator[Tries]:
    """Allows one request in this context, and counts."""
    tries = Tries()
    token = _tries.set(tries)
    try:
        yield tries
    finally:
        _tries.reset(token)


def guard() -> aiohttp.TraceConfig:
    """For `discord.Client(http_trace=…)`: acts on every request of that client, guarded call or not."""
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_refuse_second)
    trace.on_connection_create_end.append(_count)
    trace.on_connection_reuseconn.append(_count)
    trace.on_request_end.append(_judge)
    return trace


class Unpaced(Ratelimit):
    """A rate-limit bucket that never makes anybody wait: pauses are ours.

    discord.py's own is lost for good when a try is cancelled at its time limit: its way out awaits once
    more, anyio cancels that too, and every later try in the bucket waits for a token that nobody returns.
    """

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        return None


def unpaced(key: str) -> Ratelimit:
    """For `HTTPClient.get_ratelimit`."""
    return Unpaced(None)


async def _refuse_second(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
) -> None:
    tries = _tries.get()
    if tries is None:
        return
    tries.begun += 1
    if tries.begun > 1:
        raise SecondTry(f"{params.method} was to go out again")
    tries.method, tries.route, tries.began_at = params.method, route_of(params.url.path), anyio.current_time()


async def _count(
    session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionCreateEndParams | aiohttp.TraceConnectionReuseconnParams,
) -> None:
    tries = _tries.get()
    if tries is not None:
        tries.wire += 1


async def _judge(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    response = params.response
    if params.url.scheme in ("ws", "wss"):
        return  # a handshake: the gateway has its own rules
    tries = _tries.get()
    if tries is not None:
        tries.status, tries.headers = response.status, kept_headers(response.headers)
        tries.is_empty = response.status == NO_CONTENT or response.headers.get("Content-Length") == "0"
    if response.status == TOO_MANY or response.status >= SERVER_ERROR:
        raise Stopped(response.status, response.headers, await _body(response))
    _take_pacing_off(response)


async def _body(response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except aiohttp.ClientError:
        return b""  # the status says enough


def _take_pacing_off(response: aiohttp.ClientResponse) -> None:
    """Keep the rate-limit headers from the library, which sleeps on them, and note the pause instead."""
    headers = response._headers
    tries = _tries.get()
    if tries is not None and headers.get("X-RateLimit-Remaining") == "0":
        tries.pause_s = seconds(headers.get("X-RateLimit-Reset-After"))
    kept = [(name, value) for name, value in headers.items() if not name.lower().startswith(PACING_HEADERS)]
    # aiohttp offers no way to change an answer; `headers` is computed once and then read from `_cache`.
    response._headers = CIMultiDictProxy(CIMultiDict(kept))
    response._cache.pop("headers", None)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
