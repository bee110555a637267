"""Rehearses a written scene: plays it through the real client against a local Discord, and checks the result.

script ─► users write in the server ─► the real bot answers ─► channel equals committed history?
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, assert_never

import anyio

from actors.adapters.clock import SystemClock
from actors.adapters.discord import Endpoints, name_of_webhook
from actors.adapters.log import LogTrace
from actors.adapters.store import ResponseOutcome, SqlStore, open_store
from actors.app.characters import add_shipped, read_character
from actors.app.composition import Endpoint, compose, open_model
from actors.app.rehearsal_waits import STEP_S_MAX, Waiting
from actors.app.scenes import Scene, SceneError, SceneLine
from actors.app.settings import Settings
from actors.gateway import Gateway
from actors.observation.journal import HeardMessage
from actors.playground import FaultPlan, PlaygroundServer, ShownMessage, Voice
from actors.ports import Moved, TraceEvent
from actors.roleplay.audit import Difference, Kind, differences
from actors.roleplay.card import CardError
from actors.roleplay.history import is_played
from actors.roleplay.model import ChannelMessage, Entry, Line
from actors.roleplay.names import find_named, name_key
from actors.roleplay.turns import speaker_count
from machines.response import FINAL, State
from machines.session import IDLE

CHANNEL: Final = "tavern"
NOTICE: Final = "⚠️ Failed to send response from "
EMBED_MARK: Final = "💬 "
SHOWN: Final = 60
"""Characters of a line that are quoted in a problem."""

PREFIX: Final = "!"
POLL_S: Final = 0.02
QUIET_S: Final = 0.3
"""The scene is over after this long without a request, if nothing is on its way."""


@dataclass(frozen=True, slots=True)
class Try:
    """A request with a character's line that reached the server, stored or not."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a rehearsal; `problems` is empty if every line arrived once or failed with a notice."""

    entries: tuple[Entry, ...]
    outcomes: tuple[ResponseOutcome, ...]
    cast: tuple[str, ...]
    tries: tuple[Try, ...]
    problems: tuple[str, ...]
    speaking: str

    @property
    def wire_attempts(self) -> dict[str, int]:
        """Number of tries per character."""
        return {name: sum(each.name == name for each in self.tries) for name in self.cast}


@dataclass(slots=True)
class Finished:
    """A Trace that calls `on_end` for each finished response."""

    log: LogTrace
    on_end: Callable[[], None]

    def publish(self, event: TraceEvent) -> None:
        self.log.publish(event)
        if isinstance(event, Moved) and event.move.dest in FINAL:
            self.on_end()


def quickened(settings: Settings, *, speed: float, voice: str) -> Settings:
    """Return the settings of a rehearsal: every wait divided by `speed`, no breaker, no inspector, the scene's voice.

    Nothing limits what a scene costs, and the understudy does not type. Prefix and shards are fixed too: with other
    values the bot would not see the scene.
    """
    changes = {
        "backoff_base_s": settings.backoff_base_s / speed,
        "settle_s": settings.settle_s / speed,
        "understudy_typing_s": 0.0,  # nobody watches it type
        "breaker_failures": 0,
        "gather_s": 0.0,
        "voice": voice,
        "inspector_address": "",  # its port belongs to a bot that may be running
        "command_prefix": PREFIX,
        "scenes_per_server": 0,
        "scenes_per_person": 0,
        "turns_per_person_minute": 0,
        "tokens_per_server_day": 0,
        "allow_dms": True,
        "channels": (),
        "shard_count": 1,
        "shard_ids": (),
    }
    return settings.model_copy(update=changes)


async def rehearse(
    scene: Scene,
    folder: Path,
    settings: Settings,
    faults: FaultPlan,
    *,
    on_end: Callable[[], None],
    tell: Callable[[str], None],
    step_s_max: float = STEP_S_MAX,
) -> Report:
    """Play `scene`; `folder` contains its card files. Raises SceneError for an invalid cast.

    `tell` gets warnings about the cards, and the name of any wait that takes long.
    """
    with TemporaryDirectory(prefix="ensemble-") as temporary:
        async with (
            PlaygroundServer(faults=faults) as server,
            open_store(f"sqlite:///{temporary}/ensemble.db") as store,
            open_model(settings, store) as model,
        ):
            names = await _cast(scene, folder, store, tell)
            trace = Finished(LogTrace(texts=settings.log_texts), on_end)
            over, waiting = anyio.Event(), Waiting(tell, step_s_max)
            conductor = _Conductor(scene, names, server, store, trace, over, settings, waiting)
            endpoint = Endpoint(server.token, Endpoints(server.api_url, server.gateway_url))
            bot = compose(settings, endpoint, store, model, trace=trace)
            await bot.run(on_ready=conductor.conduct, until=partial(waiting.until, over))
            return await conductor.report(model.label)


