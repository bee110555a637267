"""Handles the message commands and answers each one once, through the outbox.

An unknown `!word` is no command and belongs to the scene; one that is nearly a command is answered with the nearest.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import astuple, dataclass
from typing import Final

from actors.breaker_ports import DISCORD
from actors.lore_commands import LoreCommands
from actors.missing_reports import Missing
from actors.ports import Fenced, Indicator, MoveByWork, SessionMove
from actors.redeliveries import Redeliveries
from actors.roleplay import escapes, notices
from actors.roleplay.command_words import Command
from actors.roleplay.model import (
    ChannelMessage,
    Character,
    OutboxDraft,
    OutboxKind,
    SessionId,
    SessionRecord,
)
from actors.roleplay.names import find_named
from actors.roleplay.turns import DEFAULT_ORDER, TurnOrder, UnknownOrder, choices, meanings, order_named
from actors.services import Services
from machines import session as machine

ANSWER_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""

HISTORY_LINES: Final = 10
"""Lines that `!history` shows when no number is given."""

HISTORY_LINES_MAX: Final = 50

CAST_MAX: Final = 10
"""Characters of one session: the number of our webhooks that a channel can hold."""

ANSWERS_WAITING_MAX: Final = 20
"""Answers that wait to be sent to one channel: Discord takes about twenty seconds for them. `end` counts too, but is
always carried out."""

TOO_MANY_COMMANDS: Final = "⏳ Too many commands at once. Further commands get no answer until these answers are sent."

MOVE_TRIES: Final = 5
"""Tries of a command to move a session while a turn moves it concurrently."""


@dataclass(frozen=True, slots=True)
class Start:
    names: tuple[str, ...]
    order: TurnOrder
    scenario: str


_SCENARIO: Final = re.compile(r"(?:^|(?<=\s))--(?:\s|$)")
_CURLY: Final = str.maketrans(dict.fromkeys("“”„‟", '"'))


class BadCommand(ValueError):
    """A wrong command; the message, shown to the user, says what is wrong and how to write it."""


def parse_start(rest: str) -> Start:
    """`NAME… [--turns ORDER] [-- SCENARIO]`, names with spaces in quotes. Raises BadCommand."""
    head, scenario = _parted(rest)
    try:
        words = _words(head)
    except ValueError as error:
        raise BadCommand("A quote is not closed.") from error
    order = DEFAULT_ORDER
    if "--turns" in words:
        at = words.index("--turns")
        if at + 1 >= len(words):
            raise BadCommand(f"`--turns` needs an order: {choices()}.")
        order = _order(words[at + 1].lower())
        del words[at : at + 2]
    return Start(tuple(words), order, scenario.strip())


def _order(word: str) -> TurnOrder:
    try:
        return order_named(word)
    except UnknownOrder as error:
        raise BadCommand(str(error)) from error


def _parted(rest: str) -> tuple[str, str]:
    """Split at the first `--` outside quotes: a quoted name may contain `--`."""
    plain = rest.translate(_CURLY)
    for dashes in _SCENARIO.finditer(rest):
        if plain.count('"', 0, dashes.start()) % 2 == 0:
            return rest[: dashes.start()], rest[dashes.end() :]
    return rest, ""


def _words(head: str) -> list[str]:
    """Split into words; a text in double quotes is one word. Raises ValueError for a quote that is not closed.

    Only double quotes count: O'Neill is a name, and a backslash is an ordinary character.
    """
    words = shlex.shlex(head.translate(_CURLY), posix=True, punctuation_chars=False)
    words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
    return list(words)


class Commands:
    """Handles command messages; a command's answer and its effect are written in one transaction."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._redeliveries = Redeliveries(services)
        self._reports = Missing(services)
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
            "lore": LoreCommands(services, self._answer).commanded,
            "help": self._help,
        }

    async def handle(self, message: ChannelMessage, command: Command) -> SessionId | None:
        """Carry out a command; return the session that it ended or gave work to, if any."""
        if command.is_slip:
            await self._suggest(message, command.word)
            return None
        try:
            return await self._handlers[command.word](message, command.rest)
        except BadCommand as error:
            await self._answer(message, f"❓ {error}")
            return None

    async def end_lost(self, channel_id: int) -> SessionId | None:
        """End the session of a channel that is gone; no notice is sent, since no channel is left for it."""
        fact = machine.ChannelLost(self._services.clock.now())

        async def end(record: SessionRecord) -> None:
            await self._services.store.move_session(record.id, _move_of(record, fact, ended_by="channel_gone"))

        return await self._move_open(channel_id, end)

    # ── handlers ────────────────────────────────────────────────────────────────────────────────────

    async def _suggest(self, message: ChannelMessage, nearest: str) -> None:
        """Suggest the nearest command for a mistyped one, only if it is likely ours: other bots share the channels."""
        if nearest == "start" or await self._services.store.session_in(message.channel_id) is not None:
            await self._answer(message, f"❓ Did you mean `{self._p}{nearest}`? Your message did nothing.")

    async def _start(self, message: ChannelMessage, rest: str) -> None:
        if await self._services.store.answers_waiting(message.channel_id) >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        start = parse_start(rest)
        cast = await self._named(start.names)
        services = self._services
        session = machine.Session(services.clock.new_id())
        machine.advance(session, machine.Opened(services.clock.now()))
        record = SessionRecord(
            id=session.id,
            channel_id=message.channel_id,
            state=session.state,
            version=session.version,
            epoch=0,
            order=start.order,
            scenario=start.scenario,
            cast=cast,
            opened_at=services.clock.now(),
            opened_after=message.id,
        )
        text = f"🎭 The scene is open with {_names(cast)}. Write a message and they answer. `{self._p}end` ends it."
        text += f"\nSpeaking: {self._speaking}."
        opened = await services.store.open_session(record, self._draft(message, text))
        if opened is None:
            await self._answer(message, f"A scene is open here already. `{self._p}end` ends it; then start a new one.")
        services.outbox_bell.ring()

    async def _end(self, message: ChannelMessage, rest: str) -> SessionId | None:
        answer = self._draft(message, "🎬 The scene has ended. It stays saved; a new scene does not continue it.")
        fact = machine.EndRequested(self._services.clock.now())

        async def end(record: SessionRecord) -> None:
            await self._services.store.move_session(record.id, _move_of(record, fact, ended_by="end"), outbox=(answer,))

        return await self._in_open_session(message, end)

    async def _pause(self, message: ChannelMessage, rest: str) -> None:
        fact = machine.PauseRequested(self._services.clock.now())
        text = "⏸️ The scene is paused. A line that is being written still arrives. What you write is read later."
        answer = self._draft(message, f"{text} `{self._p}resume` continues the scene.")

        async def pause(record: SessionRecord) -> None:
            if record.state == machine.PAUSED:
                raise BadCommand(f"The scene is paused already. `{self._p}resume` continues it.")
            await self._services.store.move_session(record.id, _move_of(record, fact), outbox=(answer,))

        await self._in_open_session(message, pause)

    async def _resume(self, message: ChannelMessage, rest: str) -> SessionId | None:
        at = self._services.clock.now()
        answer = self._draft(message, "▶️ The scene continues.")

        async def resume(record: SessionRecord) -> None:
            if record.state != machine.PAUSED:
                raise BadCommand(f"The scene is not paused. Write, and the cast answers. `{self._p}pause` pauses it.")
            with_work, without_work = (machine.Resumed(at, work_left=is_left) for is_left in (True, False))
            moves = MoveByWork(_move_of(record, with_work), _move_of(record, without_work))
            await self._services.store.resume_session(record.id, moves, outbox=(answer,))

        return await self._in_open_session(message, resume)

    async def _status(self, message: ChannelMessage, rest: str) -> None:
        session = await self._services.store.session_in(message.channel_id)
        if session is None:
            await self._answer(message, self._none_open)
            return
        recent = await self._services.store.recent_history(session.id, entries_max=1)
        services, rules = self._services, self._services.rules
        a_line = services.model.models, rules.context_tokens, rules.response_tokens
        left = await services.allowances.look(*a_line, services.clock.now())
        rows = (
            f"Session `{session.id}`: {session.state}",
            f"Cast: {_names(session.cast)} (turns: {session.order})",
            f"Lines in the history: {recent.length}",
            f"Speaking: {self._speaking}",
            *(notices.allowed(*astuple(each)) for each in left),
            *(_trouble(*trouble) for trouble in self._services.breakers.troubles()),
            *_reported(self._services.breakers.reported),
        )
        await self._answer(message, "\n".join(rows))

    async def _cast(self, message: ChannelMessage, rest: str) -> None:
        session = await self._services.store.session_in(message.channel_id)
        known = await self._services.store.characters()
        playing = f"Playing here: {_names(session.cast)}." if session else self._none_open
        await self._answer(message, f"{playing}\nCharacters to choose from: {_names(known) or 'none'}.")

    async def _history(self, message: ChannelMessage, rest: str) -> None:
        session = await self._services.store.session_in(message.channel_id)
        if session is None:
            await self._answer(message, self._none_open)
            return
        count = _line_count(rest)
        recent = await self._services.store.recent_history(session.id, entries_max=count)
        lines = [escapes.quoted(entry.name, entry.text, ANSWER_MAX // 2) for entry in recent.entries]
        await self._answer(message, escapes.newest_fitted(lines, ANSWER_MAX) or "Nothing has been said yet.")

    async def _retry(self, message: ChannelMessage, rest: str) -> SessionId | None:
        if await self._services.store.session_in(message.channel_id) is None:
            await self._answer(message, self._none_open)
            return None
        return await self._redeliveries.commanded(message)

    async def _missing(self, message: ChannelMessage, rest: str) -> None:
        if await self._services.store.answers_waiting(message.channel_id) >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
        else:
            await self._reports.commanded(message)

    async def _help(self, message: ChannelMessage, rest: str) -> None:
        p = self._p
        rows = (
            f"`{p}start NAME… [--turns {'|'.join(TurnOrder)}] [-- SCENARIO]` opens a scene in this channel; "
            f"names with spaces in quotes. {meanings()}.",
            f"`{p}end` ends it · `{p}pause` stops all answers until `{p}resume`",
            f"`{p}status` shows the state · `{p}cast` lists the characters · `{p}history [n]` shows the last lines",
            f"`{p}retry` delivers the last failed line again. The button under its notice does the same.",
            f"`{p}missing` reports on a line that did not come. As a reply, it is about the answers to that message.",
            f"`{p}lore` lists the lorebooks · `{p}lore import [server]` plays an attached one · `{p}lore on|off NAME`",
            "A message wholly in `((double brackets))`, or one that begins with `\\`, is not part of the scene.",
        )
        await self._answer(message, "\n".join(rows))

    # ── shared steps ────────────────────────────────────────────────────────────────────────────────

    @property
    def _p(self) -> str:
        return self._services.rules.command_prefix

    @property
    def _speaking(self) -> str:
        return escapes.plain(self._services.model.label, escapes.CODE_CHARACTERS_MAX)

    @property
    def _none_open(self) -> str:
        return f"No scene is open here. `{self._p}start NAME…` opens one; `{self._p}help` lists the commands."

    async def _named(self, names: tuple[str, ...]) -> tuple[Character, ...]:
        known = await self._services.store.characters()
        if not names:
            raise BadCommand(f"No character is named. Write `{self._p}start NAME…` with one of: {_names(known)}.")
        found = {name: find_named(name, known) for name in names}
        unknown = [name for name, character in found.items() if character is None]
        if unknown:
            there = _names(known) or "none yet"
            raise BadCommand(f"There is no character named {escapes.plain_words(unknown)}. Characters here: {there}.")
        cast = tuple(dict.fromkeys(character for character in found.values() if character is not None))
        if len(cast) > CAST_MAX:
            raise BadCommand(f"A scene has at most {CAST_MAX} characters; you named {len(cast)}.")
        return cast

    async def _in_open_session(
        self, message: ChannelMessage, write: Callable[[SessionRecord], Awaitable[None]]
    ) -> SessionId | None:
        """Write a command's move, with its answer; answer that no scene is open if there is none."""
        session_id = await self._move_open(message.channel_id, write, asked_by=message.id)
        if session_id is None:
            await self._answer(message, self._none_open)
        self._services.outbox_bell.ring()
        return session_id

    async def _move_open(
        self, channel_id: int, write: Callable[[SessionRecord], Awaitable[None]], asked_by: int | None = None
    ) -> SessionId | None:
        """Write a move of the channel's session; retry while turns move it concurrently.

        None if no session is open, or if it was opened after the message that asks.
        """
        for tries_left in reversed(range(MOVE_TRIES)):
            record = await self._services.store.session_in(channel_id)
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
        """Answer, unless too many answers wait for this channel; the last one allowed says so."""
        waiting = await self._services.store.answers_waiting(message.channel_id)
        if waiting >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        if waiting == ANSWERS_WAITING_MAX - 1:
            text = TOO_MANY_COMMANDS
        await self._services.store.enqueue(self._draft(message, text), at=self._services.clock.now())
        self._services.outbox_bell.ring()

    async def _leave_unanswered(self, message: ChannelMessage) -> None:
        # Recorded as handled. Otherwise a catch-up would carry the command out later, among newer messages.
        await self._services.store.leave_unanswered(self._draft(message, ""), at=self._services.clock.now())


def _move_of(record: SessionRecord, fact: machine.Fact, *, ended_by: str | None = None) -> SessionMove:
    session = machine.Session(record.id, record.state, record.version)
    machine.advance(session, fact)
    return SessionMove(session.state, session.version, fact.at, ended_by)


def _names(characters: tuple[Character, ...]) -> str:
    return escapes.plain_names(character.name for character in characters)


def _trouble(dependency: str, until: float) -> str:
    """The row for a breaker that is not closed; Discord shows the time in the reader's zone ("Timestamp Styles")."""
    subject = "Discord" if dependency == DISCORD else escapes.plain(dependency, escapes.CODE_CHARACTERS_MAX)
    return f"{subject} is not available. It is tried again at <t:{until:.0f}:T>."


def _reported(indicator: Indicator) -> tuple[str, ...]:
    """The row for Discord's status page; none if it reports no problem."""
    words = notices.INDICATED.get(indicator)
    return (f"Discord's status page reports {words}.",) if words else ()


def _line_count(word: str) -> int:
    if not word:
        return HISTORY_LINES
    if not word.isdecimal() or not 1 <= int(word) <= HISTORY_LINES_MAX:
        raise BadCommand(f"`history` takes a number of lines from 1 to {HISTORY_LINES_MAX}.")
    return int(word)
