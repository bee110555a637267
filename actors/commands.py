"""The message commands: parsed purely, answered through the outbox, each message once.

An unknown `!word` is none and belongs to the play; one that is nearly a command is answered with the nearest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from typing import Final

from actors.guarded import DISCORD
from actors.missing import Missing
from actors.ports import Fenced, Indicator, MoveByWork, SessionMove
from actors.retries import Retries
from actors.roleplay import notices
from actors.roleplay.command_words import Command
from actors.roleplay.model import (
    ChannelMessage,
    Character,
    OutboxDraft,
    OutboxKind,
    SessionId,
    SessionRecord,
    TurnOrder,
)
from actors.roleplay.names import find_named
from actors.world import World
from machines import session as machine

ANSWER_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""

HISTORY_LINES: Final = 10
"""Lines that `!history` shows when no number is given."""

HISTORY_LINES_MAX: Final = 50

CAST_MAX: Final = 10
"""Characters of one session: as many webhooks of ours as a channel holds."""

ANSWERS_WAITING_MAX: Final = 20
"""Answers of one channel that wait to be sent: some twenty seconds of what Discord takes there. `end` counts too,
but is always carried out."""

TOO_MANY_COMMANDS: Final = "⏳ Too many commands at once: those that follow get no answer until these are sent."

ORDERS_TO_COME: Final = ("natural", "pooled", "manual")

MOVE_TRIES: Final = 5
"""How often a command tries to move a session that a turn moves at the same moment."""


@dataclass(frozen=True, slots=True)
class Start:
    names: tuple[str, ...]
    order: str
    scenario: str


_SCENARIO: Final = re.compile(r"(?:^|(?<=\s))--(?:\s|$)")
_CURLY: Final = str.maketrans(dict.fromkeys("“”„‟", '"'))


class BadCommand(ValueError):
    """What is wrong with a command, and how it is written; shown to the user."""


def parse_start(rest: str) -> Start:
    """`NAME… [--turns ORDER] [-- SCENARIO]`, names with spaces in quotes. Raises BadCommand."""
    head, scenario = _parted(rest)
    try:
        words = _words(head)
    except ValueError as error:
        raise BadCommand("A quote is not closed.") from error
    order = TurnOrder.EVERYONE.value
    if "--turns" in words:
        at = words.index("--turns")
        if at + 1 >= len(words):
            raise BadCommand("`--turns` needs an order: everyone or list.")
        order = words[at + 1].lower()
        del words[at : at + 2]
    return Start(tuple(words), order, scenario.strip())


def _parted(rest: str) -> tuple[str, str]:
    """What stands before the first `--` outside of quotes, and what stands behind it: a name may hold one."""
    plain = rest.translate(_CURLY)
    for dashes in _SCENARIO.finditer(rest):
        if plain.count('"', 0, dashes.start()) % 2 == 0:
            return rest[: dashes.start()], rest[dashes.end() :]
    return rest, ""


def _words(head: str) -> list[str]:
    """Words, those in double quotes as one. Raises ValueError for a quote that is not closed.

    Only double quotes count: O'Neill is a name, and a backslash is a letter as any other.
    """
    words = shlex.shlex(head.translate(_CURLY), posix=True, punctuation_chars=False)
    words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
    return list(words)


class Commands:
    """Handles one command message; the answer and what it does are written together."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._retries = Retries(world)
        self._reports = Missing(world)
        self._handlers: dict[str, Callable[[ChannelMessage, str], Awaitable[SessionId | None]]] = {
            "start": self._start,
            "end": self._end,
            "pause": self._pause,
            "resume": self._resume,
            "status": self._status,
            "cast": self._cast,
            "history": self._history,
            "retry": self._retry,
            "missing": self._missing,
            "help": self._help,
        }

    async def handle(self, message: ChannelMessage, command: Command) -> SessionId | None:
        """Carry the command out; returns the session that was ended or has work now, if one has."""
        if command.is_slip:
            await self._suggest(message, command.word)
            return None
        try:
            return await self._handlers[command.word](message, command.rest)
        except BadCommand as error:
            await self._answer(message, f"❓ {error}")
            return None

    async def end_lost(self, channel_id: int) -> SessionId | None:
        """End the session of a channel that is gone; nobody is told, for there is nowhere to tell it."""
        fact = machine.ChannelLost(self._world.clock.now())

        async def end(record: SessionRecord) -> None:
            await self._world.store.move_session(record.id, _move_of(record, fact, ended_by="channel_gone"))

        return await self._move_open(channel_id, end)

    # ── handlers ────────────────────────────────────────────────────────────────────────────────────

    async def _suggest(self, message: ChannelMessage, nearest: str) -> None:
        """Answer a slip with the command that was meant, where it is ours: other bots share the channels."""
        if nearest == "start" or await self._world.store.session_in(message.channel_id) is not None:
            await self._answer(message, f"❓ Did you mean `{self._p}{nearest}`? Your message did nothing.")

    async def _start(self, message: ChannelMessage, rest: str) -> None:
        if await self._world.store.answers_waiting(message.channel_id) >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        start = parse_start(rest)
        order = self._order(start.order)
        cast = await self._named(start.names)
        world = self._world
        session = machine.Session(world.clock.new_id())
        machine.advance(session, machine.Opened(world.clock.now()))
        record = SessionRecord(
            id=session.id,
            channel_id=message.channel_id,
            state=session.state,
            version=session.version,
            epoch=0,
            order=order,
            scenario=start.scenario,
            cast=cast,
            opened_at=world.clock.now(),
            opened_after=message.id,
        )
        names = ", ".join(character.name for character in cast)
        text = f"🎭 The scene is open with {names}. Write, and they answer; `{self._p}end` ends it."
        text += f"\nSpeaking: {world.model.label}."
        opened = await world.store.open_session(record, self._draft(message, text))
        if opened is None:
            await self._answer(message, f"A scene is open here already. `{self._p}end` ends it, then start anew.")
        world.outbox_bell.ring()

    async def _end(self, message: ChannelMessage, rest: str) -> SessionId | None:
        answer = self._draft(message, "🎬 The scene has ended. It is kept; a new one starts afresh.")
        fact = machine.EndRequested(self._world.clock.now())

        async def end(record: SessionRecord) -> None:
            await self._world.store.move_session(record.id, _move_of(record, fact, ended_by="end"), outbox=(answer,))

        return await self._in_open_session(message, end)

    async def _pause(self, message: ChannelMessage, rest: str) -> None:
        fact = machine.PauseRequested(self._world.clock.now())
        text = "⏸️ The scene is paused. A line that is being written still comes; what you write is read later."
        answer = self._draft(message, f"{text} `{self._p}resume` goes on.")

        async def pause(record: SessionRecord) -> None:
            if record.state == machine.PAUSED:
                raise BadCommand(f"The scene is paused already. `{self._p}resume` goes on.")
            await self._world.store.move_session(record.id, _move_of(record, fact), outbox=(answer,))

        await self._in_open_session(message, pause)

    async def _resume(self, message: ChannelMessage, rest: str) -> SessionId | None:
        at = self._world.clock.now()
        answer = self._draft(message, "▶️ The scene goes on.")

        async def resume(record: SessionRecord) -> None:
            if record.state != machine.PAUSED:
                raise BadCommand(f"The scene is not paused: write, and they answer. `{self._p}pause` pauses it.")
            with_work, without_work = (machine.Resumed(at, work_left=is_left) for is_left in (True, False))
            moves = MoveByWork(_move_of(record, with_work), _move_of(record, without_work))
            await self._world.store.resume_session(record.id, moves, outbox=(answer,))

        return await self._in_open_session(message, resume)

    async def _status(self, message: ChannelMessage, rest: str) -> None:
        session = await self._world.store.session_in(message.channel_id)
        if session is None:
            await self._answer(message, self._none_open)
            return
        recent = await self._world.store.recent_history(session.id, entries_max=1)
        world, rules = self._world, self._world.rules
        a_line = world.model.models, rules.context_tokens, rules.response_tokens
        left = await world.allowances.look(*a_line, world.clock.now())
        rows = (
            f"Session `{session.id}`: {session.state}",
            f"Cast: {_names(session.cast)} (turns: {session.order})",
            f"Lines in the history: {recent.length}",
            f"Speaking: {self._world.model.label}",
            *(notices.allowed(*astuple(each)) for each in left),
            *(_trouble(*trouble) for trouble in self._world.breakers.troubles()),
            *_reported(self._world.breakers.reported),
        )
        await self._answer(message, "\n".join(rows))

    async def _cast(self, message: ChannelMessage, rest: str) -> None:
        session = await self._world.store.session_in(message.channel_id)
        known = await self._world.store.characters()
        playing = f"Playing here: {_names(session.cast)}." if session else self._none_open
        await self._answer(message, f"{playing}\nCharacters to choose from: {_names(known) or 'none'}.")

    async def _history(self, message: ChannelMessage, rest: str) -> None:
        session = await self._world.store.session_in(message.channel_id)
        if session is None:
            await self._answer(message, self._none_open)
            return
        count = _line_count(rest)
        recent = await self._world.store.recent_history(session.id, entries_max=count)
        lines = [f"**{entry.name}**: {entry.text}" for entry in recent.entries]
        await self._answer(message, _fit(lines) or "Nothing has been said yet.")

    async def _retry(self, message: ChannelMessage, rest: str) -> SessionId | None:
        if await self._world.store.session_in(message.channel_id) is None:
            await self._answer(message, self._none_open)
            return None
        return await self._retries.commanded(message)

    async def _missing(self, message: ChannelMessage, rest: str) -> None:
        if await self._world.store.answers_waiting(message.channel_id) >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
        else:
            await self._reports.commanded(message)

    async def _help(self, message: ChannelMessage, rest: str) -> None:
        p = self._p
        rows = (
            f"`{p}start NAME… [--turns everyone|list] [-- SCENARIO]` opens a scene in this channel; "
            "names with spaces in quotes. `everyone`: all answer in order; `list`: one a message, in turn.",
            f"`{p}end` ends it · `{p}pause` lets nobody speak until `{p}resume`",
            f"`{p}status` · `{p}cast` who plays, and who could · `{p}history [n]` the last lines",
            f"`{p}retry` delivers the last line that failed, as does the button under its notice.",
            f"`{p}missing` says what became of a line that did not come (as a reply: of the answers to that message).",
            "A message wholly in `((double brackets))`, or one that begins with `\\`, is not part of the play.",
        )
        await self._answer(message, "\n".join(rows))

    # ── what they share ─────────────────────────────────────────────────────────────────────────────

    @property
    def _p(self) -> str:
        return self._world.rules.command_prefix

    @property
    def _none_open(self) -> str:
        return f"No scene is open here. `{self._p}start NAME…` opens one; `{self._p}help` says more."

    def _order(self, word: str) -> TurnOrder:
        if word in ORDERS_TO_COME:
            raise BadCommand(f"The turn order `{word}` is not built yet. Use `everyone` or `list`.")
        if word not in set(TurnOrder):
            raise BadCommand(f"There is no turn order `{word[:40]}`. Use `everyone` or `list`.")
        return TurnOrder(word)

    async def _named(self, names: tuple[str, ...]) -> tuple[Character, ...]:
        known = await self._world.store.characters()
        if not names:
            raise BadCommand(f"Who shall play? `{self._p}start NAME…` with one of: {_names(known)}.")
        found = {name: find_named(name, known) for name in names}
        unknown = [name for name, character in found.items() if character is None]
        if unknown:
            there = _names(known) or "none yet"
            raise BadCommand(f"There is no character named {', '.join(unknown)[:200]}. Characters here: {there}.")
        cast = tuple(dict.fromkeys(character for character in found.values() if character is not None))
        if len(cast) > CAST_MAX:
            raise BadCommand(f"A scene has at most {CAST_MAX} characters; you named {len(cast)}.")
        return cast

    async def _in_open_session(
        self, message: ChannelMessage, write: Callable[[SessionRecord], Awaitable[None]]
    ) -> SessionId | None:
        """`write` the move that a command asks for, with its answer; else say that no scene is open."""
        session_id = await self._move_open(message.channel_id, write, asked_by=message.id)
        if session_id is None:
            await self._answer(message, self._none_open)
        self._world.outbox_bell.ring()
        return session_id

    async def _move_open(
        self, channel_id: int, write: Callable[[SessionRecord], Awaitable[None]], asked_by: int | None = None
    ) -> SessionId | None:
        """`write` a move of the channel's session, again while turns move it at the same moment.

        None where no session is open, or where it is younger than the message that asks.
        """
        for tries_left in reversed(range(MOVE_TRIES)):
            record = await self._world.store.session_in(channel_id)
            if record is None or (asked_by is not None and asked_by <= record.opened_after):
                return None
            try:
                await write(record)
            except Fenced:
                if not tries_left:
                    raise
            else:
                return record.id
        return None

    def _draft(self, message: ChannelMessage, text: str) -> OutboxDraft:
        return OutboxDraft(f"answer:{message.id}", OutboxKind.ANSWER, message.channel_id, text[:ANSWER_MAX])

    async def _answer(self, message: ChannelMessage, text: str) -> None:
        """Answer, unless too many answers wait for this channel already; the last of them says so."""
        waiting = await self._world.store.answers_waiting(message.channel_id)
        if waiting >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        if waiting == ANSWERS_WAITING_MAX - 1:
            text = TOO_MANY_COMMANDS
        await self._world.store.enqueue(self._draft(message, text), at=self._world.clock.now())
        self._world.outbox_bell.ring()

    async def _leave_unanswered(self, message: ChannelMessage) -> None:
        # Else a catch-up would find it unhandled, and carry it out in the middle of what was said since.
        await self._world.store.leave_unanswered(self._draft(message, ""), at=self._world.clock.now())