async def _cast(scene: Scene, folder: Path, store: SqlStore, tell: Callable[[str], None]) -> list[str]:
    """Return the names of the cast; import its card files."""
    clock = SystemClock()
    await add_shipped(store, clock)
    known = await store.characters()
    names = []
    for word in scene.cast:
        found = find_named(word, known)
        if found is not None:
            names.append(found.name)
        elif Path(word).suffix:
            names.append(await _add_card(_beside(folder, word), store, clock, tell))
        else:
            there = ", ".join(character.name for character in known)
            raise SceneError(f"there is no character {word!r}; use a card file, or one of: {there}")
    if len({name_key(name) for name in names}) < len(names):
        raise SceneError("the cast names a character twice; name each character once")
    return names


def _beside(folder: Path, word: str) -> Path:
    """The card file of this name in the script's folder, or below it. Raises SceneError."""
    path = folder / word
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SceneError(
            f"the cast names {word!r}, which is outside of the script's folder; put the card beside the script"
        )
    return path


async def _add_card(path: Path, store: SqlStore, clock: SystemClock, tell: Callable[[str], None]) -> str:
    try:
        brought = read_character(path, new_id=clock.new_id())
    except CardError as error:
        raise SceneError(str(error)) from error
    for doubt in brought.doubts:
        tell(f"{path.name}: {doubt}")
    await store.add_character(brought.character, at=clock.now())
    return brought.character.name


@dataclass(slots=True)
class _Conductor:
    """Writes the users' lines, each after the answers to the last one, and makes the report."""

    scene: Scene
    names: list[str]
    server: PlaygroundServer
    store: SqlStore
    trace: Finished
    over: anyio.Event
    settings: Settings
    waiting: Waiting

    async def conduct(self, gateway: Gateway) -> None:
        users = self._users()
        self.waiting.step("the answer to `!start`")
        self.server.say(CHANNEL, users[self.scene.lines[0].user], self._start_command())
        if await self._is_open():
            await self._play(users)
            self.waiting.step("the last lines and notices", s_max=self.settings.response_deadline_s)
            await self._until_quiet()
        self.over.set()

    def _users(self) -> dict[str, int]:
        """User ids by name. Missing users are added; the bot is never one of them, even under the same name."""
        ids = {user.name: user.id for user in self.server.discord.users.values() if not user.bot}
        names = dict.fromkeys(line.user for line in self.scene.lines)
        return {name: ids.get(name) or self.server.add_user(name).id for name in names}

    async def _play(self, users: dict[str, int]) -> None:
        for line in self.scene.lines:
            said = self.server.say(CHANNEL, users[line.user], line.text)
            patience_s = self.settings.response_deadline_s * len(self.names)
            self.waiting.step(f"the answers to {line.text[:SHOWN]!r}", s_max=2 * patience_s)  # `patience` ends first
            with anyio.move_on_after(patience_s) as patience:
                await self._until_answered(said.id if _is_answered(line) else None)
            if patience.cancelled_caught:
                return  # a line is lost; every later line would wait as long

    def _start_command(self) -> str:
        names = " ".join('"' + name.replace('"', "") + '"' for name in self.names)
        scenario = " ".join(self.scene.scenario.split())
        return f"{PREFIX}start {names} --turns {self.scene.turns}" + (f" -- {scenario}" if scenario else "")

    async def _until_answered(self, message_id: int | None) -> None:
        """Wait until the message has a turn, and the turn is over: how many answer it may depend on what it says."""
        channel_id = int(self._channel)
        while message_id is not None:
            heard = await self.store.known_as(channel_id, message_id)
            if isinstance(heard, HeardMessage) and heard.has_turn:
                session = await self.store.session_in(channel_id)
                if session is None or session.state == IDLE:
                    return
            await anyio.sleep(POLL_S)

    @property
    def _expected(self) -> int | None:
        """How many lines are due; None if that depends on what is said."""
        each = speaker_count(self.scene.turns, len(self.names))
        return None if each is None else each * sum(map(_is_answered, self.scene.lines))

    async def _is_open(self) -> bool:
        """Wait for the answer to `!start`, which is stored together with the session; True if the scene opened."""
        while not any(message.voice is Voice.BOT for message in self.server.messages(CHANNEL)):  # noqa: ASYNC110
            await anyio.sleep(POLL_S)  # the bot under test sets no event
        return bool(await self.store.find_sessions(self._channel))

    @property
    def _channel(self) -> str:
        return str(self.server.discord.find_channel(CHANNEL).id)

    async def _until_quiet(self) -> None:
        """Wait for the outbox, for late lines, and for the reaper to handle them."""
        seen = -1
        while seen != len(list(self.server.ledger)) or await self.store.next_outbox_due() is not None:
            seen = len(list(self.server.ledger))
            await self.server.wait_landed()
            await anyio.sleep(QUIET_S)

    async def report(self, speaking: str) -> Report:
        shown = self.server.messages(CHANNEL)
        tries = tuple(
            Try(name_of_webhook(tried.line.speaker.removeprefix(EMBED_MARK)), tried.line.text)
            for tried in self.server.ledger.since(only_lines=True)
            if tried.line is not None and tried.method == "POST"
        )
        given_up = [f"lost: {self.waiting.given_up}"] if self.waiting.given_up else []
        sessions = await self.store.find_sessions(self._channel)
        if not sessions:
            said = [message.content for message in shown if message.voice is Voice.BOT]
            unopened = "lost: the scene did not open" + (f"; the bot said: {said[-1]}" if said else "")
            return Report((), (), tuple(self.names), tries, (*given_up, unopened), speaking)
        entries = await self.store.history(sessions[-1].id)
        lines = await self.store.lines(sessions[-1].id)
        outcomes = await self.store.session_outcomes(sessions[-1].id)
        problems = (*given_up, *judge(shown, lines, outcomes, expected=self._expected))
        return Report(entries, outcomes, tuple(self.names), tries, problems, speaking)


