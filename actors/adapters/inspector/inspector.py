"""The inspector's server: takes trace events and serves views over HTTP.

    publish ─► lives (bounded) ─► feed ─► /events     the journal ─► /api/responses, /api/sessions
           └─► fleet ─► /api/fleet                    metrics ─► /metrics       page/ ─► /, /responses/{id}

Failure modes: an unavailable address raises CannotServe; a slow viewer is disconnected; if the journal cannot be read,
that request answers 500, or `run` raises if the stream needed it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import anyio
from aiohttp import web
from anyio.abc import TaskStatus

from actors.adapters.inspector import connections
from actors.adapters.inspector.address import AddressError, PublicUrl, is_loopback, parse_address
from actors.adapters.inspector.breakpoint_routes import BreakpointRoutes, stop_view
from actors.adapters.inspector.breakpoints import Breakpoints
from actors.adapters.inspector.connections import Bounds, Connection, in_time
from actors.adapters.inspector.drawings import TYPES, Drawings, Picture
from actors.adapters.inspector.feed import RETRY_MS, Feed, compact_json, gathering_s
from actors.adapters.inspector.login import Login
from actors.adapters.inspector.pages import FILES, index_page, page_file
from actors.adapters.inspector.seldom import Seldom
from actors.adapters.inspector.shared_reads import SHARED_S, SharedReads
from actors.observation import ChannelNames, Dependencies, Journal
from actors.observation.exchange_view import dependencies_view, exchange_view
from actors.observation.fleet import Fleet, breaker_view, connection_view
from actors.observation.json_view import machine_view, step_view, texts_view, view, whole_view
from actors.observation.patience import USUAL, Patience
from actors.observation.response_view import ResponseView, Step
from actors.observation.response_views import ResponseViews
from actors.observation.troubles import Troubles
from actors.ports import BreakerMoved, ConnectionMoved, GenerationEnded, Moved, MoveRefused, Noted, Trace, TraceEvent
from actors.roleplay.model import ResponseId
from machines.diagrams.layout import Size
from machines.diagrams.notations import MACHINES
from machines.response import MACHINE

PING_S: Final = 15.0
SNAPSHOT_MAX: Final = 200
SHARED_MAX: Final = 200
"""Number of events after which a new snapshot is made. A snapshot costs some milliseconds, and all viewers reconnect
at once after a restart.
"""

LIST_DEFAULT: Final = 50
LIST_MAX: Final = 500
SESSIONS_MAX: Final = 100
LINES_MAX: Final = 200
SHUTDOWN_S: Final = 0.2
"""How long answers in progress may take at shutdown; streams are closed before."""

ACCEPTED_S: Final = 0.05
"""How long the last connection may take to be registered with aiohttp, which closes only registered ones."""

BODY_BYTES_MAX: Final = 16_384
"""Largest request body: a token or a breakpoint."""

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/"""


class CannotServe(Exception):
    """The address is unavailable; the message names the setting and the fix."""


