"""Everything put together: one process that plays.

    Discord client ─► gateway ─► store ◄─ sessions ◄─ engine
          ▲                        ▲           │
          └ breakers ◄ voice, channel ◄ outbox ◄┘         everything ─► trace: log, inspector, metrics

Failure modes: each actor is contained and restarted by the supervisor; a wrong token and missing intents
end the process, since no restart mends them. At the end sends in flight get their grace, then the client goes.
"""

from __future__ import annotations

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
from actors.adapters.groq import GroqModel
from actors.adapters.inspector import CannotServe, Inspector
from actors.adapters.log import ErrorLines
from actors.adapters.metrics import Metrics
from actors.adapters.status import HttpStatusPage
from actors.adapters.store import SqlStore, StoreError
from actors.adapters.tracing import Traces
from actors.adapters.understudy import Understudy
from actors.allowances import Allowances
from actors.app.debugging import Answers, Seen
from actors.app.error_lines import ErrorLineCount
from actors.app.hand_over import NotHandedOver
from actors.app.inspection import inspect, inspector_of
from actors.app.measuring import metrics_of, watch_loop
from actors.app.settings import Settings
from actors.breakers import Breakers
from actors.gateway import Gateway
from actors.guarded import guard
from actors.ports import (
    Budget,
    Clock,
    Debugger,
    Dependencies,
    Model,
    NoPauses,
    SeenAllowance,
    ServerKnowledge,
    Sink,
    Trace,
)
from actors.supervisor import Supervisor
from actors.system import ActorSystem
from actors.world import World

GUILDS_S: Final = 2.0
"""How long after a guild the next may come before READY counts as complete (discord.py's own default)."""

IDENTIFY_PAUSE_S: Final = 5.0
"""Between two logins of a process (Discord's reference, "Identifying": one every five seconds)."""

GUILDS_LOCAL_S: Final = 0.1
"""The same for another server than Discord: such servers have a handful of guilds."""

ERROR_LINES: Final = "The count of error lines"

CONNECT_S: Final = 60.0
"""How long a process on standby may take to connect: by then no login and no READY comes any more."""

ADDRESS_WAIT_S: Final = 20.0
"""How long a process that was taken over from may still have the inspector's address."""

FATAL = (WrongToken, IntentsMissing, CannotServe)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The Discord to play on."""

    token: str
    urls: Endpoints = field(default_factory=Endpoints)

    @property
    def is_local(self) -> bool:
        """Whether it is a server of ours, such as the playground's, and not Discord."""
        return self.urls.api_url is not None


def urls_of(settings: Settings) -> Endpoints:
    """Where the settings say that Discord is."""
    return Endpoints(settings.discord_api_url or None, settings.discord_gateway_url or None)


def model_of(settings: Settings, shelf: ServerKnowledge | None = None) -> GroqModel | Understudy:
    """The configured model; without a key and without a server of one's own, the understudy.

    `shelf` keeps what it learns of its server.
    """
    key = settings.groq_api_key.get_secret_value() if settings.groq_api_key else None
    if key is None and not settings.groq_base_url:
        return Understudy()
    return GroqModel(
        api_key=key,
        base_url=settings.groq_base_url or None,
        models=tuple(dict.fromkeys((settings.groq_model, *settings.groq_fallback_models))),
        timeout_s=settings.generate_timeout_s,
        shelf=shelf,
        limits=settings.model_limits,
    )


def allowances_of(model: Model, store: SqlStore) -> Allowances:
    """What the account allows; nothing limits the understudy."""
    return Allowances(model.limits, store, model.server) if isinstance(model, GroqModel) else Allowances()


def status_page_of(settings: Settings, *, is_discord: bool) -> HttpStatusPage | None:
    """The page to ask, if any. Discord's own says nothing about another server, whose page must be named."""
    is_meant = is_discord or "status_url" in settings.model_fields_set
    return HttpStatusPage(settings.status_url) if settings.status_url and is_meant else None


@asynccontextmanager
async def open_model(
    settings: Settings, shelf: ServerKnowledge | None = None, *, recalls: bool = True
) -> AsyncIterator[GroqModel | Understudy]:
    """`model_of`, its connections closed at the end; it `recalls` what it learnt before, where the shelf is open."""
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
    """Read what was learnt of the model's server before; the understudy learns nothing."""
    if isinstance(model, GroqModel):
        await model.recall()


