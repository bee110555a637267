"""Runs the playground: a small Discord on loopback, for people to play on and for tests to check results against.

    async with PlaygroundServer(faults=FaultPlan.parse(["drop_after=0.3"], seed=7)) as server:
        ...                                    # point discord.py at server.api_url and server.gateway_url
        server.say("tavern", "Robin", "Hello?")
        server.messages("tavern")              # what the channel really shows

The same methods are served over HTTP under `/_control/` (`control.py`).
Failure modes: `start` raises OSError for a port in use, and for a folder that cannot be used.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from .connections import Bounds, Connection, note_head
from .control import mount_control
from .control_requests import checked
from .dialect import Dialect
from .events import Event
from .faults import FaultPlan, Hold
from .feed import Feed
from .gate import Gate, dress
from .gateway import Gateway
from .hooks import BotControl, CardShelf
from .images import mount_images
from .ledger import Entry, Ledger
from .local_discord import LocalDiscord
from .model_faults import MODEL_PREFIX, ModelFaultPlan, ModelRoutes
from .page_routes import mount_page
from .page_view import change_of, world_view
from .people import Steering
from .ratelimit import WIDE_LIMITS, LimitPlan, RateLimits
from .records import Json
from .rest import ROUTES
from .shelf import NONCE_WINDOW_S
from .store import WorldFile
from .wire import API_PREFIX, BODY_BYTES_MAX, Wire

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHUTDOWN_S = 0.2
"""How long `stop` lets answers in flight finish."""


class PlaygroundServer(Steering):
    """Serves one world; started once and stopped once."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        faults: FaultPlan | None = None,
        limits: LimitPlan = WIDE_LIMITS,
        nonce_window_s: float = NONCE_WINDOW_S,
        bounds: Bounds | None = None,
        folder: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Port 0 picks a free port; without a token one is generated; without a folder the world is in memory only.

        Raises ValueError if the host is not loopback.
        """
        if host not in LOOPBACK:
            raise ValueError(f"the playground is for loopback only ({', '.join(LOOPBACK)}), not {host!r}")
        super().__init__(LocalDiscord(now=now, nonce_window_s=nonce_window_s))
        self.token = token or secrets.token_urlsafe(24)
        self._bounds = bounds or Bounds()
        self.gate = Gate(self.token)
        self.app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[note_head, self.gate.admit])
        self.app.on_response_prepare.append(dress)
        """A page can add its routes before `start`."""
        self.gateway = Gateway(self.discord, self.token, self._bounds)
        self.feed = Feed(self._snapshot)
        """Sends every change to all open pages."""
        self.card_shelf: CardShelf | None = None
        self.inspector_url: str | None = None
        """URL of the bot's inspector, without a trailing slash; pages reach it under `/inspector/`."""
        self.inspector_token: str | None = None
        """The inspector's token; this server sends it, and no page receives it."""
        self.has_model = True
        """False if the bot speaks without a model; pages then say how to give it one."""
        self._bot_control: BotControl | None = None
        self._host, self._port, self._folder = host, port, folder
        self._model = ModelRoutes()
        self._wire = Wire(self.discord, token=self.token, plan=faults or FaultPlan(), limits=RateLimits(limits, now))
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        self._connections: set[Connection] = set()
        self._listening: asyncio.Server | None = None
        self._file: WorldFile | None = None
        self.discord.subscribe(self._tell)
        self.gateway.watch(self._tell_presence)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Opens the world and serves it. Raises OSError for a port in use or an unusable folder."""
        try:
            self._open_world()
            self._mount()
            await self._runner.setup()
            await self.accept_connections()
        except OSError:
            await self.stop()
            raise
        self.discord.address, self.discord.gateway_url = self.url, self.gateway_url

    async def stop(self) -> None:
        """Closes every connection, then the world's file."""
        self.feed.close()
        self.gateway.close_all(1001)
        self._model.close()
        await self._wire.close()
        self._stop_listening()
        await self._runner.cleanup()
        if self._file is not None:
            self._file.close()
            self._file = None

    def next_lines(self, *kinds: str | None) -> None:
        """Scripts faults for the next lines, in order; None lets one pass (`script.py`). Raises ValueError."""
        self._wire.script.add_lines(kinds)

    def next_requests(self, sort: str, *kinds: str | None) -> None:
        """Scripts faults for the next requests of one sort (`READS`) that are not lines. Raises ValueError."""
        self._wire.script.add_requests(sort, kinds)

    async def refuse_connections(self) -> None:
        """Refuses new connections, and cuts the existing ones except the gateway's."""
        self._stop_listening()
        self._wire.hang_up()

    async def accept_connections(self) -> None:
        """Listens, on the same port as before. Raises OSError."""
        if self._listening is None:
            loop = asyncio.get_running_loop()
            self._listening = await loop.create_server(self._connection, self._host, self._port, reuse_address=True)
            self._port = self._listening.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """The server's URL, without a trailing slash."""
        return f"http://{self._authority}"

    @property
    def page_url(self) -> str:
        """What opens the page: the URL with the key of this start."""
        return self.opening("/")

    def opening(self, path: str) -> str:
        """What opens a page of this server: its URL with the key of this start."""
        return f"{self.url}{path}?key={self.gate.key}"

    @property
    def api_url(self) -> str:
        """For `discord.http.Route.BASE`."""
        return self.url + API_PREFIX

    @property
    def gateway_url(self) -> str:
        """For `discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY`."""
        return f"ws://{self._authority}/gateway"

    @property
    def faults(self) -> FaultPlan:
        """The faults in force. A new plan restarts the counts; an outage of 1 also closes the gateway's connections."""
        return self._wire.plan

    @faults.setter
    def faults(self, plan: FaultPlan) -> None:
        self._wire.plan = plan
        self.feed.publish("faults", asdict(plan))
        if plan.chance("outage") == 1:
            self.gateway.close_all()

    @property
    def model_url(self) -> str:
        """The URL that the bot asks before its model, for the faults of a model's server."""
        return self.url + MODEL_PREFIX

    @property
    def model_faults(self) -> ModelFaultPlan:
        """The model's faults in force; a new plan restarts the count."""
        return self._model.plan

    @model_faults.setter
    def model_faults(self, plan: ModelFaultPlan) -> None:
        self._model.plan = plan
        self.feed.publish("model_faults", asdict(plan))

    @property
    def dialect(self) -> Dialect:
        """How this server differs from Discord; a new dialect applies from the next request on."""
        return self.discord.dialect

    @dialect.setter
    def dialect(self, dialect: Dialect) -> None:
        self.discord.dialect = dialect

    @property
    def bot_control(self) -> BotControl | None:
        """The bot's process, which the page can kill and start."""
        return self._bot_control

    @bot_control.setter
    def bot_control(self, control: BotControl) -> None:
        self._bot_control = control
        control.watch(self._tell_presence)

    @property
    def ledger(self) -> Ledger:
        """Every request that arrived."""
        return self._wire.ledger

    @property
    def on_closed(self) -> list[Entry]:
        """The requests that arrived although a 429 had closed their bucket; a bot that waits sends none."""
        return [entry for entry in self._wire.ledger if entry.on_closed]

    @property
    def hold(self) -> Hold:
        """Delays the answer to a stored line until it is released."""
        return self._wire.hold

    def land(self) -> None:
        """Stores pending `late` lines now, instead of `late_s` after their connections were cut."""
        self._wire.land()

    async def wait_landed(self) -> None:
        """Waits until no `late` line is pending: only then is the channel's count final."""
        await self._wire.wait_landed()

    @property
    def _authority(self) -> str:
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    def _connection(self) -> Connection:
        assert self._runner.server is not None, "it is set up before it listens"
        return Connection(self._runner.server, self._bounds, self._connections)

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _open_world(self) -> None:
        kept = []
        if self._folder is not None:
            self._file = WorldFile(self._folder)
            kept = self._file.load()
            self.discord.keep_with(self._file.keep)
        if kept:
            self.discord.restore(kept)
        else:
            self.discord.furnish()

    def _mount(self) -> None:
        self._wire.mount(self.app, ROUTES)
        for path in ("/gateway", "/gateway/"):
            self.app.router.add_get(path, self._serve_gateway)
        self.app.router.add_post(f"{MODEL_PREFIX}/chat/completions", checked(self._model.complete))
        mount_images(self.app, self.discord)
        mount_control(self.app, self)
        mount_page(self.app, self)

    def _snapshot(self) -> Json:
        parts = {"cards": self.card_shelf is not None, "inspector": self.inspector_url is not None}
        has = parts | {"model": self.has_model}
        faults = {"faults": asdict(self.faults), "model_faults": asdict(self.model_faults)}
        return world_view(self.discord) | faults | {"presence": self._presence(), "has": has}

    def _presence(self) -> Json:
        """Whether the bot is connected, and its process's state if we control it."""
        process = None if self._bot_control is None else str(self._bot_control.state)
        return {"connected": self.gateway.connected > 0, "process": process}

    def _tell(self, event: Event) -> None:
        for kind, body in change_of(self.discord, event):
            self.feed.publish(kind, body)

    def _tell_presence(self) -> None:
        self.feed.publish("presence", self._presence())

    async def _serve_gateway(self, request: web.Request) -> web.StreamResponse:
        if self._wire.is_out():
            return web.Response(status=503)
        self._wire.leave(request)
        return await self.gateway.serve(request)
