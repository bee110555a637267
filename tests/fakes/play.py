"""A whole bot in memory, on virtual time: the real actors and store, a scripted model and Discord."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup
from sqlalchemy import select

from actors.adapters.engine.embedded import EmbeddedEngine
from actors.adapters.store import SqlStore
from actors.adapters.store.engine.schema import inbox, response, session, turn
from actors.allowances import Allowances
from actors.breaker_ports import behind_breakers
from actors.gateway import Gateway
from actors.ports import (
    BreakerMoved,
    Files,
    GatewayEvent,
    Model,
    Moved,
    NoFiles,
    NoPatterns,
    NoStops,
    Noted,
    Patterns,
    ShardReady,
    StatusPage,
    Stops,
    TraceEvent,
)
from actors.roleplay.command_words import command_of
from actors.roleplay.model import Character, Entry, OutboundKind, SessionId
from actors.services import Rules, Services
from actors.session import Sessions
from actors.supervisor import Supervisor
from actors.system import ActorSystem
from machines.response import Limits
from tests.fakes.discord import FakeDiscord, Fault
from tests.fakes.language_model import FakeModel
from tests.fakes.store import Killed, MortalExecutor, mortal_store
from tests.fakes.virtual_time import VirtualClock

CHANNEL = 42
BREAKER_PAUSE_S = 60.0


def card(name: str, **fields: object) -> Character:
    """A character with the least card that there is, and these fields."""
    return Character(id=name.lower().ljust(13, "_"), name=name, card_json=json.dumps({"name": name, **fields}))


@dataclass
class Recorder:
    """A Trace that keeps everything."""

    events: list[TraceEvent] = field(default_factory=list)

    def publish(self, event: TraceEvent) -> None:
        self.events.append(event)

    @property
    def crashes(self) -> list[Noted]:
        return [e for e in self.events if isinstance(e, Noted) and e.error is not None]

    @property
    def moves(self) -> list[tuple[str, str, str]]:
        """(name, fact, state) of each move, in order."""
        moved = [event for event in self.events if isinstance(event, Moved)]
        return [(e.context.name, type(e.move.fact).__name__, str(e.move.dest)) for e in moved]

    @property
    def last_move_at(self) -> float:
        return max(event.move.at for event in self.events if isinstance(event, Moved))

    @property
    def breaker_moves(self) -> list[tuple[str, str, str]]:
        """(dependency, from, to) of each breaker's move, in order."""
        return [(e.dependency, e.source, e.dest) for e in self.events if isinstance(e, BreakerMoved)]

    def states_of(self, name: str) -> list[str]:
        return [state for mover, _, state in self.moves if mover == name]


@dataclass
class Play:
    """One process. `restarted` gives another one on the same database and the same Discord."""

    store: SqlStore
    discord: FakeDiscord
    model: FakeModel
    clock: VirtualClock
    trace: Recorder
    services: Services
    gateway: Gateway
    sessions: Sessions
    engine: EmbeddedEngine
    executor: MortalExecutor
    group: TaskGroup

    def kill(self) -> None:
        """End this process as kill -9 does: in the middle of whatever it is at; what is on the wire may land."""
        self.executor.is_dead = True
        self.discord.sink = None
        self.services.shutdown.begin(0.0)
        self.group.cancel_scope.cancel()

    def say(self, text: str, *, name: str = "Robin", channel_id: int = CHANNEL) -> int:
        return self.discord.user_says(channel_id, text, name).id

    async def start(self, *names: str, turns: str = "everyone", channel_id: int = CHANNEL) -> None:
        self.say(f"!start {' '.join(names)} --turns {turns}", channel_id=channel_id)
        await self.until(lambda: bool(self.discord.texts(channel_id)))

    async def until(self, holds: Callable[[], bool], timeout_s: float = 3600.0, step_s: float = 0.05) -> None:
        """Let virtual time go on until `holds`. Raises TimeoutError."""
        with anyio.fail_after(timeout_s):
            while not holds():  # noqa: ASYNC110 - what is waited for has no event
                await anyio.sleep(step_s)

    async def quiet(self, for_s: float = 20.0) -> None:
        """Let virtual time go on until nothing has moved for a while."""
        seen = -1
        while seen != len(self.trace.events) + len(self.discord.posts):
            seen = len(self.trace.events) + len(self.discord.posts)
            await anyio.sleep(for_s)

    async def session_id(self, channel_id: int = CHANNEL) -> SessionId:
        sessions = await self.store.find_sessions(str(channel_id))
        return sessions[-1].id

    async def history(self, channel_id: int = CHANNEL) -> list[tuple[str, str]]:
        entries = await self.entries(channel_id)
        return [(entry.name, entry.text) for entry in entries]

    def session_state(self, channel_id: int = CHANNEL) -> str:
        """That of the newest session, past the store's latency."""
        states = select(session.c.state).where(session.c.channel_id == channel_id).order_by(session.c.id.desc())
        with self.executor.engine.connect() as conn:
            return str(conn.execute(states).scalars().first())

    async def triggers(self, channel_id: int = CHANNEL) -> list[int]:
        """The message that each response of the newest session answers, in the order of their starts."""
        wanted = select(response.c.trigger_id).where(response.c.session_id == await self.session_id(channel_id))
        with self.executor.engine.connect() as conn:
            return list(conn.execute(wanted.order_by(response.c.started_at, response.c.id)).scalars())

    async def causes(self, channel_id: int = CHANNEL) -> dict[int, int]:
        """Each message of the newest session that has a turn ─► that turn's cause."""
        answered = select(inbox.c.message_id, turn.c.cause_id).join(turn, turn.c.id == inbox.c.turn_id)
        wanted = answered.where(inbox.c.session_id == await self.session_id(channel_id))
        with self.executor.engine.connect() as conn:
            return {row[0]: row[1] for row in conn.execute(wanted.order_by(inbox.c.message_id))}

    async def entries(self, channel_id: int = CHANNEL) -> tuple[Entry, ...]:
        return await self.store.history(await self.session_id(channel_id))


