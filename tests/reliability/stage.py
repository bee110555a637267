"""The real bot and a playground server in one process: over real sockets, with limits that let no test wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from discord.gateway import DiscordWebSocket
from discord.http import Route

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.store import SqlStore, memory_store
from actors.app.composition import Endpoint, compose
from actors.app.settings import WITHOUT_LIMITS, Settings
from actors.playground import FaultPlan, PlaygroundServer, ShownMessage, Voice
from actors.ports import Clock, Moved, Noted, TraceEvent
from actors.roleplay.model import Character, Entry
from machines.facts import Fact, Generated
from machines.response import FINAL
from tests.fakes.language_model import FakeModel
from tests.patience import PATIENCE_S

CHANNEL, ELSEWHERE = "tavern", "station"
THREAD = "cellar"
"""Of the channel."""

NAME = "Ada"
NOTICE = f"⚠️ Failed to send response from {NAME}. "
POLL_S = 0.01
PUT_OFF_S = 15.0
"""Longer than anything here waits between two tries; what lacks a permission waits for minutes."""

SETTLE_S = 0.4
TRY_TIMEOUT_S = 1.0
"""Where a case is of silence: long enough for every other request to be answered on a busy machine."""
PLAN = FaultPlan(late_s=PATIENCE_S, retry_after_s=0.1)  # what is late lands when the case says so


class LeapingClock(SystemClock):
    """The system's clock, until a test lets it leap ahead: who sleeps until a moment that has passed then wakes."""

    def __init__(self) -> None:
        super().__init__()
        self._ahead_s = 0.0
        self._leapt = anyio.Event()

    def now(self) -> float:
        return super().now() + self._ahead_s

    def leap(self, by_s: float) -> None:
        self._ahead_s += by_s
        leapt, self._leapt = self._leapt, anyio.Event()
        leapt.set()

    async def sleep_until(self, at: float) -> None:
        while (left_s := at - self.now()) > 0:
            with anyio.move_on_after(left_s):
                await self._leapt.wait()


@dataclass
class Recorded:
    """A Trace that keeps what it is told."""

    events: list[TraceEvent] = field(default_factory=list)

    def publish(self, event: TraceEvent) -> None:
        self.events.append(event)

    @property
    def moves(self) -> list[Moved]:
        return [event for event in self.events if isinstance(event, Moved)]

    @property
    def noted(self) -> list[Noted]:
        return [event for event in self.events if isinstance(event, Noted)]

    @property
    def errors(self) -> list[Noted]:
        return [noted for noted in self.noted if noted.level == "error"]


