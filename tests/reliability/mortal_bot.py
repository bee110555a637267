"""The real bot in a process of its own that ends by SIGKILL at one move; started through a fork server.

`open_bot` needs a fraction of the time of a new interpreter: the fork server has everything imported already.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.store import SqlStore, prepare
from actors.adapters.store.engine.writer import WriterThread
from actors.app.commands.run import ending, held
from actors.app.composition import Endpoint, compose, urls_of
from actors.app.settings import WITHOUT_LIMITS, Settings
from actors.ports import (
    NO_WRITES,
    AttemptBegan,
    Completion,
    Exchange,
    GenerationBegan,
    ModelFailed,
    ModelReason,
    Moved,
    ResponseRecord,
    TraceEvent,
    Writes,
)
from actors.roleplay.model import Character, Claim, Prompt, ResponseId
from machines.response import Move, Response

DATABASE = "ensemble.db"
HANG, SLOW = "hang", "slow"
SLOW_S = 1.5
"""Longer than "is typing" needs to be answered, on a busy machine too."""
LAST_QUESTION, LAST_ANSWER = "Still there?", "Yes, and I have not forgotten anything."
"""No character may say its own last line again."""

LIMITED = "a limit of the account"
LIMITED_S = 5.0
FAILURES: tuple[ModelReason, ...] = ("overloaded", "credentials")


@dataclass(frozen=True, slots=True)
class Death:
    """Where the process dies: at the first move of this row, right before it is durable or right after."""

    fact: str
    source: str
    dest: str
    is_durable: bool

    def is_at(self, move: Move) -> bool:
        return (self.fact, self.source, self.dest) == (type(move.fact).__name__, str(move.source), str(move.dest))


@dataclass(frozen=True, slots=True)
class Part:
    """What a process is to do: `answers` are the model's, in order, then it says `text` for ever."""

    folder: Path
    settings: dict[str, str]
    text: str
    answers: tuple[str, ...] = ()
    death: Death | None = None


class MortalStore(SqlStore):
    """Dies at its move: no shield, no `finally` and no grace sees it."""

    def __init__(self, executor: WriterThread, death: Death | None) -> None:
        super().__init__(executor)
        self._death = death

    async def start(
        self, claim: Claim, record: ResponseRecord, ordinal: int, move: Move, *, replaces: ResponseId | None = None
    ) -> str | None:
        self._die(move, is_durable=False)
        why_not = await super().start(claim, record, ordinal, move, replaces=replaces)
        self._die(move, is_durable=True)
        return why_not

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        writes: Writes = NO_WRITES,
        *,
        exchange: Exchange | None = None,
    ) -> int:
        self._die(move, is_durable=False)
        length = await super().record(claim, response, move, writes, exchange=exchange)
        self._die(move, is_durable=True)
        return length

    def _die(self, move: Move, *, is_durable: bool) -> None:
        if self._death is not None and self._death.is_durable == is_durable and self._death.is_at(move):
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class ScriptedModel:
    """Implements Model."""

    text: str
    answers: list[str]
    label: str = "a scripted model"
    models: tuple[str, ...] = ("one",)

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        is_last = any(LAST_QUESTION in message.content for message in prompt.messages)
        answer = self.answers.pop(0) if self.answers else ""
        if answer in (HANG, SLOW):
            await anyio.sleep(SLOW_S if answer == SLOW else math.inf)
        if answer == LIMITED:
            return ModelFailed("rate_limit", LIMITED_S, status=429)
        for reason in FAILURES:
            if answer == reason:
                return ModelFailed(reason)
        return Completion(LAST_ANSWER if is_last else self.text)


@dataclass
class Reporting:
    """A Trace that tells the test's process when a response goes on."""

    pipe: Connection

    def publish(self, event: TraceEvent) -> None:
        if isinstance(event, Moved | AttemptBegan | GenerationBegan):
            self.pipe.send(("goes on", time.time()))


def play(part: Part, pipe: Connection) -> None:
    """`run`, with a store that dies, a scripted model and one character."""
    unlimited = {name.lower(): value for name, value in WITHOUT_LIMITS.items()}
    settings = Settings.model_validate({**unlimited, **part.settings})
    with held(settings):
        anyio.run(_play, part, settings, pipe)


async def _play(part: Part, settings: Settings, pipe: Connection) -> None:
    store, clock = MortalStore(WriterThread(prepare(part.folder / DATABASE)), part.death), SystemClock()
    await store.add_character(Character(clock.new_id(), "Ada", '{"name": "Ada"}'), at=clock.now())
    assert settings.discord_token is not None
    endpoint = Endpoint(settings.discord_token.get_secret_value(), urls_of(settings))
    bot = compose(settings, endpoint, store, ScriptedModel(part.text, list(part.answers)), trace=Reporting(pipe))

    async def say_ready(_: object) -> None:
        pipe.send(("ready", time.time()))

    with ending() as asked_to_end:
        await bot.run(on_ready=say_ready, until=asked_to_end)
    await store.aclose()


@dataclass
class Process:
    """One process of the bot; `told` is when it was ready, and when its responses went on."""

    child: ForkServerProcess
    pipe: Connection
    told: list[tuple[str, float]] = field(default_factory=list)

    def listen(self) -> None:
        """Take in what it has said."""
        try:
            while self.pipe.poll():
                self.told.append(self.pipe.recv())
        except (EOFError, ConnectionResetError):
            return  # it is dead

    def times(self, what: str) -> list[float]:
        """When it said so."""
        self.listen()
        return [at for said, at in self.told if said == what]

    @property
    def exit_code(self) -> int | None:
        return self.child.exitcode

    def ask_to_end(self) -> None:
        self.child.terminate()

    def close(self) -> None:
        """Kill it if it is still there."""
        if self.child.is_alive():
            self.child.kill()
        self.child.join()
        self.pipe.close()


def open_bot(part: Part) -> Process:
    """Start the bot."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=play, args=(part, theirs), daemon=True)
    child.start()
    theirs.close()
    return Process(child, ours)
