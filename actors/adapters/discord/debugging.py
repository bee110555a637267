"""`/debug` and *Who & why*: questions about the machines, answered to who may ask, and to nobody else's eyes.

    interaction ─► may this person ask? ─► deferred (3 s) ─► the Debugger port ─► the deferral becomes the answer
                          └─► no: said at once, and nothing is looked up

    READY ─► the commands that Discord has ─► as ours? ─► nothing; else all of them are replaced, once

*Did not come* is registered with them; it is everybody's, and kept as the press of a button is (`interactions`).

Unlike presses of buttons these are not kept: a question that the process does not live to answer is lost, and who
asked sees "thinking…" until the token expires.

Failure modes: what is refused or lost on the wire is one line in the log; commands that could not be registered are
tried again at the next READY. A crash of the looking-up is logged, and the asker is told that it is.
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

from actors.adapters.discord.inbound import Ourselves
from actors.adapters.discord.interactions import DID_NOT_COME, Interactions, in_words, taken
from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.wire import Wire
from actors.ports import RATE_LIMIT, AskedIn, Debugger, Explained, Refused

ASKED_AT_ONCE_MAX: Final = 4
"""Questions that are looked up at the same time; further ones are asked to come back."""

ANSWER_TIMEOUT_S: Final = 30.0
"""How long looking up and drawing may take."""

COMMANDS: Final = "commands"
"""The bucket of what registers them."""

REGISTRATIONS_MAX: Final = 5
"""Tries at one READY, each after a rate limit."""

WHO_AND_WHY: Final = "Who & why"
STRANGER: Final = (
    "🔒 Only the owners of this bot may ask that, and the developers whom they name in the setting `DEVELOPERS`."
)
BUSY: Final = "⏳ Too many questions at once. Ask again in a moment."
CRASHED: Final = "⚠️ That could not be looked up; the bot's log says why."

log: Final = logging.getLogger("ensemble.discord")

Fields = dict[str, Any]
Ask = Callable[[AskedIn], Awaitable[Explained]]


@dataclass(frozen=True, slots=True)
class Here:
    """Where an interaction comes from; outside of servers, one conversation is a place of its own."""

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
    """Made once per process; every client gets a tree of the same commands."""

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
        """The commands as this client hears them."""
        return DebugTree(client, self)

    def here(self, interaction: discord.Interaction) -> Here:
        return Here(interaction.channel_id or 0, interaction.guild_id, self._places)

    def may_ask(self, user_id: int) -> bool:
        """Owners, as the newest login told, and named developers."""
        return user_id in self._developers or user_id in self._ourselves.owner_ids

    def is_ours(self, message: discord.Message) -> bool:
        return self._ourselves.sent(message)

    async def answer(self, interaction: discord.Interaction, ask: Ask) -> None:
        """Ask, and let who asked see the answer. Raises what the Debugger raises, and TimeoutError."""
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
        """Say it to who asked alone, at once or in the place of the deferral."""
        if interaction.response.is_done():
            _note(interaction, await self._interactions.show(interaction.token, Explained(text)))
        else:
            _note(interaction, await self._wire.attempt(None, lambda client: _whisper(interaction, text)))

    async def suggest_nothing(self, interaction: discord.Interaction) -> None:
        _note(interaction, await self._wire.attempt(None, lambda client: interaction.response.autocomplete([])))

    async def register(self, tree: DebugTree) -> None:
        """Let Discord have exactly our commands. A rate limit is waited out: the next READY may be days away."""
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
            log.warning("the commands are not registered with Discord (%s): tried again %s", in_words(outcome), again)
            if not is_limited:
                return

    async def _register(self, tree: DebugTree) -> Refusal | None:
        """Discord is asked first, and told only where it has others; why it did not come to that."""
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

    @app_commands.command(description="One response: its way, what it waits for, what went wrong")
    @app_commands.describe(id="The response's id; without one, what is on its way in this channel, or its newest")
    async def response(self, interaction: discord.Interaction, id: str | None = None) -> None:
        debugger, wanted = self._debugging.debugger, (id or "").strip() or None
        await self._debugging.answer(interaction, lambda here: debugger.about_response(here, wanted))

    @response.autocomplete("id")
    async def _ids(self, interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        found = await self._debugging.debugger.suggest(self._debugging.here(interaction), current)
        return [app_commands.Choice(name=each.words[:100], value=each.response_id) for each in found]

    @app_commands.command(description="The scene of this channel: who is on the way, who speaks next, what waits")
    async def session(self, interaction: discord.Interaction) -> None:
        await self._debugging.answer(interaction, self._debugging.debugger.about_session)

    @app_commands.command(description="All responses in numbers, the breakers, the connection to Discord")
    async def fleet(self, interaction: discord.Interaction) -> None:
        await self._debugging.answer(interaction, lambda here: self._debugging.debugger.about_fleet())


class DebugTree(app_commands.CommandTree[discord.Client]):
    """Our commands of one client; who may not ask gets no further than `interaction_check`."""

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

        # A function of its own: discord.py reads the menu's type from its second argument.
        async def who_and_why(interaction: discord.Interaction, message: discord.Message) -> None:
            is_ours = debugging.is_ours(message)
            await debugging.answer(
                interaction, lambda here: debugging.debugger.about_message(here, message.id, is_ours=is_ours)
            )

        return who_and_why

    async def interaction_check(self, interaction: discord.Interaction, /) -> bool:
        """Whether this person may ask; others are told so at once. That a line is missing, everybody may say."""
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
        """Called by discord.py with what came out of a command."""
        log.error(
            "❌ interaction %s in channel %s could not be answered",
            *_which(interaction),
            exc_info=error.__cause__ or error,
        )
        await self._debugging.say(interaction, CRASHED)


async def _did_not_come(interaction: discord.Interaction, message: discord.Message) -> None:
    """Nothing here: it is kept and answered as the press of a button is (`interactions`)."""


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
    """The commands as Discord tells them: discord.py 2.7.1 reads their contexts one too low."""
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    told = await client.http.get_global_commands(client.application_id)
    return [dict(each) for each in told]


async def _replace(client: discord.Client, tree: DebugTree) -> list[Fields]:
    """As `tree.sync`, without the fields that say nothing: other servers refuse them."""
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    payload = [_said(command.to_dict(tree)) for command in tree.get_commands()]
    made = await client.http.bulk_upsert_global_commands(client.application_id, payload=payload)
    return [dict(each) for each in made]


def _said(fields: Fields) -> Any:  # noqa: ANN401 - as discord.py types it
    said = {name: value for name, value in fields.items() if value is not None and value != []}
    return said | {"options": [_said(each) for each in said["options"]]} if "options" in said else said


def _plain(commands: Iterable[Fields]) -> list[object]:
    """What of commands is ours to say, in one form: Discord adds ids, versions and defaults."""
    return sorted((_of_command(each) for each in commands), key=str)


def _of_command(fields: Fields) -> object:
    places = [sorted(fields.get(name) or ()) for name in ("contexts", "integration_types")]
    return (_of_option(fields), *places)


def _of_option(fields: Fields) -> object:
    said = [fields.get(name) or "" for name in ("type", "name", "description", "required", "autocomplete")]
    return (*said, [_of_option(each) for each in fields.get("options") or ()])
