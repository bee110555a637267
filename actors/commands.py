"""Handles the message commands and answers each one once, through the outbox.

An unknown `!word` is no command and belongs to the scene; one that is nearly a command is answered with the nearest,
and so is a slash command that arrives as a text.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import astuple
from typing import Final

from actors.authority import Asker, Authority
from actors.breaker_ports import DISCORD
from actors.command_limit import CommandLimit, leave_unanswered
from actors.endings import ENDED, Endings
from actors.lore_commands import LoreCommands
from actors.missing_reports import Missing
from actors.ports import ButtonPressed, Indicator, Limited, MoveByWork
from actors.ports.characters import KnownCharacter
from actors.redeliveries import ANSWER_MAX, Redeliveries, answer_to
from actors.roleplay import escapes, notices, rights
from actors.roleplay.cast_names import Ambiguous, Unknown, cast_of
from actors.roleplay.command_words import Command
from actors.roleplay.model import Button, ChannelMessage, Character, SessionId, SessionRecord
from actors.roleplay.quotas import Excess, place_refusal
from actors.roleplay.quotas import words as excess_words
from actors.roleplay.turns import TurnOrder, default_order, meanings
from actors.services import Services
from actors.session_moves import move_of, move_open
from actors.start_command import BadCommand, parse_start
from machines import session as machine

HISTORY_LINES: Final = 10
"""Lines that `!history` shows when no number is given."""

HISTORY_LINES_MAX: Final = 50

CAST_MAX: Final = 10
"""Characters of one session: the number of our webhooks that a channel can hold."""

ANSWERS_WAITING_MAX: Final = 20
"""Answers that wait to be sent to one channel: Discord takes about twenty seconds for them. `end` counts too, but is
always carried out."""

TOO_MANY_COMMANDS: Final = "⏳ Too many commands at once. Further commands get no answer until these answers are sent."


class Commands:
    """Handles command messages; a command's answer and its effect are written in one transaction."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._authority = Authority(services)
        self._endings = Endings(services, self._authority)
        self._limit = CommandLimit(services)
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
            "lore": LoreCommands(services, self._authority, self._answer).commanded,
            "help": self._help,
        }

    async def handle(self, message: ChannelMessage, command: Command) -> SessionId | None:
        """Carry out a command; return the session that it ended or gave work to, if any."""
        if command.is_slip:
            await self._suggest(message, command.word)
            return None
        if command.word != "end" and await self._limit.is_over(message):  # whoever may end a scene always may
            return None
        if not await self._authority.may(command.word, Asker.of(message)):
            await self._refuse(message, command.word)
            return None
        try:
            return await self._handlers[command.word](message, command.rest)
        except BadCommand as error:
            await self._answer(message, f"❓ {error}")
            return None

    async def pressed(self, press: ButtonPressed) -> SessionId | None:
        """Handle the press of any button of ours; return the session that it ended or gave work to, if any."""
        asked = rights.scene_to_end(press.custom_id)
        if asked is not None:
            return await self._endings.pressed(press, *asked)
        if not await self._authority.may("retry", Asker.of(press)):
            await self._endings.reply(press, rights.refusal("retry"))
            return None
        return await self._redeliveries.pressed(press)

    async def end_lost(self, channel_id: int) -> SessionId | None:
        """End the session of a channel that is gone; no notice is sent, since no channel is left for it."""
        fact = machine.ChannelLost(self._services.clock.now())

        async def end(record: SessionRecord) -> None:
            await self._services.store.move_session(record.id, move_of(record, fact, ended_by="channel_gone"))

        return await move_open(self._services, channel_id, end)

    # ── handlers ────────────────────────────────────────────────────────────────────────────────────

    async def _suggest(self, message: ChannelMessage, nearest: str) -> None:
        """Suggest the nearest command for a mistyped one, only if it is likely ours: other bots share the channels."""
        is_ours = nearest == "start" or await self._services.store.session_in(message.channel_id) is not None
        if is_ours and not await self._limit.is_over(message):
            p = self._p
            meant = f"Did you mean `{p}{nearest}`?" if nearest else f"Commands begin with `{p}` here; see `{p}help`."
            await self._answer(message, f"❓ {meant} Your message did nothing.")

    async def _refuse(self, message: ChannelMessage, word: str) -> None:
        """Say who may; ask them where another person wants to end the scene."""
        session = await self._services.store.session_in(message.channel_id)
        if word != "end":
            await self._answer(message, rights.refusal(word))
        elif session is not None and not await self._limit.is_over(message):
            button = rights.end_button(session.id, self._services.clock.now())
            await self._answer(message, rights.end_question(), (button,))

    async def _start(self, message: ChannelMessage, rest: str) -> None:
        if await self._services.store.answers_waiting(message.channel_id) >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        start, services = parse_start(rest), self._services
        standing, quotas = await self._authority.standing(Asker.of(message)), services.rules.quotas
        places = (message.channel_id, standing.home_id)
        refusal = place_refusal(quotas, self._p, is_private=standing.is_private, places=places)
        if refusal is not None:
            await self._answer(message, refusal)
            return
        cast = await self._named(start.names, standing.server_id)
        session = machine.Session(services.clock.new_id())
        machine.advance(session, machine.Opened(services.clock.now()))
        record = SessionRecord(
            id=session.id,
            channel_id=message.channel_id,
            state=session.state,
            version=session.version,
            epoch=0,
            order=start.order or default_order(len(cast)),
            scenario=start.scenario,
            cast=cast,
            opened_at=services.clock.now(),
            opened_after=message.id,
            server_id=standing.server_id,
            opener_id=message.author_id,
        )
        text = f"🎭 The scene is open with {_names(cast)}. Write a message and they answer. `{self._p}end` ends it."
        text += f"\nSpeaking: {self._speaking}."
        opened = await services.store.open_session(record, answer_to(message, text), quotas=quotas)
        if isinstance(opened, Excess):
            services.trace.publish(Limited(opened, message.channel_id))
            await self._answer(message, excess_words(opened, quotas, self._p))
        elif opened is None:
            await self._answer(message, f"A scene is open here already. `{self._p}end` ends it; then start a new one.")
        services.outbox_bell.ring()

    async def _end(self, message: ChannelMessage, rest: str) -> SessionId | None:
        ended = await self._endings.commanded(answer_to(message, ENDED), message.id)
        if ended is None:
            await self._answer(message, self._none_open)
        return ended

    async def _pause(self, message: ChannelMessage, rest: str) -> None:
        fact = machine.PauseRequested(self._services.clock.now())
        text = "⏸️ The scene is paused. A line that is being written still arrives. What you write is read later."
        answer = answer_to(message, f"{text} `{self._p}resume` continues the scene.")

        async def pause(record: SessionRecord) -> None:
            if record.state == machine.PAUSED:
                raise BadCommand(f"The scene is paused already. `{self._p}resume` continues it.")
            await self._services.store.move_session(record.id, move_of(record, fact), outbox=(answer,))

        await self._in_open_session(message, pause)

    async def _resume(self, message: ChannelMessage, rest: str) -> SessionId | None:
        at = self._services.clock.now()
        answer = answer_to(message, "▶️ The scene continues.")

        async def resume(record: SessionRecord) -> None:
            if record.state != machine.PAUSED:
                raise BadCommand(f"The scene is not paused. Write, and the cast answers. `{self._p}pause` pauses it.")
            with_work, without_work = (machine.Resumed(at, work_left=is_left) for is_left in (True, False))
            moves = MoveByWork(move_of(record, with_work), move_of(record, without_work))
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
        server_id = session.server_id if session else (await self._authority.standing(Asker.of(message))).server_id
        known = await self._services.store.known_in(server_id)
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
        await self._answer(
            message, escapes.newest_fitted(lines, ANSWER_MAX) or "Nothing has been said yet.", repeats=True
        )

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
            f"the beginning of a name is enough. {meanings()}.",
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

    async def _named(self, names: tuple[str, ...], server_id: int | None) -> tuple[Character, ...]:
        known = await self._services.store.known_in(server_id)
        if not names:
            raise BadCommand(f"No character is named. Write `{self._p}start NAME…` with one of: {_names(known)}.")
        found = cast_of(names, known)
        unknown = [each.words for each in found if isinstance(each, Unknown)]
        if unknown:
            there = _names(known) or "none yet"
            raise BadCommand(f"There is no character named {escapes.plain_words(unknown)}. Characters here: {there}.")
        for each in found:
            if isinstance(each, Ambiguous):
                words, fitting = escapes.plain_words([each.words]), escapes.plain_names(each.names)
                raise BadCommand(f"{words} fits several characters: {fitting}. Write more of the name.")
        cast = tuple(dict.fromkeys(each.id for each in found if isinstance(each, KnownCharacter)))
        if len(cast) > CAST_MAX:
            raise BadCommand(f"A scene has at most {CAST_MAX} characters; you named {len(cast)}.")
        return await self._services.store.versions(cast)

    async def _in_open_session(
        self, message: ChannelMessage, write: Callable[[SessionRecord], Awaitable[None]]
    ) -> SessionId | None:
        """Write a command's move, with its answer; answer that no scene is open if there is none."""
        session_id = await move_open(self._services, message.channel_id, write, asked_by=message.id)
        if session_id is None:
            await self._answer(message, self._none_open)
        self._services.outbox_bell.ring()
        return session_id

    async def _answer(
        self, message: ChannelMessage, text: str, buttons: tuple[Button, ...] = (), *, repeats: bool = False
    ) -> None:
        """Answer, unless too many answers wait for this channel; the last one allowed says so."""
        waiting = await self._services.store.answers_waiting(message.channel_id)
        if waiting >= ANSWERS_WAITING_MAX:
            await self._leave_unanswered(message)
            return
        if waiting == ANSWERS_WAITING_MAX - 1:
            text, buttons = TOO_MANY_COMMANDS, ()
        draft = answer_to(message, text, buttons, repeats=repeats)
        await self._services.store.enqueue(draft, at=self._services.clock.now())
        self._services.outbox_bell.ring()

    async def _leave_unanswered(self, message: ChannelMessage) -> None:
        await leave_unanswered(self._services, message)


def _names(characters: tuple[Character | KnownCharacter, ...]) -> str:
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
