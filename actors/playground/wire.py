"""Connects HTTP to the handlers: reads, records, authorises and limits requests, and injects faults.

    request ─► ledger ─► read ─► token ─► limits ─► fault? ─► handler ─► fault? ─► answer
                                                      │ drop_before, reset, http_*, │ stored_*, drop_after,
                                                      │ rate_limit*, outage, late,  │ slow, hold
                                                      │ silence                     │

Failure modes: a client's disconnect does not undo what was stored; a handler's own bug becomes aiohttp's 500.
"""

import asyncio
import hmac
import json
import socket
import struct
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus

from aiohttp import BodyPartReader, web

from .closings import VIA, Closings, Names, Refused
from .faults import Dice, FaultPlan, Hold
from .input import in_time, parsed
from .ledger import Ledger, Line
from .local_discord import LocalDiscord
from .ratelimit import RateLimits, Verdict
from .records import PUBLIC_THREAD, Channel
from .refusals import INVALID_JSON, NO_SUCH_PATH, TOO_LARGE, UNAUTHORISED, Refusal
from .rest.call import Answer, Call, Route, Upload
from .rest.interactions import is_for_interaction
from .script import CODE_KIND, Script

API_PREFIX = "/api/v10"
BODY_BYTES_MAX = 10 * 1024 * 1024
"""Discord's limit for an upload."""


