"""A rehearsal: a written scene played through the whole path, against a local Discord that counts.

script ─► users write in the server ─► the real bot answers ─► what the server shows ═ what was committed?
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints
from actors.adapters.log import LogTrace
from actors.adapters.store import ResponseOutcome, SqlStore, open_store
from actors.app.characters import add_shipped, read_character
from actors.app.composition import Endpoint, model_of, play
from actors.app.scenes import Scene, SceneError
from actors.app.settings import Settings
from actors.gateway import Gateway
from actors.playground import FaultPlan, PlaygroundServer, ShownMessage, Voice
from actors.ports import Moved, TraceEvent
from actors.roleplay.card import CardError
from actors.roleplay.model import Entry
from machines.response import FINAL, State

CHANNEL: Final = "tavern"
POLL_S: Final = 0.02
QUIET_S: Final = 0.3
"""Without a request for this long, and with nothing on its way, the scene is over."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a rehearsal; `problems` is empty where every line arrived once or was told."""

    entries: tuple[Entry, ...]
    outcomes: tuple[ResponseOutcome, ...]
    wire_attempts: dict[str, int]  # by character, as the server counted them
    problems: tuple[str, ...]
    speaking: str


@dataclass(slots=True)
class Finished:
    """A Trace that counts the responses that came to their end, and says so."""

    log: LogTrace
    on_end: Callable[[], None]
    count: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def publish(self, event: TraceEvent) -> None:
        self.log.publish(event)
        if isinstance(event, Moved) and event.move.dest in FINAL:
            self.count += 1
            self.on_end()
            self._changed.set()
            self._changed = anyio.Event()

    async def until(self, count: int) -> None:
        while self.count < count:
            await self._changed.wait()


def quickened(settings: Settings, *, speed: float, voice: str) -> Settings:
    """The settings of a rehearsal: every wait divided by `speed`, no breaker, no inspector, and the scene's voice."""
    changes = {
        "backoff_base_s": settings.backoff_base_s / speed,
        "settle_s": settings.settle_s / speed,
        "breaker_failures": 0,
        "voice": voice,
        "inspector_address": "",  # its port belongs to the bot that may run beside
    }
    return settings.model_copy(update=changes)


async def rehearse(
    scene: Scene, folder: Path, settings: Settings, faults: FaultPlan, *, on_end: Callable[[], None]
) -> Report:
    """Play `scene`; `folder` is where its card files are. Raises SceneError for a cast that cannot play."""
    with TemporaryDirectory(prefix="ensemble-") as temporary:
        async with (
            PlaygroundServer(faults=faults) as server,
            open_store(f"sqlite:///{temporary}/ensemble.db") as store,
        ):
            names = await _cast(scene, folder, store)
            model = model_of(settings)
            trace = Finished(LogTrace(), on_end)
            over = anyio.Event()
            conductor = _Conductor(scene, names, server, store, trace, over, settings)
            endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
            await play(settings, endpoint, store, model, trace=trace, on_ready=conductor.conduct, until=over.wait)
            return await conductor.report(model.label)


async def _cast(scene: Scene, folder: Path, store: SqlStore) -> list[str]:
    """The names of the cast, card files among them read in."""
    clock = SystemClock()
    await add_shipped(store, clock)
    known = {character.name.casefold(): character.name for character in await store.characters()}
    names = []
    for word in scene.cast:
        if word.casefold() in known:
            names.append(known[word.casefold()])
        elif Path(word).suffix:
            names.append(await _add_card(folder / word, store, clock))
        else:
            raise SceneError(
                f"there is no character {word!r}; name a card file, or one of: {', '.join(known.values())}"
            )
    if len({name.casefold() for name in names}) < len(names):
        raise SceneError("a character is in the cast twice; name each once")
    return names


async def _add_card(path: Path, store: SqlStore, clock: SystemClock) -> str:
    try:
        character = read_character(path, new_id=clock.new_id())
    except CardError as error:
        raise SceneError(str(error)) from error
    await store.add_character(character, at=clock.now())
    return character.name


