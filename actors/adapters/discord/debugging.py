"""Answers `/debug` and *Who & why*: only authorised persons may ask, and only the asker sees the answer.

    interaction ─► authorised? ─► deferred (3 s) ─► the Debugger port ─► the deferral becomes the answer
                        └─► no: refused at once, without a lookup

    READY ─► the commands that Discord has ─► equal to ours? ─► nothing; else all of them are replaced, once

*Did not come* is registered with them; everybody may use it, and it is stored like a button press (`interactions`).

Unlike button presses, these questions are not stored: if the process ends before it answers, the question is lost,
and the asker sees "thinking…" until the token expires.

Failure modes: an answer that is refused or lost on the wire is logged in one line. Commands that could not be
registered are sent again at the next READY. A crash of the lookup is logged, and the asker gets a notice of it.
Source: https://discord.com/developers/docs/interactions/application-commands
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

import anyio
import discord
from discord import app_commands

from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.interactions import DID_NOT_COME, Interactions, in_words, taken
from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.wire import Wire
from actors.observation import AskedIn, Debugger, Explained
from actors.ports import RATE_LIMIT, Refused
from actors.roleplay.rights import Person, may

ASKED_AT_ONCE_MAX: Final = 4
"""Questions that are answered concurrently; further askers are asked to try again later."""

ANSWER_TIMEOUT_S: Final = 30.0
"""Time limit for the lookup and the drawing."""

COMMANDS: Final = "commands"
"""The bucket of the requests that register commands."""

REGISTRATIONS_MAX: Final = 5
"""Attempts after one READY, each after a rate limit."""

WHO_AND_WHY: Final = "Who & why"
STRANGER: Final = "🔒 Only the owners of this bot may ask that, and the developers named in the setting `DEVELOPERS`."
BUSY: Final = "⏳ Too many questions at once. Ask again in a moment."
CRASHED: Final = "⚠️ The lookup failed. The bot's log contains the cause."

log: Final = logging.getLogger("ensemble.discord")

Fields = dict[str, Any]
Ask = Callable[[AskedIn], Awaitable[Explained]]


@dataclass(frozen=True, slots=True)
class Here:
    """Where an interaction comes from; outside of servers, each conversation is a separate place."""

    channel_id: int
    guild_id: int | None
    places: Places

    async def includes(self, channel_id: int) -> bool:
        if channel_id == self.channel_id:
            return True
        if self.guild_id is None:
            return False
        place = await self.places.find(channel_id)
        return isinstance(place, Place) and place.guild_id == self.guild_id


class Debugging:
    """One per process; each client gets its own tree of the same commands."""

    def __init__(
        self,
        wire: Wire,
        places: Places,
        interactions: Interactions,
        ourselves: Ourselves,
        *,
        debugger: Debugger,
        developers: Collection[int] = (),
    ) -> None:
        self.debugger = debugger
        self._wire = wire
        self._places = places
        self._interactions = interactions
        self._ourselves = ourselves
        self._developers = frozenset(developers)
        self._asked = 0
        self._is_registered = False

    def tree_for(self, client: discord.Client) -> DebugTree:
        """Build the command tree of `client`."""
        return DebugTree(client, self)

    def here(self, interaction: discord.Interaction) -> Here:
        return Here(interaction.channel_id or 0, interaction.guild_id, self._places)

    def may_ask(self, user_id: int) -> bool:
        """Whether the user is an owner (as of the newest login) or a configured developer."""
        is_operator = user_id in self._developers or user_id in self._ourselves.owner_ids
        return may("debug", Person(is_operator=is_operator))

    def is_ours(self, message: discord.Message) -> bool:
        return self._ourselves.sent(message)

    async def answer(self, interaction: discord.Interaction, ask: Ask) -> None:
        """Look up the answer and show it to the asker only. Raises the Debugger's exceptions, and TimeoutError."""
        if self._asked >= ASKED_AT_ONCE_MAX:
            await self.say(interaction, BUSY)
            return
        self._asked += 1
        try:
            if await self._interactions.defer(interaction):
                with anyio.fail_after(ANSWER_TIMEOUT_S):
                    told = await ask(self.here(interaction))
                _note(interaction, await self._interactions.show(interaction.token, told))
        finally:
            self._asked -= 1

    async def say(self, interaction: discord.Interaction, text: str) -> None:
        """Show `text` to the asker only, at once or in place of the deferral."""
        if interaction.response.is_done():
            _note(interaction, await self._interactions.show(interaction.token, Explained(text)))
        else:
            _note(interaction, await self._wire.attempt(None, lambda client: _whisper(interaction, text)))

    async def suggest_nothing(self, interaction: discord.Interaction) -> None:
        _note(interaction, await self._wire.attempt(None, lambda client: interaction.response.autocomplete([])))

    async def register(self, tree: DebugTree) -> None:
        """Register exactly our commands. Waits for rate limits to end, because the next READY may be days away."""
        for _ in range(REGISTRATIONS_MAX):
            if self._is_registered:
                return
            await self._wire.wait_until_open(COMMANDS)
            outcome = await self._register(tree)
            if outcome is None:
                self._is_registered = True
                return
            is_limited = isinstance(outcome, Refused) and outcome.reason == RATE_LIMIT
            again = "when the limit ends" if is_limited else "at the next READY"
            log.warning("the commands are not registered with Discord (%s): next attempt %s", in_words(outcome), again)
            if not is_limited:
                return

    async def _register(self, tree: DebugTree) -> Refusal | None:
        """Replace the commands if Discord has different ones. Returns why that failed, else None."""
        known = await self._wire.attempt(COMMANDS, lambda client: _known(client))
        if not isinstance(known, list):
            return known
        if _plain(known) == _plain(command.to_dict(tree) for command in tree.get_commands()):
            return None
        made = await self._wire.attempt(COMMANDS, lambda client: _replace(client, tree))
        if not isinstance(made, list):
            return made
        names = DebugGroup.NAME, WHO_AND_WHY, DID_NOT_COME
        log.info("the commands /%s, %r and %r are registered with Discord", *names)
        return None


