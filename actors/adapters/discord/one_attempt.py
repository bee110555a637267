"""Limits each attempt to one request on the wire, without discord.py's own retries and waits.

    library ─► request_start ─► connection ─► (left the process) ─► answer ─► library
                    │ a second one?                                    │ 429, 5xx? rate-limit headers?
                    └─► SecondTry                                      └─► Stopped     └─► removed, noted

discord.py sleeps and retries after 429, 500, 502, 504 and 524 (webhooks: every 5xx), and after the last request
of a rate-limit bucket it sleeps before it returns the answer. aiohttp's tracing runs in the sender's task and
sees every request of the session, so this trace prevents both there. discord.py's buckets, in which a hung
send would block the next one, are replaced by `unpaced`.

Failure modes: aiohttp itself repeats a GET, PUT or DELETE at once if a kept-alive connection turns out to be
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
    """The server answered with a status after which the library would sleep and retry."""

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
    """The library began a second request within one attempt; it was not sent."""


class Tries:
    """The record of one counted call: the trace fills it, the caller reads it."""

    __slots__ = ("began_at", "begun", "empty_s", "headers", "is_empty", "method", "route", "status", "wire")

    def __init__(self) -> None:
        self.begun = 0  # requests that the library began
        self.wire = 0  # connections that carried one; if any, the server may have received the request
        self.empty_s = 0.0  # how long the bucket stays empty, according to the answer
        self.method = self.route = ""  # of the request that was sent
        self.began_at = 0.0
        self.status: int | None = None  # of the answer, if there was one
        self.headers: dict[str, str] = {}
        self.is_empty = False  # the answer has no body

    @property
    def goes_by_token(self) -> bool:
        """Whether the request used the token of a webhook or an interaction, not the bot's."""
        return goes_by_token(self.route)

    def as_request(self, now: float) -> Request:
        """The request as it is recorded in the exchange; `now` by the clock of `began_at`."""
        return Request(self.method, self.route, now - self.began_at, self.status, self.headers)


_tries: ContextVar[Tries | None] = ContextVar("tries", default=None)


@contextmanager
def counted() -> Iterator[Tries]:
    """Count the requests in this context, and allow only one."""
    tries = Tries()
    token = _tries.set(tries)
    try:
        yield tries
    finally:
        _tries.reset(token)


def one_attempt() -> aiohttp.TraceConfig:
    """For `discord.Client(http_trace=…)`: applies to every request of that client, counted or not."""
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(_refuse_second)
    trace.on_connection_create_end.append(_count)
    trace.on_connection_reuseconn.append(_count)
    trace.on_request_end.append(_judge)
    return trace


class Unpaced(Ratelimit):
    """A rate-limit bucket without waits, because `Buckets` handles them.

    discord.py's own bucket locks for ever if an attempt is cancelled at its time limit: its `__aexit__` awaits again,
    anyio cancels that too, and every later attempt in the bucket waits for a token that is never returned.
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
        raise SecondTry(f"a second {params.method} within one attempt")
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
        return  # a handshake of the gateway, which has its own retries
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
        return b""  # the status is sufficient


def _take_pacing_off(response: aiohttp.ClientResponse) -> None:
    """Remove the rate-limit headers, on which the library would sleep, and note the wait instead."""
    headers = response._headers
    tries = _tries.get()
    if tries is not None and headers.get("X-RateLimit-Remaining") == "0":
        tries.empty_s = seconds(headers.get("X-RateLimit-Reset-After"))
    kept = [(name, value) for name, value in headers.items() if not name.lower().startswith(PACING_HEADERS)]
    # aiohttp cannot change an answer publicly; `headers` is computed once and then read from `_cache`.
    response._headers = CIMultiDictProxy(CIMultiDict(kept))
    response._cache.pop("headers", None)


def _fields(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