def _move_of(record: SessionRecord, fact: machine.Fact, *, ended_by: str | None = None) -> SessionMove:
    session = machine.Session(record.id, record.state, record.version)
    machine.advance(session, fact)
    return SessionMove(session.state, session.version, fact.at, ended_by)


def _names(characters: tuple[Character, ...]) -> str:
    return ", ".join(character.name for character in characters)


def _trouble(dependency: str, until: float) -> str:
    """A breaker that is not closed; the reader's Discord writes the time (reference, "Timestamp Styles")."""
    subject = "Discord" if dependency == DISCORD else dependency
    return f"{subject}: not available, tried again at <t:{until:.0f}:T>"


def _reported(indicator: Indicator) -> tuple[str, ...]:
    """What Discord's status page says, where it says that not all is well."""
    words = notices.INDICATED.get(indicator)
    return (f"Discord's status page reports {words}.",) if words else ()


def _line_count(word: str) -> int:
    if not word:
        return HISTORY_LINES
    if not word.isdecimal() or not 1 <= int(word) <= HISTORY_LINES_MAX:
        raise BadCommand(f"`history` takes a number of lines from 1 to {HISTORY_LINES_MAX}.")
    return int(word)


def _fit(lines: list[str]) -> str:
    """The newest lines that fit into one message, oldest of them first."""
    kept: list[str] = []
    room = ANSWER_MAX
    for line in reversed(lines):
        shown = line if len(line) <= ANSWER_MAX // 2 else line[: ANSWER_MAX // 2 - 1] + "…"
        if len(shown) + 1 > room:
            break
        kept.append(shown)
        room -= len(shown) + 1
    return "\n".join(reversed(kept))
