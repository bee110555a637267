"""Everything put together: one process that plays.

    Discord client ─► gateway ─► store ◄─ sessions ◄─ engine
          ▲                        ▲           │
          └──── voice, channel ◄───┴─ outbox ◄─┘          everything ─► trace: log, inspector

Failure modes: each actor is contained and restarted by the supervisor; a wrong token and missing intents
end the process, since no restart mends them. At the end sends in flight get their grace, then the client goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.discord import DiscordAdapter, Endpoints, IntentsMissing, WrongToken
from actors.adapters.engine.embedded import EmbeddedEngine
from actors.adapters.groq import GroqModel
from actors.adapters.inspector import CannotServe
from actors.adapters.store import SqlStore
from actors.adapters.tracing import Traces
from actors.adapters.understudy import Understudy
from actors.app.inspection import inspect, inspector_of
from actors.app.settings import Settings
from actors.commands import Commands
from actors.gateway import Gateway
from actors.outbox import Outbox
from actors.ports import Model, Trace
from actors.reaper import Reaper
from actors.roleplay.model import SessionId
from actors.session import Sessions
from actors.supervisor import Supervisor
from actors.world import World

GUILDS_S: Final = 2.0
"""How long after a guild the next may come before READY counts as complete (discord.py's own default)."""

GUILDS_LOCAL_S: Final = 0.1
"""The same for another server than Discord: such servers have a handful of guilds."""

FATAL = (WrongToken, IntentsMissing, CannotServe)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The Discord to play on."""

    token: str
    urls: Endpoints = field(default_factory=Endpoints)


def urls_of(settings: Settings) -> Endpoints:
    """Where the settings say that Discord is."""
    return Endpoints(settings.discord_api_url or None, settings.discord_gateway_url or None)


def model_of(settings: Settings) -> GroqModel | Understudy:
    """The configured model; without a key and without a server of one's own, the understudy."""
    key = settings.groq_api_key.get_secret_value() if settings.groq_api_key else None
    if key is None and not settings.groq_base_url:
        return Understudy()
    return GroqModel(
        api_key=key,
        base_url=settings.groq_base_url or None,
        models=tuple(dict.fromkeys((settings.groq_model, *settings.groq_fallback_models))),
        timeout_s=settings.generate_timeout_s,
    )


async def play(
    settings: Settings,
    endpoint: Endpoint,
    store: SqlStore,
    model: Model,
    *,
    trace: Trace,
    on_ready: Callable[[Gateway], Awaitable[None]],
    until: Callable[[], Awaitable[None]],
) -> None:
    """Play until `until` returns; `on_ready` is called once, after READY and catch-up.

    Raises WrongToken, IntentsMissing, and CannotServe for an INSPECTOR_ADDRESS that cannot be had.
    """
    clock = SystemClock()
    inspector = inspector_of(settings, store, api_url=endpoint.urls.api_url or "")
    if inspector is not None:
        trace = Traces(trace, inspector)
    supervisor = Supervisor(trace, fatal=FATAL)
    adapter = DiscordAdapter(
        token=endpoint.token,
        endpoints=endpoint.urls,
        shard_ids=settings.shard_ids or tuple(range(settings.shard_count)),
        shard_count=settings.shard_count,
        send_timeout_s=settings.send_timeout_s,
        preference=settings.voice,
        webhooks=store,
        sink=lambda event: gateway.offer(event),  # the gateway is made of what the adapter offers
        now=clock.now,
        guild_ready_timeout_s=GUILDS_LOCAL_S if endpoint.urls.api_url else GUILDS_S,
    )
    world = World(clock, model, adapter.voice, adapter.channel, store, trace, settings.rules())
    reaper, engine = Reaper(world), EmbeddedEngine()
    sessions = Sessions(world, reaper)
    gateway = Gateway(
        world,
        engine=engine,
        reaper=reaper,
        commands=Commands(world),
        supervisor=supervisor,
        nudge=sessions.nudge,
    )

    async def drain(session_id: SessionId) -> None:
        await supervisor.contain("A session", partial(sessions.drain, session_id))

    async def pending() -> Sequence[SessionId]:
        return await store.pending(now=clock.now())

    async def announce() -> None:
        await gateway.ready.wait()
        if inspector is not None:
            inspector.set_ready()
        await on_ready(gateway)

    fatal: list[Exception] = []
    try:
        async with anyio.create_task_group() as connection:
            if inspector is not None:
                watched = partial(inspect, inspector, settings, trace)
                connection.start_soon(supervisor.keep_running, "The inspector", watched)
            async with anyio.create_task_group() as actors:
                await actors.start(gateway.run)
                for shard in adapter.shard_ids:
                    name = f"The Discord client of shard {shard}"
                    connection.start_soon(supervisor.keep_running, name, partial(adapter.run, shard))
                actors.start_soon(supervisor.keep_running, "The engine", partial(engine.run, drain, pending))
                actors.start_soon(supervisor.keep_running, "The outbox", Outbox(world).run)
                actors.start_soon(announce)
                await until()
                world.shutdown.begin()
                actors.cancel_scope.cancel()
            # Only now the client: what the actors had on the wire needed it until their grace was over. The
            # inspector goes with it, so that the last moves are seen.
            connection.cancel_scope.cancel()
    except* FATAL as group:
        fatal.extend(group.exceptions)
    if fatal:
        raise fatal[0]