async def equal_to_the_channel(play: Play, channel_id: int = CHANNEL, *, crashes: int = 0) -> None:
    """Claim that the newest session's history is exactly what the channel shows, in its order."""
    said_by_bot = set(play.discord.texts(channel_id))
    shown = {
        message.id: message
        for message in play.discord.shown_in(channel_id)
        if message.text not in said_by_bot and not command_of(message.text, "!")
    }
    entries = await play.entries(channel_id)
    assert sorted(message_id for entry in entries for message_id in entry.message_ids) == list(shown), "messages"
    for entry in entries:
        assert entry.text == "\n".join(shown[message_id].text for message_id in entry.message_ids), "a line's text"
        assert {entry.name} == {shown[message_id].name for message_id in entry.message_ids}, "a line's speaker"
    firsts = [entry.message_ids[0] for entry in entries]
    assert firsts == sorted(firsts), "order"
    assert len(play.trace.crashes) == crashes, play.trace.crashes


@asynccontextmanager
async def playing(
    *,
    faults: Sequence[Fault] = (),
    answers: Sequence[object] = (),
    kind: OutboundKind = OutboundKind.WEBHOOK,
    limits: Limits | None = None,
    rules: Rules | None = None,
    before: Play | None = None,
    model: FakeModel | None = None,
    server: Model | None = None,
    discord: FakeDiscord | None = None,
    cast: Sequence[str | Character] = ("Ada", "Bo"),
    latency_s: float = 0.0,
    early: Sequence[GatewayEvent] = (),
    wait_ready: bool = True,
    faults_of_store: dict[str, list[Exception]] | None = None,
    breaker_failures: int = 0,
    status_page: StatusPage | None = None,
    stops: Stops | None = None,
    allowances: Callable[[SqlStore], Allowances] | None = None,
    patterns: Patterns | None = None,
    files: Files | None = None,
) -> AsyncIterator[Play]:
    """Run the actors; with `before`, as a new process on what that one left.

    `early` is what the gateway tells before READY; `latency_s` how long the store takes for each half of a call.
    `server` is asked instead of `model`: a client of a real one, outside virtual time.
    """
    clock = before.clock if before else VirtualClock()
    store, executor = mortal_store(latency_s=latency_s, engine=before.executor.engine if before else None)
    executor.faults = faults_of_store or {}
    discord = discord or (before.discord if before else FakeDiscord(clock.now, kind))
    discord.faults.extend(faults)
    model = model or (before.model if before else FakeModel())
    model.answers = deque([*model.answers, *answers])  # type: ignore[list-item] # a script's answers
    if before is None:
        for name in cast:
            await store.add_character(card(name) if isinstance(name, str) else name, at=clock.now())
    trace = Recorder()
    ports = behind_breakers(
        discord,
        discord,
        discord,
        server or model,
        clock=clock,
        trace=trace,
        failures_max=breaker_failures,
        open_s=BREAKER_PAUSE_S,
        status_page=status_page,
    )
    rules = rules or Rules(limits=limits or Limits())
    given = clock, ports.model, ports.voice, ports.channel, ports.replies, store, trace
    allowance = Allowances() if allowances is None else allowances(store)
    services = Services(
        *given,
        rules,
        breakers=ports.breakers,
        stops=stops or NoStops(),
        allowances=allowance,
        patterns=patterns or NoPatterns(),
        files=files or NoFiles(),
    )
    engine = EmbeddedEngine(clock.now)
    system = ActorSystem(services, engine=engine, supervisor=Supervisor(trace))

    try:
        async with anyio.create_task_group() as group:
            gateway = system.gateway
            play = Play(
                store, discord, model, clock, trace, services, gateway, system.sessions, engine, executor, group
            )
            await system.start(group)
            discord.sink = gateway.offer
            for event in early:
                gateway.offer(event)
            if early:
                await anyio.sleep(0.5)  # whoever waits for READY waits by now
            gateway.offer(ShardReady(0, "Ensemble", 1))
            if wait_ready:
                with anyio.fail_after(600):
                    await gateway.ready.wait()
            yield play
            discord.sink = None
            group.cancel_scope.cancel()
    except* Killed:
        assert executor.is_dead