class Wire:
    """Serves the routes of a world, whatever each does."""

    def __init__(self, discord: LocalDiscord, *, token: str, plan: FaultPlan, limits: RateLimits) -> None:
        self.ledger = Ledger()
        self.hold = Hold()
        self.script = Script()
        self._discord = discord
        self._token = token
        self._dice = Dice(plan)
        self._limits = limits
        self._closings = Closings(discord.now)
        self._landing: set[asyncio.Task[None]] = set()
        self._tide = asyncio.Event()
        self._closing = asyncio.Event()
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()

    @property
    def plan(self) -> FaultPlan:
        """The faults in force; setting a plan restarts its counts."""
        return self._dice.plan

    @plan.setter
    def plan(self, plan: FaultPlan) -> None:
        self._dice = Dice(plan)

    def mount(self, app: web.Application, routes: tuple[Route, ...]) -> None:
        """Adds the routes, and Discord's 404 for every other path under the prefix."""
        for route in routes:
            app.router.add_route(route.method, API_PREFIX + route.path, self._served(route))
        app.router.add_route("*", API_PREFIX + "/{tail:.*}", self._no_such_path)

    def is_out(self) -> bool:
        """Whether an outage hits the next request outside channels."""
        return self._dice.for_other(None) == "outage"

    def land(self) -> None:
        """Stores pending `late` lines now."""
        self._tide.set()
        self._tide = asyncio.Event()

    async def wait_landed(self) -> None:
        """Waits until no `late` line is pending."""
        while self._landing:
            await asyncio.wait(self._landing)

    def leave(self, request: web.Request) -> None:
        """Excludes this request's connection from `hang_up`, because it becomes the gateway's."""
        if request.transport is not None:
            self._transports.discard(request.transport)

    def hang_up(self) -> None:
        """Cuts every connection that carries requests, but not the gateway's."""
        for transport in tuple(self._transports):
            transport.abort()

    async def close(self) -> None:
        """Releases a held answer; drops pending `late` lines."""
        self.hold.release()
        self._closing.set()
        for task in self._landing:
            task.cancel()
        await asyncio.gather(*self._landing, return_exceptions=True)

    def _served(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            order = self.ledger.open(request.method, request.path)
            if request.transport is not None:
                self._transports.add(request.transport)
            try:
                return await self._serve(route, request, order)
            except Refusal as refusal:
                return self._answered(order, Answer(refusal.reason.status, refusal.body), {})

        return serve

    async def _serve(self, route: Route, request: web.Request, order: int) -> web.StreamResponse:
        if route.needs_bot:
            self._authorise(request)
        call = await in_time(_read(request))
        channel = self._channel_of(call)
        line = route.line(self._discord, call) if route.line and channel else None
        names = self._names(route, call, channel)
        channel_id = None if channel is None else channel.id
        self.ledger.complete(order, channel_id=channel_id, line=line, on_closed=self._closings.has(names))
        self._refuse_in_dialect(route, call, channel)
        verdict = self._limits.take(route.sort, _place(call, channel), counts_globally=route.needs_bot)
        if verdict.retry_after_s is not None:
            return self._limited(order, verdict.headers, verdict.retry_after_s, is_global=verdict.is_global)
        fault = self._fault(route.sort, channel, line)
        if fault is None:
            return await self._carried_out(route, call, order, verdict, is_line=line is not None)
        self.ledger.complete(order, fault=fault)
        if fault.startswith("rate_limit") or fault == "http_429":
            refused = Refused.parse(fault, self.plan.retry_after_s)
            self._closings.close(names, refused)
            return self._refused_for_now(refused, order, verdict)
        return await self._broken(fault, route, request, call, order, verdict)

    async def _carried_out(
        self, route: Route, call: Call, order: int, verdict: Verdict, *, is_line: bool
    ) -> web.StreamResponse:
        answer = route.handler(self._discord, call)
        self.ledger.complete(order, message_id=answer.message_id)
        if is_line and await self.hold.pass_through(answer.message_id):
            self.ledger.complete(order, fault="hold")
        return self._answered(order, answer, verdict.headers)

    async def _broken(
        self, fault: str, route: Route, request: web.Request, call: Call, order: int, verdict: Verdict
    ) -> web.StreamResponse:
        if fault == "outage":
            return self._failed(order, HTTPStatus.SERVICE_UNAVAILABLE, headers=verdict.headers)
        if fault.startswith("http_"):
            return self._failed(order, *_status_and_code(fault), headers=verdict.headers)
        if fault == "silence":
            return await self._silent()
        if fault in ("drop_before", "reset"):
            return cut(request, with_reset=fault == "reset")
        if fault == "late":
            self._land_later(route, call, order)
            return cut(request)
        answer = route.handler(self._discord, call)
        self.ledger.complete(order, message_id=answer.message_id)
        return await self._stored(fault, request, answer, order, verdict)

    async def _stored(
        self, fault: str, request: web.Request, answer: Answer, order: int, verdict: Verdict
    ) -> web.StreamResponse:
        """Breaks the answer to a request that was carried out."""
        if fault == "drop_after":
            return cut(request)
        if fault == "stored_silence":
            return await self._silent()
        if fault == "stored_broken":
            self.ledger.complete(order, status=answer.status)
            whole = _encoded(answer.body)
            return _json(whole[: len(whole) // 2], answer.status, verdict.headers)
        if fault.startswith("stored_"):
            return self._failed(order, *_status_and_code(fault), headers=verdict.headers)
        await asyncio.sleep(self.plan.slow_s)
        return self._answered(order, answer, verdict.headers)

    async def _silent(self) -> web.StreamResponse:
        """Keeps the connection without an answer until the server stops."""
        await self._closing.wait()
        return web.Response()

    def _refused_for_now(self, refused: Refused, order: int, verdict: Verdict) -> web.StreamResponse:
        self.ledger.complete(order, status=429)
        headers = refused.headers(verdict.headers)
        if refused.body is not None:
            return json_response(refused.body, 429, headers)
        return web.Response(status=429, headers=headers, text="<html>error code: 1015</html>", content_type="text/html")

    def _names(self, route: Route, call: Call, channel: Channel | None) -> Names:
        """The names that a 429 on this request can close; a webhook has one for all its threads."""
        if "webhook" not in call.params:
            place = f"{route.sort} {_place(call, channel)}"
            return Names(place, place, is_interaction="interaction" in call.params)
        if is_for_interaction(self._discord, call):
            return Names(f"interaction {call.params.get('token')}", "", is_interaction=True)
        webhook = self._discord.webhooks.get(call.id("webhook"))
        return Names(f"webhook {call.params['webhook']}", f"webhooks of {webhook and webhook.channel_id}")

    def _land_later(self, route: Route, call: Call, order: int) -> None:
        async def land(tide: asyncio.Event) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.plan.late_s):
                    await tide.wait()
            try:
                answer = route.handler(self._discord, call)
            except Refusal as refusal:
                self.ledger.complete(order, fault=f"late, then refused: {refusal}")
            else:
                self.ledger.complete(order, message_id=answer.message_id)

        self._run(land(self._tide))

    def _run(self, landing: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(landing)
        self._landing.add(task)
        task.add_done_callback(self._landing.discard)

    def _fault(self, sort: str, channel: Channel | None, line: Line | None) -> str | None:
        if self.script.is_written_for(sort, is_line=line is not None):
            return self.script.take(sort, is_line=line is not None)
        if channel is not None and line is not None:
            return self._dice.for_line(channel.ordinal)
        return self._dice.for_other(None if channel is None else channel.ordinal)

    def _authorise(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bot {self._token}".encode()):
            raise Refusal(UNAUTHORISED)

    def _refuse_in_dialect(self, route: Route, call: Call, channel: Channel | None) -> None:
        dialect = self._discord.dialect
        if not is_for_interaction(self._discord, call):
            dialect.refuse(route.sort, in_thread=channel is not None and channel.kind == PUBLIC_THREAD)
        if route.method in ("POST", "PATCH"):
            dialect.check(call.body)

    def _channel_of(self, call: Call) -> Channel | None:
        """The call's channel: from the path or the query, or the webhook's own."""
        channel_id = call.id("channel") if "channel" in call.params else call.query_id("thread_id")
        if channel_id is None and "webhook" in call.params:
            webhook = self._discord.webhooks.get(call.id("webhook"))
            channel_id = None if webhook is None else webhook.channel_id
        return None if channel_id is None else self._discord.channels.get(channel_id)

    async def _no_such_path(self, request: web.Request) -> web.StreamResponse:
        order = self.ledger.open(request.method, request.path)
        return self._answered(order, Answer(NO_SUCH_PATH.status, Refusal(NO_SUCH_PATH).body), {})

    def _answered(self, order: int, answer: Answer, headers: dict[str, str]) -> web.StreamResponse:
        self.ledger.complete(order, status=answer.status)
        if answer.status == HTTPStatus.NO_CONTENT:
            return web.Response(status=answer.status, headers=headers)
        return json_response(answer.body, answer.status, headers)

    def _limited(
        self, order: int, headers: dict[str, str], retry_after_s: float, *, is_global: bool
    ) -> web.StreamResponse:
        scope = {"X-RateLimit-Global": "true"} if is_global else {"X-RateLimit-Scope": "user"}
        body = {"message": "You are being rate limited.", "retry_after": retry_after_s, "global": is_global}
        self.ledger.complete(order, status=429)
        retry_after = {"Retry-After": f"{retry_after_s:g}"}
        return json_response(body, 429, headers | VIA | scope | retry_after)

    def _failed(
        self, order: int, status: int, code: int = 0, *, headers: dict[str, str] | None = None
    ) -> web.StreamResponse:
        """An injected error: JSON below 500; from 500 on an HTML page, as Discord's edge sends it."""
        self.ledger.complete(order, status=status)
        words = f"{status}: {_phrase(status)}"
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return json_response({"message": words, "code": code}, status, headers)
        page = f"<html><title>{words}</title></html>"
        return web.Response(status=status, headers=headers, text=page, content_type="text/html")


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """JSON with exactly the content type that clients check for."""
    return _json(_encoded(body), status, headers)


def _encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _json(body: bytes, status: int, headers: dict[str, str] | None) -> web.Response:
    return web.Response(body=body, status=status, headers=(headers or {}) | {"Content-Type": "application/json"})


def _status_and_code(fault: str) -> tuple[int, int]:
    """The status and code of `http_404`, `stored_502` or `http_404_10003`."""
    coded = CODE_KIND.fullmatch(fault)
    return (int(coded[1]), int(coded[2])) if coded else (int(fault.rpartition("_")[2]), 0)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"


def _place(call: Call, channel: Channel | None) -> str:
    """The owner of the rate limit: the channel, which all its webhooks share."""
    return call.params.get("webhook", "") if channel is None else str(channel.id)


def cut(request: web.Request, *, with_reset: bool = False) -> web.Response:
    """Ends the connection at once, by FIN or by RST; the returned answer is never sent."""
    if request.transport is not None:
        if with_reset:
            own: socket.socket = request.transport.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response()


async def _read(request: web.Request) -> Call:
    """Reads the call; raises 50109 if the body is not JSON, 40005 if it is too large."""
    params, query = dict(request.match_info), dict(request.query)
    if not request.can_read_body:
        return Call(params, query)
    if (request.content_length or 0) > BODY_BYTES_MAX:
        raise Refusal(TOO_LARGE)
    if not request.content_type.startswith("multipart/"):
        return Call(params, query, _parsed(await request.read()))
    body, uploads = None, []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise Refusal(INVALID_JSON)
        content = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body = _parsed(content)
        elif part.filename is not None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploads.append(Upload(part.filename, kind, content))
    return Call(params, query, body, tuple(uploads))


def _parsed(content: bytes) -> object:
    if not content:
        return None
    try:
        return parsed(content)
    except ValueError:
        raise Refusal(INVALID_JSON) from None
