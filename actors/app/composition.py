"""Composes and runs one process of the bot.

    Discord client ─► gateway ─► store ◄─ sessions ◄─ engine
          ▲                        ▲           │
          └ breakers ◄ voice, channel ◄ outbox ◄┘         everything ─► trace: log, inspector, metrics

Failure modes: the supervisor contains and restarts each actor; a wrong token and missing intents end the process, since
a restart does not fix them. At the end, sends in flight get their grace period; then the Discord client stops.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
from anyio.abc import TaskGroup

from actors.adapters.clock import SystemClock
from actors.adapters.discord import DiscordAdapter, Endpoints, IntentsMissing, WrongToken
from actors.adapters.engine.embedded import EmbeddedEngine
from actors.adapters.files import CdnFiles
from actors.adapters.groq import GroqModel
from actors.adapters.inspector import CannotServe, Inspector
from actors.adapters.log import ErrorCounter
from actors.adapters.metrics import Metrics
from actors.adapters.patterns import RegexPatterns
from actors.adapters.status import HttpStatusPage
from actors.adapters.store import SqlStore, StoreError
from actors.adapters.tracing import Traces
from actors.adapters.understudy import Understudy
from actors.allowances import Allowances
from actors.app.debugging import Answers, ProcessFacts
from actors.app.error_count import ErrorCount
from actors.app.hand_over import NotHandedOver
from actors.app.inspection import inspect, inspector_of
from actors.app.measurement import metrics_of, watch_loop
from actors.app.settings import Settings
from actors.app.watchdog import Watchdog
from actors.breaker_ports import behind_breakers
from actors.breakers import Breakers
from actors.gateway import Gateway
from actors.observation import AllowanceView, Budget, Debugger, Dependencies
from actors.ports import Clock, Model, NoStops, ServerKnowledge, Sink, Trace
from actors.services import Services
from actors.supervisor import Supervisor
from actors.system import ActorSystem

GUILDS_S: Final = 2.0
"""READY counts as complete when no guild arrives for this long (discord.py's default)."""

IDENTIFY_INTERVAL_S: Final = 5.0
"""Time between two logins of a process (Discord's reference, "Identifying": one every five seconds)."""

GUILDS_LOCAL_S: Final = 0.1
"""`GUILDS_S` for a server other than Discord: such servers have few guilds."""

ERROR_COUNT: Final = "The error counter"

TYPING_SHARE_MAX: Final = 0.25
"""Of a generation's timeout: the understudy types a long line for twice its time, and must be done well before it."""

CONNECT_S: Final = 60.0
"""How long a standby process may take to connect; after that, no login or READY is expected."""

ADDRESS_WAIT_S: Final = 20.0
"""How long the old process may keep the inspector's address after a hand-over."""

FATAL = (WrongToken, IntentsMissing, CannotServe)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The Discord server to play on, and the bot's token there."""

    token: str
    urls: Endpoints = field(default_factory=Endpoints)

    @property
    def is_local(self) -> bool:
        """Whether this is another server than Discord, such as the playground's."""
        return self.urls.api_url is not None


def urls_of(settings: Settings) -> Endpoints:
    """Return Discord's URLs from the settings."""
    return Endpoints(settings.discord_api_url or None, settings.discord_gateway_url or None)


def model_of(settings: Settings, shelf: ServerKnowledge | None = None) -> GroqModel | Understudy:
    """Return the configured model; the understudy if neither a key nor a server is set.

    `shelf` stores what the model learns about its server.
    """
    key = settings.groq_api_key.get_secret_value() if settings.groq_api_key else None
    if key is None and not settings.groq_base_url:
        return Understudy(typing_s=min(settings.understudy_typing_s, settings.generate_timeout_s * TYPING_SHARE_MAX))
    return GroqModel(
        api_key=key,
        base_url=settings.groq_base_url or None,
        models=tuple(dict.fromkeys((settings.groq_model, *settings.groq_fallback_models))),
        timeout_s=settings.generate_timeout_s,
        shelf=shelf,
        limits=settings.model_limits,
    )


def allowances_of(model: Model, store: SqlStore) -> Allowances:
    """Return the account's allowances; the understudy has no limits."""
    return Allowances(model.limits, store, model.server) if isinstance(model, GroqModel) else Allowances()


def status_page_of(settings: Settings, *, is_discord: bool) -> HttpStatusPage | None:
    """Return the status page to ask, if any. The default is Discord's; another server needs STATUS_URL."""
    is_meant = is_discord or "status_url" in settings.model_fields_set
    return HttpStatusPage(settings.status_url) if settings.status_url and is_meant else None


@asynccontextmanager
async def open_model(
    settings: Settings, shelf: ServerKnowledge | None = None, *, recalls: bool = True
) -> AsyncIterator[GroqModel | Understudy]:
    """Yield `model_of`, and close its connections at the end. `recalls` reads the shelf, which must be open."""
    model = model_of(settings, shelf)
    try:
        if recalls:
            await recall(model)
        yield model
    finally:
        if isinstance(model, GroqModel):
            with anyio.CancelScope(shield=True):
                await model.aclose()


async def recall(model: GroqModel | Understudy) -> None:
    """Read what was learnt earlier about the model's server; no effect for the understudy."""
    if isinstance(model, GroqModel):
        await model.recall()


@dataclass(frozen=True, slots=True)
class Bot:
    """The running parts of one process, made by `compose`."""

    settings: Settings
    store: SqlStore
    services: Services
    adapter: DiscordAdapter
    actors: ActorSystem
    supervisor: Supervisor
    inspector: Inspector | None
    metrics: Metrics
    """Fed and served only with the inspector; without it they cannot be read."""
    errors: ErrorCount | None = None

    async def run(
        self,
        *,
        on_ready: Callable[[Gateway], Awaitable[None]],
        until: Callable[[], Awaitable[None]],
        beside: Callable[[], Awaitable[None]] | None = None,
        turn: Callable[[], Awaitable[bool]] | None = None,
        on_drained: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Play until `until` returns; `on_ready` is called once, after READY and catch-up.

        `turn` is for a bot on standby: the bot connects first, and starts nothing else until `turn` returns True.
        `on_drained` is called after the last write. `beside` runs in the background and is cancelled at the end.
        Raises WrongToken, IntentsMissing, CannotServe if INSPECTOR_ADDRESS is not available, and StoreError from
        `turn`.
        """
        fatal: list[Exception] = []
        writes = False
        try:
            async with anyio.create_task_group() as connection:
                if turn is not None:
                    self._start_clients(connection)
                if turn is None or await turn():
                    writes = True
                    await self._play(connection, on_ready, until, beside, is_connected=turn is not None)
                    await self._write_error_count()
                    writes = False
                    if on_drained is not None:
                        await on_drained()
                # The client stops last: sends in flight need it until the grace period is over.
                # The inspector stops with it, so that it shows the last moves.
                connection.cancel_scope.cancel()
        except* (*FATAL, StoreError) as group:
            fatal.append(_first_of(group))
        if writes:  # the run was cut short
            await self._write_error_count()
        if fatal:
            raise fatal[0]

    async def _write_error_count(self) -> None:
        if self.errors is not None:
            await self.supervisor.contain(ERROR_COUNT, self.errors.write)

    async def wait_connected(self) -> None:
        """Wait until every shard is connected. Raises NotHandedOver if that takes too long."""
        with anyio.move_on_after(CONNECT_S + IDENTIFY_INTERVAL_S * len(self.adapter.shard_ids)):
            await self.adapter.wait_connected()
            return
        raise NotHandedOver("Discord cannot be reached, and the old bot keeps running: check the network")

    async def _play(
        self,
        connection: TaskGroup,
        on_ready: Callable[[Gateway], Awaitable[None]],
        until: Callable[[], Awaitable[None]],
        beside: Callable[[], Awaitable[None]] | None,
        *,
        is_connected: bool,
    ) -> None:
        async with anyio.create_task_group() as listening:
            async with anyio.create_task_group() as actors:
                await self.actors.start(actors, listening=listening)
                self._start_inspector(connection, wait_s=ADDRESS_WAIT_S if is_connected else 0.0)
                if is_connected:
                    self.adapter.go_live()
                else:
                    self._start_clients(connection)
                if self.errors is not None:
                    listening.start_soon(self.supervisor.keep_running, ERROR_COUNT, self.errors.run)
                if beside is not None:
                    connection.start_soon(self.supervisor.contain, "The background task at the start", beside)
                actors.start_soon(self._announce, on_ready)
                await until()
                self.services.shutdown.begin()
                actors.cancel_scope.cancel()
            listening.cancel_scope.cancel()  # messages received meanwhile are in the inbox, for the next process

    def _start_inspector(self, group: TaskGroup, *, wait_s: float) -> None:
        if self.inspector is not None:
            serve = partial(inspect, self.inspector, self.settings, self.services.trace, wait_s=wait_s)
            group.start_soon(self.supervisor.keep_running, "The inspector", serve)
            group.start_soon(watch_loop, self.metrics.observe_loop_lag)
            group.start_soon(Watchdog(logging.getLogger("ensemble.loop").warning).run)

    def _start_clients(self, group: TaskGroup) -> None:
        keep = self.supervisor.keep_running
        for shard in self.adapter.shard_ids:
            group.start_soon(keep, f"The Discord client of shard {shard}", partial(self.adapter.run, shard))

    async def _announce(self, on_ready: Callable[[Gateway], Awaitable[None]]) -> None:
        await self.actors.gateway.ready.wait()
        if self.inspector is not None:
            self.inspector.set_ready()
        await on_ready(self.actors.gateway)


def _first_of(group: BaseExceptionGroup[Exception]) -> Exception:
    """The first error in a group, at any depth."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def dependencies_of(
    breakers: Breakers, adapter: DiscordAdapter, model: Model, settings: Settings, allowances: Iterable[AllowanceView]
) -> Dependencies:
    """Return the current state of everything that this process depends on."""
    server = model if isinstance(model, GroqModel) else None
    budgets = (*(server.budgets() if server else ()), *lines_left(allowances))
    models = server.seen_models(settings.context_tokens) if server else ()
    gates = tuple(gate.seen for gate in breakers.gates)
    return Dependencies(gates, adapter.shards(), (*adapter.budgets(), *budgets), models)


def lines_left(allowances: Iterable[AllowanceView]) -> Iterator[Budget]:
    """Yield how many lines the account's limits still allow, this minute and today."""
    for each in allowances:
        for name, lines in (("lines this minute", each.lines_minute), ("lines today", each.lines_day)):
            if lines is not None:
                yield Budget(each.model, name, left=lines)


def _adapter(
    settings: Settings,
    endpoint: Endpoint,
    store: SqlStore,
    debugger: Debugger,
    *,
    sink: Sink,
    now: Callable[[], float],
    is_standby: bool,
) -> DiscordAdapter:
    """The Discord adapter for these settings, with shorter waits for a local server."""
    return DiscordAdapter(
        token=endpoint.token,
        endpoints=endpoint.urls,
        shard_ids=settings.shard_ids or tuple(range(settings.shard_count)),
        shard_count=settings.shard_count,
        send_timeout_s=settings.send_timeout_s,
        preference=settings.voice,
        debugger=debugger,
        developers=settings.developers,
        webhooks=store,
        sink=sink,
        now=now,
        guild_ready_timeout_s=GUILDS_LOCAL_S if endpoint.is_local else GUILDS_S,
        identify_interval_s=0.0 if endpoint.is_local else IDENTIFY_INTERVAL_S,
        is_standby=is_standby,
    )


def compose(
    settings: Settings,
    endpoint: Endpoint,
    store: SqlStore,
    model: Model,
    *,
    trace: Trace,
    errors: ErrorCounter | None = None,
    is_standby: bool = False,
    clock: Clock | None = None,
    asked: Model | None = None,
) -> Bot:
    """Make the parts of one process, without running them.

    `errors` counts the errors in this process's log. `asked` writes the lines, if it is not `model` itself. Run a
    standby bot with a `turn`. The default clock is the system's.
    """
    clock = clock or SystemClock()
    allowances = allowances_of(model, store)
    a_line = model.models, settings.context_tokens, settings.response_tokens
    metrics = metrics_of(
        settings,
        store,
        model,
        now=clock.now,
        errors=errors,
        budgets=lambda: adapter.budgets(),
        allowances=lambda: allowances.look(*a_line, clock.now()),
    )
    inspector = inspector_of(
        settings,
        store,
        api_url=endpoint.urls.api_url or "",
        metrics=metrics.text,
        log=trace,
        # Lazy: these are made later, with the trace that the inspector is part of.
        dependencies=lambda: dependencies_of(
            protected.breakers, adapter, model, settings, allowances.seen(*a_line, clock.now())
        ),
        channel_name=lambda channel_id: adapter.channel_name(channel_id),
    )
    seen = ProcessFacts()
    trace = Traces(trace, seen) if inspector is None else Traces(trace, seen, metrics, inspector)
    adapter = _adapter(
        settings,
        endpoint,
        store,
        Answers(store, seen),
        sink=lambda event: actors.gateway.offer(event),  # lazy: the actors are made from the adapter's ports
        now=clock.now,
        is_standby=is_standby,
    )
    protected = behind_breakers(
        adapter.voice,
        adapter.channel,
        adapter.replies,
        asked or model,
        clock=clock,
        trace=trace,
        failures_max=settings.breaker_failures,
        open_s=settings.breaker_pause_s,
        status_page=status_page_of(settings, is_discord=not endpoint.is_local),
    )
    rules, breakers = settings.rules(), protected.breakers
    stops = (inspector and inspector.breakpoints) or NoStops()
    ports = clock, protected.model, protected.voice, protected.channel, protected.replies, store, trace
    services = Services(
        *ports,
        rules,
        breakers=breakers,
        stops=stops,
        allowances=allowances,
        patterns=RegexPatterns(),
        files=CdnFiles(endpoint.urls.api_url),
    )
    supervisor = Supervisor(trace, fatal=FATAL)
    actors = ActorSystem(services, engine=EmbeddedEngine(clock.now), supervisor=supervisor)
    counted = None if errors is None else ErrorCount(errors, store, clock.now)
    return Bot(settings, store, services, adapter, actors, supervisor, inspector, metrics, counted)