@dataclass
class Stage:
    """One scene with one character; what went before `begin` is not counted."""

    server: PlaygroundServer
    store: SqlStore
    trace: Recorded
    voice: str
    clock: LeapingClock
    place: str = CHANNEL
    beside: set[int] = field(default_factory=set)
    """Channels in which a case plays other scenes."""
    _first_move: int = 0
    _first_request: int = 0

    def begin(self) -> None:
        """From here on it counts."""
        self._first_move = len(self.trace.moves)
        self._first_request = max((entry.order for entry in self.server.ledger), default=0)

    def say(self, text: str = "What do you say?") -> ShownMessage:
        return self.server.say(self.place, "Robin", text)

    async def open_scene(self) -> None:
        """Open a scene with Ada, and let her answer once."""
        self.say(f"!start {NAME}")
        self.say("Hello?")
        await self.until_over()

    # ── what came of it ─────────────────────────────────────────────────────────────────────────────

    @property
    def moves(self) -> list[Moved]:
        """Of all scenes; with other ones `beside`, those of the scene in this place."""
        if not self.beside:
            return self.trace.moves[self._first_move :]
        of_session = {moved.context.session_id for moved in self.trace.moves[:1]}
        return [moved for moved in self.trace.moves[self._first_move :] if moved.context.session_id in of_session]

    @property
    def channel_id(self) -> int:
        return self.server.discord.find_channel(self.place).id

    @property
    def path(self) -> str:
        """The moves after the line was written: `fact → state`, with the fact's reason."""
        first = next(number for number, moved in enumerate(self.moves) if isinstance(moved.move.fact, Generated))
        return ", ".join(f"{named(moved.move.fact)} → {moved.move.dest}" for moved in self.moves[first + 1 :])

    @property
    def attempts(self) -> int:
        """As the server counted them."""
        came = self.server.ledger.since(self._first_request, only_lines=True)
        return sum(entry.channel_id not in self.beside for entry in came)

    @property
    def lines(self) -> list[ShownMessage]:
        """The characters' lines that the channel shows."""
        return [
            m
            for m in self.server.messages(self.place)
            if (m.voice is Voice.WEBHOOK and m.content) or (m.voice is Voice.BOT and m.embeds)
        ]

    @property
    def strays(self) -> list[ShownMessage]:
        """What of them stands in a channel without a scene."""
        return [message for message in self.server.messages(ELSEWHERE) if message.voice is not Voice.USER]

    @property
    def notices(self) -> list[str]:
        """As the bot's own messages, and through a webhook where it may not write."""
        plain = [m.content for m in self.server.messages(self.place) if m.voice is Voice.BOT]
        by_webhook = [m.description for m in self.server.messages(self.place) if m.voice is Voice.WEBHOOK]
        return [text for text in plain + by_webhook if text.startswith("⚠️")]

    def delays(self, *, with_deleted: bool = True) -> list[str]:
        """What the channel was told of lines that come late; it is taken back with the line."""
        shown = self.server.messages(self.place, with_deleted=with_deleted)
        return [m.content for m in shown if m.voice is Voice.BOT and m.content.startswith("⏳")]

    async def history(self) -> tuple[Entry, ...]:
        (session,) = await self.store.find_sessions(str(self.channel_id))
        return await self.store.history(session.id)

    # ── waiting ─────────────────────────────────────────────────────────────────────────────────────

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`. Raises TimeoutError."""
        with anyio.fail_after(PATIENCE_S):
            while not holds():  # noqa: ASYNC110 - the server and the bot signal nothing
                await anyio.sleep(POLL_S)

    async def until_fact(self, kind: type[Fact]) -> None:
        await self.until(lambda: any(isinstance(moved.move.fact, kind) for moved in self.moves))

    async def until_over(self) -> None:
        """Until the response is final, what it wrote is delivered, and nothing can land any more."""
        await self.until(lambda: any(moved.move.dest in FINAL for moved in self.moves))
        await self.server.wait_landed()
        with anyio.fail_after(PATIENCE_S):
            while await self._is_busy():  # noqa: ASYNC110 - neither the database nor the server signals
                await anyio.sleep(POLL_S)

    async def is_put_off(self) -> bool:
        """Whether the next delivery waits for a permission: far longer than any test does."""
        due_at = await self.store.next_outbox_due()
        return due_at is not None and due_at > self.clock.now() + PUT_OFF_S

    async def _is_busy(self) -> bool:
        if await self.store.next_outbox_due() is not None and not await self.is_put_off():
            return True
        # A copy that has just landed is not judged yet, nor a deletion heard: the event is on its way to the bot.
        return len(self.lines) != len([e for e in await self.history() if e.kind == "character"])


def named(fact: Fact) -> str:
    reason = getattr(fact, "reason", None) or getattr(fact, "cause", None) or getattr(fact, "by", None)
    return f"{type(fact).__name__}({reason})" if reason else type(fact).__name__


def settings_for(voice: str, **more: object) -> Settings:
    fast = {"backoff_base_s": 0.05, "settle_s": SETTLE_S, "send_timeout_s": PATIENCE_S}
    quiet = {"breaker_failures": 0, "gather_s": 0, "inspector_address": ""}
    unlimited = {name.lower(): value for name, value in WITHOUT_LIMITS.items()}
    return Settings.model_validate({"voice": voice, **fast, **quiet, **unlimited, **more})


@asynccontextmanager
async def alive(
    server: PlaygroundServer,
    store: SqlStore,
    trace: Recorded,
    voice: str,
    *,
    model: FakeModel | None = None,
    clock: Clock | None = None,
    **more: object,
) -> AsyncIterator[None]:
    """One process of the bot, from READY and its catch-up until the block ends; another may follow on its store."""
    endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
    model = model or FakeModel(takes_s=0.0)
    bot = compose(settings_for(voice, **more), endpoint, store, model, trace=trace, clock=clock)
    ready, over = anyio.Event(), anyio.Event()

    async def note_ready(_: object) -> None:
        ready.set()

    async def play() -> None:
        await bot.run(on_ready=note_ready, until=over.wait)

    async with anyio.create_task_group() as group:
        group.start_soon(play)
        with anyio.fail_after(PATIENCE_S):
            await ready.wait()
        yield
        over.set()


@asynccontextmanager
async def setting(voice: str = "webhook", *, place: str = CHANNEL) -> AsyncIterator[Stage]:
    """A server, and a database with one character; no process runs yet."""
    base, gateway_url = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    store, clock = memory_store(), LeapingClock()
    await store.add_character(Character(clock.new_id(), NAME, '{"name": "Ada"}'), at=clock.now())
    try:
        async with PlaygroundServer(faults=PLAN, now=clock.now) as server:
            server.add_thread(CHANNEL, THREAD, "Robin")
            yield Stage(server, store, Recorded(), voice, clock, place)
    finally:
        await store.aclose()
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway_url


@asynccontextmanager
async def performing(voice: str, *, place: str = CHANNEL, **more: object) -> AsyncIterator[Stage]:
    """A bot that has answered once, so that it knows its channel and its webhook."""
    async with (
        setting(voice, place=place) as stage,
        alive(stage.server, stage.store, stage.trace, voice, model=None, clock=stage.clock, **more),
    ):
        await stage.open_scene()
        stage.begin()
        yield stage