class DebugGroup(app_commands.Group):
    """`/debug …`."""

    NAME: Final = "debug"

    def __init__(self, debugging: Debugging) -> None:
        super().__init__(name=self.NAME, description="What the bot's state machines do, and why")
        self._debugging = debugging

    @app_commands.command(description="One response: its states, what it waits for, what went wrong")
    @app_commands.describe(id="The response's id; if empty, the response in progress in this channel, or the newest")
    async def response(self, interaction: discord.Interaction, id: str | None = None) -> None:
        debugger, wanted = self._debugging.debugger, (id or "").strip() or None
        await self._debugging.answer(interaction, lambda here: debugger.about_response(here, wanted))

    @response.autocomplete("id")
    async def _ids(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = await self._debugging.debugger.suggest(self._debugging.here(interaction), current)
        return [app_commands.Choice(name=each.words[:100], value=each.response_id) for each in found]

    @app_commands.command(description="This channel's scene: who is responding, who speaks next, what waits")
    async def session(self, interaction: discord.Interaction) -> None:
        await self._debugging.answer(interaction, self._debugging.debugger.about_session)

    @app_commands.command(description="Counts of all responses, the breakers, the connection to Discord")
    async def fleet(self, interaction: discord.Interaction) -> None:
        await self._debugging.answer(interaction, lambda here: self._debugging.debugger.about_fleet())


class DebugTree(app_commands.CommandTree[discord.Client]):
    """One client's commands; `interaction_check` refuses unauthorised persons."""

    def __init__(self, client: discord.Client, debugging: Debugging) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self._debugging = debugging
        self.add_command(DebugGroup(debugging))
        self.add_command(app_commands.ContextMenu(name=WHO_AND_WHY, callback=self._who_and_why()))
        self.add_command(app_commands.ContextMenu(name=DID_NOT_COME, callback=_did_not_come))

    def _who_and_why(self) -> Callable[[discord.Interaction, discord.Message], Coroutine[Any, Any, None]]:
        debugging = self._debugging

        # A separate function, because discord.py reads the menu's type from its second argument.
        async def who_and_why(interaction: discord.Interaction, message: discord.Message) -> None:
            is_ours = debugging.is_ours(message)
            await debugging.answer(
                interaction, lambda here: debugging.debugger.about_message(here, message.id, is_ours=is_ours)
            )

        return who_and_why

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Whether this person may ask; others are refused at once. Everybody may report a missing line."""
        if isinstance(interaction.command, app_commands.ContextMenu) and interaction.command.name == DID_NOT_COME:
            return True
        if self._debugging.may_ask(interaction.user.id):
            return True
        if interaction.type is discord.InteractionType.autocomplete:
            await self._debugging.suggest_nothing(interaction)
        else:
            await self._debugging.say(interaction, STRANGER)
        return False

    async def on_error(self, interaction: discord.Interaction, error: app_commands.AppCommandError, /) -> None:
        """Called by discord.py with the exception of a command."""
        log.error(
            "❌ interaction %s in channel %s could not be answered",
            *_which(interaction),
            exc_info=error.__cause__ or error,
        )
        await self._debugging.say(interaction, CRASHED)


async def _did_not_come(interaction: discord.Interaction, message: discord.Message) -> None:
    """Does nothing: it is stored and answered like a button press (`interactions`)."""


async def _whisper(interaction: discord.Interaction, text: str) -> None:
    await taken(
        interaction,
        interaction.response.send_message(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()),
    )


def _note(interaction: discord.Interaction, outcome: object) -> None:
    words = in_words(outcome)
    if words is not None:
        log.warning("interaction %s in channel %s got no answer: %s", *_which(interaction), words)


def _which(interaction: discord.Interaction) -> tuple[int, int | None]:
    return interaction.id, interaction.channel_id


async def _known(client: discord.Client) -> list[Fields]:
    """Fetch the commands as raw JSON: discord.py 2.7.1 parses their contexts one too low."""
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    told = await client.http.get_global_commands(client.application_id)
    return [dict(each) for each in told]


async def _replace(client: discord.Client, tree: DebugTree) -> list[Fields]:
    """Like `tree.sync`, but without empty fields, which other servers refuse."""
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    payload = [_said(command.to_dict(tree)) for command in tree.get_commands()]
    made = await client.http.bulk_upsert_global_commands(client.application_id, payload=payload)
    return [dict(each) for each in made]


def _said(fields: Fields) -> Any:  # noqa: ANN401 - as discord.py types it
    said = {name: value for name, value in fields.items() if value is not None and value != []}
    return said | {"options": [_said(each) for each in said["options"]]} if "options" in said else said


def _plain(commands: Iterable[Fields]) -> list[object]:
    """Reduce commands to the fields that we set, in a comparable form: Discord adds ids, versions and defaults."""
    return sorted((_of_command(each) for each in commands), key=str)


def _of_command(fields: Fields) -> object:
    places = [sorted(fields.get(name) or ()) for name in ("contexts", "integration_types")]
    return (_of_option(fields), *places)


def _of_option(fields: Fields) -> object:
    said = [fields.get(name) or "" for name in ("type", "name", "description", "required", "autocomplete")]
    return (*said, [_of_option(each) for each in fields.get("options") or ()])
