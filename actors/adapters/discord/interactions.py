"""Acknowledges interactions at once in a separate task; the outbox answers them later.

    gateway ─► ButtonPressed ─► sink ─► … ─► the outbox ─► answer: PATCH @original (the deferral's own message)
          └──► defer: "thinking…", seen only by the presser          ▲ after the deferral, if that is in progress

Discord allows three seconds for the first answer and fifteen minutes for the rest; the actors may need more
than three seconds. Editing the deferral's message is idempotent, so an answer needs no nonce and no read-back.

Failure modes: a deferral that fails (too late, already answered, network) is logged, and the press is handled
anyway; Discord then refuses the answer until the outbox gives it up.
Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Mapping
from io import BytesIO
from typing import Any, Final

import anyio
import discord

from actors.adapters.discord.incoming import Ourselves
from actors.adapters.discord.nulls import NothingReturned, Webhook
from actors.adapters.discord.outcomes import MALFORMED
from actors.adapters.discord.wire import Wire
from actors.observation import Explained
from actors.ports import ButtonPressed, HeldBack, MissingAsked, Posted, Refused, ReplyOutcome, Unconfirmed
from actors.roleplay.model import ReplyAddress

DID_NOT_COME: Final = "Did not come"
MESSAGE_MENU: Final = discord.AppCommandType.message.value
BUTTON: Final = discord.ComponentType.button.value
ORIGINAL: Final = "@original"
PICTURE_NAME: Final = "machine.png"

log: Final = logging.getLogger("ensemble.discord")


class Interactions:
    """Acknowledges and answers interactions. The token is a secret and never logged."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._under_way: dict[str, anyio.Event] = {}  # by token

    async def defer(self, interaction: discord.Interaction) -> bool:
        """Show "thinking…" to the asker only. Returns whether Discord accepted it; a press is handled in any case."""
        done = self._under_way[interaction.token] = anyio.Event()
        try:
            outcome = await self._wire.attempt(None, lambda client: _defer(interaction))
        finally:
            del self._under_way[interaction.token]
            done.set()
        why = in_words(outcome)
        if why is not None:
            which = interaction.id, interaction.channel_id
            log.warning("interaction %s in channel %s could not be acknowledged in time: %s", *which, why)
        return why is None

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        """Replace the deferral with `text`; a later answer replaces this one."""
        return await self.show(reply.token, Explained(text))

    async def show(self, token: str, told: Explained) -> ReplyOutcome:
        """The same with a picture; its path is the alternative text for people who cannot see it."""
        under_way = self._under_way.get(token)
        if under_way is not None:
            await under_way.wait()
        return await self._wire.attempt(None, lambda client: _edit_original(client, token, told))


def missing_asked(interaction: discord.Interaction, ourselves: Ourselves) -> MissingAsked | None:
    """Read *Did not come* from a message's menu; None for every other interaction."""
    data: Mapping[str, Any] = interaction.data or {}
    if interaction.type is not discord.InteractionType.application_command or data.get("name") != DID_NOT_COME:
        return None
    if interaction.application_id != ourselves.application_id or data.get("type") != MESSAGE_MENU:
        return None
    if interaction.channel_id is None or not str(data.get("target_id", "")).isdecimal():
        return None
    return MissingAsked(
        interaction_id=interaction.id,
        token=interaction.token,
        channel_id=interaction.channel_id,
        user_id=interaction.user.id,
        message_id=int(data["target_id"]),
    )


def pressed(interaction: discord.Interaction, ourselves: Ourselves) -> ButtonPressed | None:
    """Read the press of one of our buttons; None for every other interaction."""
    if interaction.type is not discord.InteractionType.component or interaction.data is None:
        return None
    if interaction.application_id != ourselves.application_id or interaction.data.get("component_type") != BUTTON:
        return None
    if interaction.channel_id is None or interaction.message is None:
        return None
    return ButtonPressed(
        interaction_id=interaction.id,
        token=interaction.token,
        channel_id=interaction.channel_id,
        user_id=interaction.user.id,
        message_id=interaction.message.id,
        custom_id=str(interaction.data.get("custom_id", "")),
        moderates=_moderates(interaction),
    )


def _moderates(interaction: discord.Interaction) -> bool | None:
    if interaction.guild_id is None:
        return None
    held = interaction.permissions
    return held.manage_messages or held.administrator


async def _defer(interaction: discord.Interaction) -> None:
    await taken(interaction, interaction.response.defer(ephemeral=True, thinking=True))


async def taken(interaction: discord.Interaction, answer: Awaitable[object]) -> None:
    """Send the first answer to `interaction`; the server's response is not needed, and may be empty."""
    try:
        await answer
    except MALFORMED:
        if not interaction.response.is_done():
            raise


async def _edit_original(client: discord.Client, token: str, told: Explained) -> Posted:
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    webhook = Webhook.partial(client.application_id, token, client=client)
    original: Any = ORIGINAL  # Discord accepts it in the path instead of an id
    try:
        sent = await webhook.edit_message(
            original,
            content=told.text,
            attachments=discord.utils.MISSING if told.picture is None else [_file(told.picture, told.path)],
            allowed_mentions=discord.AllowedMentions.none(),
        )
    except NothingReturned:
        return Posted(0, told.text)  # it was posted, and its id is not needed
    return Posted(sent.id, sent.content)


def _file(picture: bytes, path: str) -> discord.File:
    return discord.File(BytesIO(picture), filename=PICTURE_NAME, description=path)


def in_words(outcome: object) -> str | None:
    """Why a request failed, for the log; None if it did not fail."""
    match outcome:
        case HeldBack():
            return "held back"
        case Refused(reason=words, error=error) | Unconfirmed(cause=words, error=error):
            code = getattr(error, "code", None)
            return words if code is None else f"{words} ({code})"
        case _:
            return None