class Inspector:
    """The `Trace` port, and a server beside the bot. `publish` never waits; `run` serves until cancelled."""

    def __init__(
        self,
        address: str,
        token: str | None,
        *,
        journal: Journal,
        origins: tuple[str, ...] = (),
        public: PublicUrl | None = None,
        metrics: Callable[[], Awaitable[bytes]] | None = None,
        picture: Picture | None = None,
        patience: Patience = USUAL,
        dependencies: Callable[[], Dependencies] = Dependencies,
        channel_name: ChannelNames = lambda channel_id: None,
        now: Callable[[], float] = time.time,
        ping_s: float = PING_S,
        log: Trace | None = None,
        bounds: Bounds = connections.USUAL,
        shared_s: float = SHARED_S,
    ) -> None:
        """`metrics` returns the body of `/metrics` in Prometheus's text format; None without metrics.
        `picture` converts an SVG to PNG; without it there are no `.png` diagrams. `dependencies` returns their present
        state. `channel_name` is shown beside the channel's id. `log` receives notes about breakpoints and the
        responses that they stop. `public` is the address behind a proxy, which may remove the prefix or keep it.
        `shared_s` is how long an answer of the API is given again to whoever asks the same.

        Raises AddressError for a malformed address, and for an address or `public` beyond loopback without a token.
        """
        self._host, self._port = parse_address(address)
        if not token and not is_loopback(self._host):
            raise AddressError(f"{address} is open to others: set INSPECTOR_TOKEN, or use 127.0.0.1")
        if not token and public is not None and not is_loopback(public.host):
            raise AddressError(f"{public.origin} is open to others: set INSPECTOR_TOKEN")
        self._log = log
        self._bounds = bounds
        self._connections: set[Connection] = set()
        self._unreadable = Seldom(self._warn, now)
        self._reads = SharedReads(now, shared_s)
        self._login = Login(self._host, token, origins, public, now=now, warn=self._warn)
        self._prefix = "" if public is None else public.prefix
        self._journal = journal
        self._read_metrics = metrics
        self._patience = patience
        self._see_dependencies = dependencies
        self._channel_name = channel_name
        self._drawings = Drawings(picture)
        self._ping_s = ping_s
        self._now = now
        self._feed = Feed(now)
        self._fleet = Fleet(journal, now)
        self._views = ResponseViews(journal, self._tell)
        self._troubles = Troubles()
        self._shared = -SHARED_MAX - 1, b""  # the newest snapshot, and its number
        self.breakpoints = Breakpoints(log, now=now, on_change=self._tell_stop) if self._login.may_stop else None
        """The `Stops` port; None without a token."""
        self._is_ready = False
        self.port = 0
        """The port that it listens on; 0 before it does."""

    @property
    def url(self) -> str:
        """The page's address; ends with a slash."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}/"

    @property
    def viewer_count(self) -> int:
        """Number of open streams."""
        return self._feed.viewer_count

    def set_ready(self) -> None:
        """From now on `/readyz` answers 200."""
        self._is_ready = True

    def publish(self, event: TraceEvent) -> None:
        match event:
            case Moved():
                self._views.saw(event)
            case MoveRefused() | GenerationEnded():
                self._views.note(event, self._now())
            case BreakerMoved():
                self._fleet.breaker_moved(event)
                self._feed.tell("breaker", lambda: breaker_view(event))
            case ConnectionMoved():
                self._fleet.connection_moved(event)
                self._feed.tell("connection", lambda: connection_view(event))
            case _:
                pass

    async def run(self, *, task_status: TaskStatus[str] = anyio.TASK_STATUS_IGNORED) -> None:
        """Serve until cancelled; `task_status.started` reports the URL. Raises CannotServe."""
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            # Before viewers connect: responses that are read here are not sent as events, only in the snapshot.
            await self._views.read_newest()
            listening = await self._listen(runner)
            try:
                task_status.started(self.url)
                await self._views.keep_up()
            finally:
                listening.close()
        finally:
            with anyio.CancelScope(shield=True):
                self._feed.cut_off_all()
                # asyncio accepts a connection over several iterations of the loop.
                await anyio.sleep(ACCEPTED_S)
                await runner.cleanup()

    async def _listen(self, runner: web.AppRunner) -> asyncio.Server:
        """Listen with connections of our own, which `web.TCPSite` has no place for."""
        assert runner.server is not None, "it is set up before it listens"
        connection = partial(Connection, runner.server, self._bounds, self._connections, self._unreadable)
        try:
            listening = await asyncio.get_running_loop().create_server(connection, self._host, self._port)
        except OSError as error:
            words = f"INSPECTOR_ADDRESS: {self._host}:{self._port} is not available ({error.strerror})"
            raise CannotServe(f"{words}; set another one, or leave it empty to run without the inspector.") from error
        self.port = self._login.port = listening.sockets[0].getsockname()[1]
        return listening

    def _warn(self, words: str) -> None:
        if self._log is not None:
            self._log.publish(Noted("warning", words))

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[in_time, self._login.check], client_max_size=BODY_BYTES_MAX)
        app.on_response_prepare.append(self._login.dress)
        for prefix in dict.fromkeys(("", self._prefix)):
            self._add_routes(app.router, prefix)
        return app

    def _add_routes(self, router: web.UrlDispatcher, prefix: str) -> None:
        routes = {
            "/": self._page,
            "/responses/{id}": self._page,
            FILES + "{name}": self._file,
            "/events": self._events,
            "/api/responses": self._responses,
            "/api/responses/{id}": self._response,
            "/api/fleet": self._read_fleet,
            "/api/dependencies": self._dependencies,
            "/api/sessions": self._sessions,
            "/api/sessions/{id}": self._session,
            "/api/machines": self._machines,
            r"/api/machines/{name}.{kind:svg|png|mmd|dot|txt}": self._machine,
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
        }
        for path, handler in routes.items():
            router.add_get(prefix + path, handler)
        BreakpointRoutes(self.breakpoints).add_to(router, prefix)

    # ── the page ────────────────────────────────────────────────────────────────────────────────────

    async def _page(self, request: web.Request) -> web.Response:
        shown = index_page(
            is_deep="id" in request.match_info,
            has_texts=self._login.may_read_texts,
            may_log_out=self._login.has_cookie(request),
        )
        return web.Response(text=shown, content_type="text/html", charset="utf-8")

    async def _file(self, request: web.Request) -> web.Response:
        found = page_file(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound(text="There is no such file.\n")
        body, content_type = found
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    # ── the stream ──────────────────────────────────────────────────────────────────────────────────

    def _tell(self, line: ResponseView, step: Step) -> None:
        self._fleet.took(step)
        self._troubles.took(step)
        self._feed.tell("move", lambda: {"response": self._view(line), "move": step_view(step)})

    def _tell_stop(self, response_id: ResponseId) -> None:
        self._feed.tell("paused", lambda: {"response": response_id} | self._stop_of(response_id))

    def _view(self, line: ResponseView) -> dict[str, Any]:
        return view(line, self._patience, behind=self._troubles.behind(line)) | self._stop_of(line.id)

    def _stop_of(self, response_id: ResponseId) -> dict[str, Any]:
        found = self.breakpoints.stop_of(response_id) if self.breakpoints is not None else None
        return {"paused": None if found is None else stop_view(found)}

    def _snapshot(self) -> bytes:
        """The newest responses: a snapshot, shared by viewers for up to SHARED_MAX events, and the events since."""
        seq, frame = self._shared
        since = self._feed.since(seq) if self._feed.seq - seq <= SHARED_MAX else None
        if since is not None:
            return frame + since
        shown = [self._view(line) for line in self._views.newest_first(SNAPSHOT_MAX)]
        frame = self._feed.frame("snapshot", {"responses": shown})
        self._shared = self._feed.seq, frame
        return frame

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._feed.viewer_count >= self._bounds.viewers:
            raise web.HTTPServiceUnavailable(text="Too many pages of the inspector are open: close one.\n")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        await response.prepare(request)
        viewer = self._feed.join(_last_seen(request), lambda: _abort(request))
        first = self._snapshot() if viewer.backlog is None else viewer.backlog
        try:
            await response.write(b"retry: %d\n" % RETRY_MS + first)
            while True:
                frames = b": ping\n\n"
                with anyio.move_on_after(self._ping_s):
                    frames = await self._feed.receive(viewer)
                await response.write(frames)
                await anyio.sleep(gathering_s())
        except (anyio.EndOfStream, ConnectionResetError):
            return response  # cut off by us, or gone: the browser reconnects with Last-Event-ID
        finally:
            self._feed.leave(viewer)

    # ── the API ─────────────────────────────────────────────────────────────────────────────────────

    async def _responses(self, request: web.Request) -> web.Response:
        state, session_id = request.query.get("state") or None, request.query.get("session") or None
        if state is not None and state not in MACHINE.states:
            raise web.HTTPBadRequest(text=f"There is no state {state!r}; there are: {', '.join(MACHINE.states)}.\n")
        limit = _limit(request.query.get("limit", str(LIST_DEFAULT)))

        async def read() -> str:
            found = await self._journal.recently_recorded(limit=limit, state=state, session_id=session_id)
            return compact_json({"responses": [self._view(ResponseView.of(recorded)) for recorded in found]})

        return await self._reads.json(f"responses {state} {session_id} {limit}", read)

    async def _response(self, request: web.Request) -> web.Response:
        response_id = request.match_info["id"]
        is_text_asked = request.query.get("text") == "1"
        if is_text_asked and not self._login.may_read_texts:
            raise web.HTTPForbidden(text="Texts are shown only where INSPECTOR_TOKEN is set.\n")
        line = self._views.get(response_id)
        recorded = await self._journal.recorded(response_id) if line is None or is_text_asked else None
        if line is None:
            if recorded is None:
                raise web.HTTPNotFound(text="There is no such response.\n")
            line = ResponseView.of(recorded)
        shown = whole_view(line, self._patience, behind=self._troubles.behind(line)) | self._stop_of(line.id)
        exchanges = await self._journal.exchanges(response_id, with_texts=is_text_asked)
        shown["exchanges"] = [exchange_view(seq, exchange) for seq, exchange in exchanges]
        if is_text_asked and recorded is not None:
            shown |= {"texts": texts_view(recorded), "redacted": False}
        return _json(shown)

    async def _read_fleet(self, request: web.Request) -> web.Response:
        return _json(await self._fleet.view())

    async def _dependencies(self, request: web.Request) -> web.Response:
        return _json(dependencies_view(self._now(), self._see_dependencies()))

    async def _sessions(self, request: web.Request) -> web.Response:
        async def read() -> str:
            found = await self._journal.seen_sessions(limit=SESSIONS_MAX)
            return compact_json({"sessions": [asdict(each) | self._place(each.channel_id) for each in found]})

        return await self._reads.json("sessions", read)

    def _place(self, channel_id: int) -> dict[str, str | None]:
        """The channel's id, as text because JavaScript's numbers cannot hold it, and its name."""
        return {"channel_id": str(channel_id), "channel": self._channel_name(channel_id)}

    async def _session(self, request: web.Request) -> web.Response:
        session_id = request.match_info["id"]

        async def read() -> str:
            lines = await self._journal.seen_lines(session_id, limit=LINES_MAX)
            return compact_json({"lines": [asdict(line) for line in lines]})

        return await self._reads.json(f"session {session_id}", read)

    async def _machines(self, request: web.Request) -> web.Response:
        return _json({"machines": {name: machine_view(machine) for name, machine in MACHINES.items()}})

    async def _machine(self, request: web.Request) -> web.Response:
        machine = MACHINES.get(request.match_info["name"])
        if machine is None:
            raise web.HTTPNotFound(text=f"There is no such machine; there are: {', '.join(MACHINES)}.\n")
        kind = request.match_info["kind"]
        size = Size.COMPACT if request.query.get("size") == Size.COMPACT else Size.WIDE
        drawn = await self._drawings.drawn(machine, kind, size)
        if drawn is None:
            raise web.HTTPNotFound(text=f"There are no {kind} diagrams here.\n")
        charset = None if kind == "png" else "utf-8"
        return web.Response(body=drawn, content_type=TYPES[kind], charset=charset)

    async def _metrics(self, request: web.Request) -> web.Response:
        if self._read_metrics is None:
            raise web.HTTPNotFound(text="There are no metrics here.\n")
        return web.Response(body=await self._read_metrics(), headers={"Content-Type": METRICS_TYPE})

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, request: web.Request) -> web.Response:
        return web.Response(text="ready\n") if self._is_ready else web.Response(status=503, text="not ready yet\n")


def _last_seen(request: web.Request) -> int | None:
    given = request.headers.get("Last-Event-ID", "")
    return int(given) if given.isdecimal() and given.isascii() and len(given) <= 20 else None


def _limit(given: str) -> int:
    if not (given.isascii() and given.isdecimal() and len(given) <= 6):
        raise web.HTTPBadRequest(text="limit is a whole number.\n")
    return min(int(given), LIST_MAX)


def _abort(request: web.Request) -> None:
    # If a viewer reads nothing, its handler is blocked in `write`; only closing the connection ends it.
    if request.transport is not None:
        request.transport.abort()


def _json(value: object) -> web.Response:
    return web.Response(text=compact_json(value) + "\n", content_type="application/json")