@dataclass(frozen=True, slots=True)
class Bot:
    """The parts of one process that are run; `compose` makes them."""

    settings: Settings
    store: SqlStore
    world: World
    adapter: DiscordAdapter
    actors: ActorSystem
    supervisor: Supervisor
    inspector: Inspector | None
    metrics: Metrics
    """Fed and served with the inspector; without it nobody could read them."""
    error_lines: ErrorLineCount | None = None

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

        With a `turn`, which is for a bot on standby, it connects, and nothing else begins before that says yes.
        `on_drained` is called when nothing is written any more. Nothing waits for `beside`, and it is cancelled at
        the end. Raises WrongToken, IntentsMissing, CannotServe for an INSPECTOR_ADDRESS that cannot be had, and
        StoreError from `turn`.
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
                    await self._write_error_lines()
                    writes = False
                    if on_drained is not None:
                        await on_drained()
                # Only now the client: what the actors had on the wire needed it until their grace was over.
                # The inspector goes with it, so that the last moves are seen.
                connection.cancel_scope.cancel()
        except* (*FATAL, StoreError) as group:
            fatal.append(_first_of(group))
        if writes:  # it was cut short
            await self._write_error_lines()
        if fatal:
            raise fatal[0]

    async def _write_error_lines(self) -> None:
        if self.error_lines is not None:
            await self.supervisor.contain(ERROR_LINES, self.error_lines.write)

    async def wait_connected(self) -> None:
        """Wait until every shard is connected. Raises NotHandedOver where that takes too long."""
        with anyio.move_on_after(CONNECT_S + IDENTIFY_PAUSE_S * len(self.adapter.shard_ids)):
            await self.adapter.wait_connected()
            return
        raise NotHandedOver("Discord cannot be reached from here: the bot that runs is left as it is")

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
                if self.error_lines is not None:
                    listening.start_soon(self.supervisor.keep_running, ERROR_LINES, self.error_lines.run)
                if beside is not None:
                    connection.start_soon(self.supervisor.contain, "What runs beside the start", beside)
                actors.start_soon(self._announce, on_ready)
                await until()
                self.world.shutdown.begin()
                actors.cancel_scope.cancel()
            listening.cancel_scope.cancel()  # what was said meanwhile is in the inbox, for the next process

    def _start_inspector(self, group: TaskGroup, *, wait_s: float) -> None:
        if self.inspector is not None:
            serve = partial(inspect, self.inspector, self.settings, self.world.trace, wait_s=wait_s)
            group.start_soon(self.supervisor.keep_running, "The inspector", serve)
            group.start_soon(watch_loop, self.metrics.observe_loop_lag)

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
    """The first error in a group, however deep."""
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first


def dependencies_of(
    breakers: Breakers, adapter: DiscordAdapter, model: Model, settings: Settings, allowances: Iterable[SeenAllowance]
) -> Dependencies:
    """How everything stands that this process depends on."""
    server = model if isinstance(model, GroqModel) else None
    budgets = (*(server.budgets() if server else ()), *lines_left(allowances))
    models = server.seen_models(settings.context_tokens) if server else ()
    gates = tuple(gate.seen for gate in breakers.gates)
    return Dependencies(gates, adapter.shards(), (*adapter.budgets(), *budgets), models)


def lines_left(allowances: Iterable[SeenAllowance]) -> Iterator[Budget]:
    """What the account's limits leave, beside the limits themselves."""
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
    """Discord as the settings want it; a server on this machine is waited for less."""
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
        identify_pause_s=0.0 if endpoint.is_local else IDENTIFY_PAUSE_S,
        is_standby=is_standby,
    )


def compose(
    settings: Settings,
    endpoint: Endpoint,
    store: SqlStore,
    model: Model,
    *,
    trace: Trace,
    error_lines: ErrorLines | None = None,
    is_standby: bool = False,
    clock: Clock | None = None,
    asked: Model | None = None,
) -> Bot:
    """Put one process together; nothing runs yet. `error_lines` counts those of the log, where it is the process's.
    `asked` is what lines are asked of, where that is not the model itself.

    One on standby is run with a `turn`. Its clock is the system's, unless another one is given.
    """
    clock = clock or SystemClock()
    allowances = allowances_of(model, store)
    a_line = model.models, settings.context_tokens, settings.response_tokens
    metrics = metrics_of(
        settings,
        store,
        model,
        now=clock.now,
        error_lines=error_lines,
        budgets=lambda: adapter.budgets(),
        allowances=lambda: allowances.look(*a_line, clock.now()),
    )
    inspector = inspector_of(
        settings,
        store,
        api_url=endpoint.urls.api_url or "",
        metrics=metrics.text,
        log=trace,
        # What it looks at is made with the trace that it is part of.
        dependencies=lambda: dependencies_of(
            guarded.breakers, adapter, model, settings, allowances.seen(*a_line, clock.now())
        ),
        channel_name=lambda channel_id: adapter.channel_name(channel_id),
    )
    seen = Seen()
    trace = Traces(trace, seen) if inspector is None else Traces(trace, seen, metrics, inspector)
    adapter = _adapter(
        settings,
        endpoint,
        store,
        Answers(store, seen),
        sink=lambda event: actors.gateway.offer(event),  # the actors are made of what the adapter offers
        now=clock.now,
        is_standby=is_standby,
    )
    guarded = guard(
        adapter.voice,
        adapter.channel,
        adapter.replies,
        asked or model,
        clock=clock,
        trace=trace,
        failures_max=settings.breaker_failures,
        pause_s=settings.breaker_pause_s,
        status_page=status_page_of(settings, is_discord=not endpoint.is_local),
    )
    rules, breakers = settings.rules(), guarded.breakers
    pausing = (inspector and inspector.breakpoints) or NoPauses()
    ports = clock, guarded.model, guarded.voice, guarded.channel, guarded.replies, store, trace
    world = World(*ports, rules, breakers=breakers, pausing=pausing, allowances=allowances)
    supervisor = Supervisor(trace, fatal=FATAL)
    actors = ActorSystem(world, engine=EmbeddedEngine(), supervisor=supervisor)
    counted = None if error_lines is None else ErrorLineCount(error_lines, store, clock.now)
    return Bot(settings, store, world, adapter, actors, supervisor, inspector, metrics, counted)