def _is_answered(line: SceneLine) -> bool:
    return is_played(line.text, PREFIX)


def judge(
    shown: list[ShownMessage],
    lines: tuple[Line, ...],
    outcomes: tuple[ResponseOutcome, ...],
    *,
    expected: int | None,
) -> list[str]:
    """Return every broken promise as one line: differences of channel and history, lost lines, missing notices."""
    return [
        *_of_the_audit(shown, lines),
        *_of_the_order(lines, outcomes),
        *_of_the_ends(outcomes, expected),
        *_of_the_notices(shown, outcomes),
    ]


def _of_the_audit(shown: list[ShownMessage], lines: tuple[Line, ...]) -> Iterable[str]:
    """Differences between the channel and the committed history."""
    known = {(line.name, text) for line in lines for _, text in line.messages}
    channel = [_as_read(message) for message in shown]
    yield from dict.fromkeys(_problem(found, known) for found in differences(channel, lines, prefix=PREFIX))


def _problem(found: Difference, known: set[tuple[str, str]]) -> str:
    match found.kind:
        case Kind.EXTRA:
            is_copy = (found.name, found.shown) in known
            return f"{'doubled' if is_copy else 'seen uncommitted'}: {found.name}: {(found.shown or '')[:SHOWN]!r}"
        case Kind.MISSING | Kind.ALTERED:
            return f"committed unseen: {found.name}: {(found.committed or '')[:SHOWN]!r}"
        case Kind.OUT_OF_ORDER:
            return "out of order: the history's order is not the channel's"
        case _:
            assert_never(found.kind)


def _as_read(message: ShownMessage) -> ChannelMessage:
    """Convert the server's record to the form in which the bot reads it from the channel."""
    is_ours = message.voice is not Voice.USER
    is_embed = message.embeds > 0 and (message.voice is Voice.BOT or not message.content)
    return ChannelMessage(
        id=message.id,
        channel_id=message.channel_id,
        author_id=0,
        name=message.title.removeprefix(EMBED_MARK) if is_embed else message.author,
        text=message.description if is_embed else message.content,
        at=0.0,
        is_ours=is_ours,
        is_bot=is_ours,
        webhook_id=message.webhook_id,
        is_embed=is_embed,
    )


def _of_the_order(lines: tuple[Line, ...], outcomes: tuple[ResponseOutcome, ...]) -> Iterable[str]:
    delivered = [outcome.response_id for outcome in outcomes if outcome.state == State.DELIVERED]
    committed = [line.response_id for line in lines if line.response_id is not None]
    if sorted(committed) != sorted(delivered):
        yield f"lost: {len(delivered)} lines were delivered, the history has {len(committed)}"
    elif committed != delivered:
        yield "out of order: the history's order is not the order in which the characters spoke"


def _of_the_ends(outcomes: tuple[ResponseOutcome, ...], expected: int | None) -> Iterable[str]:
    ended = sum(outcome.state in FINAL for outcome in outcomes)
    due = len(outcomes) if expected is None else expected
    if ended != due:
        yield f"lost: {due} lines were due, {ended} ended"


def _of_the_notices(shown: list[ShownMessage], outcomes: tuple[ResponseOutcome, ...]) -> Iterable[str]:
    notices = Counter(message.content.split(NOTICE)[1].split(".")[0] for message in shown if NOTICE in message.content)
    failed = Counter(outcome.name for outcome in outcomes if outcome.state == State.FAILED)
    unsent = Counter(o.name for o in outcomes if o.state == State.FAILED and o.notice != "sent")
    for name in sorted(failed | notices):
        if failed[name] != notices[name] or unsent[name]:
            yield f"failed without notice: {name} failed {failed[name]} times, {notices[name]} notices are shown"