@dataclass(slots=True)
class _Conductor:
    """Lets the users write, one line after the other's answers, and judges the end."""

    scene: Scene
    names: list[str]
    server: PlaygroundServer
    store: SqlStore
    trace: Finished
    over: anyio.Event
    settings: Settings

    async def conduct(self, gateway: Gateway) -> None:
        for user in dict.fromkeys(line.user for line in self.scene.lines):
            if user not in {known.name for known in self.server.world.users.values()}:
                self.server.add_user(user)
        host = self.scene.lines[0].user
        self.server.say(CHANNEL, host, self._start_command())
        await self._until_open()
        for count, line in enumerate(self.scene.lines, 1):
            self.server.say(CHANNEL, line.user, line.text)
            with anyio.move_on_after(self.settings.response_deadline_s * len(self.names)):
                await self.trace.until(count * self._speakers)
        await self._until_quiet()
        self.over.set()

    def _start_command(self) -> str:
        quoted = " ".join(f'"{name}"' for name in self.names)
        prefix = self.settings.command_prefix
        scenario = " ".join(self.scene.scenario.split())
        return f"{prefix}start {quoted} --turns {self.scene.turns}" + (f" -- {scenario}" if scenario else "")

    @property
    def _speakers(self) -> int:
        return len(self.names) if self.scene.turns == "everyone" else 1

    async def _until_open(self) -> None:
        channel = str(self.server.world.find_channel(CHANNEL).id)
        while not await self.store.find_sessions(channel):  # noqa: ASYNC110 - the bot under test signals nothing
            await anyio.sleep(POLL_S)

    async def _until_quiet(self) -> None:
        """Wait for the outbox, for lines that land late, and for what the reaper makes of them."""
        seen = -1
        while seen != len(list(self.server.ledger)) or await self.store.next_outbox_due() is not None:
            seen = len(list(self.server.ledger))
            await self.server.wait_landed()
            await anyio.sleep(QUIET_S)

    async def report(self, speaking: str) -> Report:
        channel = self.server.world.find_channel(CHANNEL)
        session = (await self.store.find_sessions(str(channel.id)))[-1]
        entries = await self.store.history(session.id)
        outcomes = await self.store.session_outcomes(session.id)
        shown = self.server.messages(CHANNEL)
        attempts = dict.fromkeys(self.names, 0)
        for tried in self.server.ledger.since(only_lines=True):
            if tried.line is not None and tried.method == "POST":
                speaker = tried.line.speaker.removeprefix("💬 ")
                attempts[speaker] = attempts.get(speaker, 0) + 1
        problems = judge(shown, entries, outcomes, expected=len(self.scene.lines) * self._speakers)
        return Report(entries, outcomes, attempts, tuple(problems), speaking)


def judge(
    shown: list[ShownMessage],
    entries: tuple[Entry, ...],
    outcomes: tuple[ResponseOutcome, ...],
    *,
    expected: int,
) -> list[str]:
    """Every difference between what the channel shows and what was promised; empty where there is none."""
    lines = {message.id: message for message in shown if _is_line(message)}
    committed = [entry for entry in entries if entry.kind == "character"]
    owned = {message_id for entry in committed for message_id in entry.message_ids}
    problems = [f"seen uncommitted, or doubled: {_told(lines[i])}" for i in lines.keys() - owned]
    for entry in committed:
        parts = [lines[i] for i in entry.message_ids if i in lines]
        if "\n".join(part.description or part.content for part in parts) != entry.text:
            problems.append(f"committed unseen: {entry.name}: {entry.text[:60]!r}")
    delivered = [outcome.response_id for outcome in outcomes if outcome.state == State.DELIVERED]
    if [entry.response_id for entry in committed] != delivered:
        problems.append("out of order: the history's order is not the order in which they spoke")
    unfinished = [outcome for outcome in outcomes if outcome.state not in FINAL]
    if len(outcomes) - len(unfinished) != expected:
        problems.append(f"lost: {expected} lines were due, {len(outcomes) - len(unfinished)} came to an end")
    failed = [outcome for outcome in outcomes if outcome.state == State.FAILED]
    notices = [message for message in shown if message.content.startswith("⚠️ Failed to send response from ")]
    if len(notices) != len(failed) or any(outcome.notice != "sent" for outcome in failed):
        problems.append(f"failed untold: {len(failed)} failed, {len(notices)} notices are shown")
    return problems


def _is_line(message: ShownMessage) -> bool:
    return message.voice is Voice.WEBHOOK or (message.voice is Voice.BOT and message.embeds > 0)


def _told(message: ShownMessage) -> str:
    return f"{message.author}: {(message.description or message.content)[:60]!r}"
