"""Interactions: acknowledged at once by a task of their own, answered later from the outbox.

    gateway ─► ButtonPressed ─► sink ─► … ─► the outbox ─► answer: PATCH @original (the deferral's own message)
          └──► defer: "thinking…", seen only by who pressed          ▲ after the deferral, if that is under way

Discord gives three seconds for the first answer and fifteen minutes for the rest; the actors may take longer
than the former. Editing the deferral's message is idempotent, so an answer needs neither nonce nor read-back.

Failure modes: a deferral that comes to nothing (too late, answered before, network) is logged, and the press
is handled all the same; its answer is then refused until the outbox gives it up.
Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

import logging
from typing import Any, Final

import anyio
import discord

from actors.adapters.discord.inbound import Ourselves
from actors.adapters.discord.wire import Wire
from actors.ports import ButtonPressed, HeldBack, Posted, Refused, SendOutcome

BUTTON: Final = discord.ComponentType.button.value
ORIGINAL: Final = "@original"

log: Final = logging.getLogger("ensemble.discord")


class Interactions:
    """Acknowledges and answers; the token is a secret, and in no log."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._under_way: dict[str, anyio.Event] = {}  # by token

    async def defer(self, interaction: discord.Interaction) -> None:
        """Say that we think about it, to who asked alone. Never fails: the answer matters, not this."""
        done = self._under_way[interaction.token] = anyio.Event()
        try:
            outcome = await self._wire.attempt(None, lambda client: _defer(interaction))
        finally:
            del self._under_way[interaction.token]
            done.set()
        if outcome is not None:
            why = "held back" if isinstance(outcome, HeldBack) else _words(outcome)
            log.warning("interaction %s could not be acknowledged in time: %s", interaction.id, why)

    async def answer(self, token: str, text: str) -> SendOutcome:
        """Put `text` in the place of the deferral; the last one stays."""
        under_way = self._under_way.get(token)
        if under_way is not None:
            await under_way.wait()
        return await self._wire.attempt(None, lambda client: _edit_original(client, token, text))


def pressed(interaction: discord.Interaction, ourselves: Ourselves) -> ButtonPressed | None:
    """The press of a button of ours; None for every other interaction."""
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
    )


async def _defer(interaction: discord.Interaction) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)


async def _edit_original(client: discord.Client, token: str, text: str) -> Posted:
    if client.application_id is None:
        raise ValueError("a client without an application is not logged in")
    webhook = discord.Webhook.partial(client.application_id, token, client=client)
    original: Any = ORIGINAL  # in Discord's path as good as an id
    sent = await webhook.edit_message(original, content=text, allowed_mentions=discord.AllowedMentions.none())
    return Posted(sent.id, sent.content)


def _words(outcome: object) -> str:
    reason = outcome.reason if isinstance(outcome, Refused) else getattr(outcome, "cause", "")
    code = getattr(getattr(outcome, "error", None), "code", None)
    return reason if code is None else f"{reason} ({code})"
