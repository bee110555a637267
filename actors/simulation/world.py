"""Runs one world from its seed to its verdict: people play, processes die and restart, then all faults end.

    open the database ─► process ─► crash or stop ─► process ─► … ─► enough responses ─► heal ─► quiet ─► judge

At the end of a world, permissions are restored and faults stop. After that, all work must be finished within
QUIET_S_MAX.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import anyio
from sqlalchemy import Connection

from actors.adapters.engine.embedded import EmbeddedEngine
from actors.adapters.store import SqlStore
from actors.adapters.store.engine.executor import Executor
from actors.adapters.store.engine.migrate import create_all
from actors.adapters.store.engine.sqlite import memory_engine
from actors.adapters.store.play.characters import add_character
from actors.breaker_ports import behind_breakers
from actors.ports import Channel, Model, Replies, Sink, Voice
from actors.readiness import Readiness
from actors.roleplay.model import ChannelMessage, Character
from actors.roleplay.pages import PagedRead
from actors.services import Rules, Shutdown
from actors.services import Services as ActorsWorld
from actors.simulation.client import Client
from actors.simulation.faults import Cut, Faults
from actors.simulation.faulty_discord import FaultyDiscord
from actors.simulation.invariants import judge, open_ends
from actors.simulation.language_model import SimulatedModel, Speech
from actors.simulation.people import People
from actors.simulation.process import Killed, MortalExecutor, ProcessRun
from actors.simulation.result import Result
from actors.simulation.shape import Shape
from actors.simulation.story import digest, tell
from actors.simulation.virtual_time import LoopClock, run_virtually
from actors.simulation.watch import Watch
from actors.simulation.weather import Weather
from actors.supervisor import Supervisor
from actors.system import ActorSystem

BREAKER_PAUSE_S: Final = 60.0
TALKATIVENESS: Final = (0.5, 0.9, 0.0, 0.3)
"""Of the members of the cast, in their order."""

QUIET_S_MAX: Final = 3600.0
QUIET_STEP_S: Final = 5.0
STALLED_S_MAX: Final = 6 * 3600.0
"""The longest virtual time in which no response ends: six times the longest hold of a line."""

CRASHES_MAX: Final = 20
"""Crashes that no fault explains, after which a world ends: a broken actor would crash for ever."""


@dataclass(frozen=True, slots=True)
class Build:
    """The parts that a test may replace with broken ones."""

    store: Callable[[Executor], SqlStore] = SqlStore
    voice: Callable[[Client], Voice] = lambda client: client
    replies: Callable[[Client], Replies] = lambda client: client
    channel: Callable[[Client], Channel] = lambda client: client
    model: Callable[[SimulatedModel], Model] = lambda model: model
    reading: Callable[[int], PagedRead[ChannelMessage]] = PagedRead
    sink: Callable[[Sink], Sink] = lambda sink: sink
    readiness: Callable[[], Readiness] = Readiness


@dataclass(frozen=True, slots=True)
class Order:
    """The input of one world; the same order gives the same run."""

    seed: int
    index: int
    responses: int
    chance: float
    cut: Cut = field(default_factory=Cut)
    shape: Shape | None = None

    @property
    def name(self) -> str:
        return f"{self.seed}/{self.index}"


def run_world(order: Order, build: Build = Build(), *, told: bool = False) -> Result:
    """Run one world to its verdict; with `told`, the result has the story of the broken response."""
    began = time.process_time()
    result = run_virtually(lambda: SimulatedWorld(order, build).run(told=told))
    return result.timed(time.process_time() - began)


class SimulatedWorld:
    """The durable state of one world, and its living process."""

    def __init__(self, order: Order, build: Build) -> None:
        self._order = order
        self._build = build
        self._faults = faults = Faults(order.name, order.chance, order.cut)
        self._shape = shape = order.shape or Shape.drawn(faults.stream("shape"))
        self._clock = LoopClock()
        self._random = faults.stream("downtime")
        now = self._clock.now
        self._discord = FaultyDiscord(
            faults,
            now,
            nonce_window_s=shape.nonce_window_s,
            order=shape.server_order,
            page_max=shape.page_max,
            muted_share=shape.muted_share,
        )
        self._watch = Watch(self._discord, shape.limits, shape.context_tokens, now)
        has_webhooks = shape.preference == "webhook"
        self._weather = Weather(self._discord, faults, now, self._stop, order.chance, has_webhooks=has_webhooks)
        self._speech = Speech(faults, "m", long_share=shape.long_share)
        self._run: ProcessRun | None = None
        self._stop_scope: anyio.CancelScope | None = None
        self._shutdown = Shutdown()
        self._is_over = False

    async def run(self, *, told: bool) -> Result:
        engine = memory_engine()
        create_all(engine)
        with engine.begin() as connection:
            self._add_cast(connection)
            await self._live_through(connection)
            broken = (*self._watch.broken, *judge(connection, self._discord, self._watch, self._shape))
            story = tell(connection, self._watch, broken[0]) if told and broken else ""
            trace = digest(connection, self._watch)
        engine.dispose()
        return Result(
            index=self._order.index,
            responses=len(self._watch.ended),
            ended=self._watch.outcomes,
            faults=dict(self._faults.counts),
            points=self._faults.points,
            virtual_s=anyio.current_time(),
            broken=broken,
            story=story,
            digest=trace,
        )

    def _add_cast(self, connection: Connection) -> None:
        for name, talkativeness in zip(self._shape.habits.cast, TALKATIVENESS, strict=False):
            extensions = {"talkativeness": talkativeness}
            card = json.dumps({"name": name, "description": f"{name} minds the harbour.", "extensions": extensions})
            add_character(connection, Character(self._clock.new_id(), name, card), at=self._clock.now())

    async def _live_through(self, connection: Connection) -> None:
        async with anyio.create_task_group() as outside:
            outside.start_soon(self._weather.run)
            people = Speech(self._faults, "u")
            for number in range(1, self._shape.channels + 1):
                habits, committed = self._shape.habits, self._watch.is_committed
                outside.start_soon(People(self._discord, self._faults, people, habits, number, committed).play)
            outside.start_soon(self._run_processes, connection)
            await self._until_enough()
            self._end_process()
            outside.cancel_scope.cancel()
        await self._heal(connection)

    async def _until_enough(self) -> None:
        """Return when enough responses have ended, or no more can end; none for STALLED_S_MAX breaks "progress"."""
        ended, since = 0, self._clock.now()
        while ended < self._order.responses and not self._is_hopeless:
            await anyio.sleep(1.0)
            if len(self._watch.ended) > ended:
                ended, since = len(self._watch.ended), self._clock.now()
            elif self._clock.now() - since > STALLED_S_MAX:
                words = f"{ended} of {self._order.responses} responses ended, and none in {STALLED_S_MAX / 3600:g} h"
                self._watch.break_("progress", words)
                return

    @property
    def _is_hopeless(self) -> bool:
        return self._watch.crashes >= CRASHES_MAX

    async def _heal(self, connection: Connection) -> None:
        """Faults and people stop; a last process finishes the remaining work."""
        self._faults.is_over = True
        self._weather.clear()
        async with anyio.create_task_group() as group:
            group.start_soon(self._run_processes, connection)
            await self._until_quiet(connection)
            self._end_process()
            group.cancel_scope.cancel()

    async def _until_quiet(self, connection: Connection) -> None:
        quiet_s = 0.0
        with anyio.move_on_after(QUIET_S_MAX) as scope:
            while quiet_s < 6 * QUIET_STEP_S and not self._is_hopeless:
                await anyio.sleep(QUIET_STEP_S)
                is_busy = self._discord.landing or self._discord.limits.is_any_standing or open_ends(connection)
                quiet_s = 0.0 if is_busy else quiet_s + QUIET_STEP_S
        if scope.cancelled_caught:
            self._watch.break_("nothing pending", "; ".join(open_ends(connection)) or "requests are still in transit")

    # ── processes ───────────────────────────────────────────────────────────────────────────────────

    async def _run_processes(self, connection: Connection) -> None:
        """Run one process after the other, each on the store that the one before left."""
        while True:
            await self._run_process(connection)
            self._discord.disconnect()
            self._watch.deaths.append(self._clock.now())
            is_long = self._random.random() < 0.1
            await anyio.sleep(60 * self._random.random() if is_long else 2 * self._random.random())

    async def _run_process(self, connection: Connection) -> None:
        shutdown = self._shutdown = Shutdown()
        run = self._run = ProcessRun(shutdown, self._faults)
        self._watch.process_began()
        system = self._built(connection, run, shutdown)
        try:
            async with anyio.create_task_group() as group:
                run.lives_in(group.cancel_scope)
                self._stop_scope = group.cancel_scope
                await system.start(group)
                self._discord.connect(self._watch.sink(system.gateway, self._build.sink))
                await anyio.sleep_forever()
        except BaseExceptionGroup as errors:
            # Other errors raised at its death would have been caught by the supervisor, had it lived.
            if errors.split(Killed)[0] is None:
                raise
        finally:
            run.is_dead = True

    def _built(self, connection: Connection, run: ProcessRun, shutdown: Shutdown) -> ActorSystem:
        shape, watch = self._shape, self._watch
        store = self._build.store(MortalExecutor(connection, run, self._faults, watch))
        client = Client(
            self._discord,
            run,
            self._faults,
            watch,
            self._clock.now,
            store,
            preference=shape.preference,
            settle_s=shape.limits.settle_s,
            reading=self._build.reading,
            bare_posts=shape.bare_posts,
        )
        model = SimulatedModel(run, self._faults, watch, self._speech, models=shape.models)
        protected = behind_breakers(
            self._build.voice(client),
            self._build.channel(client),
            self._build.replies(client),
            self._build.model(model),
            clock=self._clock,
            trace=watch,
            failures_max=shape.breaker_failures,
            open_s=BREAKER_PAUSE_S,
        )
        world = ActorsWorld(
            self._clock,
            protected.model,
            protected.voice,
            protected.channel,
            protected.replies,
            store,
            watch,
            Rules(limits=shape.limits, context_tokens=shape.context_tokens, gathering=shape.gathering),
            shutdown,
            readiness=self._build.readiness(),
            breakers=protected.breakers,
        )
        return ActorSystem(world, engine=EmbeddedEngine(self._clock.now), supervisor=Supervisor(watch))

    def _stop(self) -> None:
        """Stop as by SIGTERM: no new work; requests on the wire may finish."""
        self._discord.disconnect()
        self._shutdown.begin()
        if self._stop_scope is not None:
            self._stop_scope.cancel()

    def _end_process(self) -> None:
        if self._run is not None:
            self._run.kill()
