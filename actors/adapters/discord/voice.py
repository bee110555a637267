"""How lines reach a channel: plain text and embeds from the bot itself, or a webhook per character.

    prepare ─► (kind, webhook) ─► the actor makes it durable ─► send ─► one POST ─► outcome

Failure modes: see `outcomes`. In a channel that this process has not met, `send` asks once (GET) whether
it is a thread before it posts through a webhook; a failed GET refuses the send, and nothing went out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, Literal

import discord
from discord.http import MultipartParameters

from actors.adapters.discord.homes import WebhookHomes, home_of, is_silent
from actors.adapters.discord.inbound import Ourselves, channel_message
from actors.adapters.discord.interactions import Interactions
from actors.adapters.discord.names import embed_title, webhook_name
from actors.adapters.discord.nulls import Webhook
from actors.adapters.discord.outcomes import Refusal, refused_by
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.webhooks import CharacterWebhooks, NoWebhooks
from actors.adapters.discord.wire import Wire
from actors.ports import (
    ElsewhereOutcome,
    HeldBack,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    Refused,
    SendOutcome,
    Unconfirmed,
    Webhooks,
)
from actors.roleplay.model import Button, Character, Outbound, OutboundKind

Preference = Literal["webhook", "embed"]

FORBIDDEN_HERE = Refused("webhooks_forbidden")
"""Not final: the next try goes as an embed."""

BUTTONS_IN_ROW: Final = 5
"""https://discord.com/developers/docs/components/reference#action-row"""

ASKED_AGAIN_S: Final = 600.0
"""Discord refused us webhooks in a channel: so long it is not asked again, unless the permission is seen to be back."""


class WithoutWebhooks:
    """Channels in which we may have no webhook, until that may have changed."""

    def __init__(self, wire: Wire, places: Places) -> None:
        self._now = wire.now
        self._places = places
        self._refused: dict[int, tuple[float, bool | None]] = {}  # when, and what the permission was then

    def add(self, place: Place) -> None:
        """Discord refused one there."""
        self._refused[place.home_id] = (self._now(), self._places.may_make_webhooks(place))

    def has(self, place: Place) -> bool:
        """Whether it is not worth asking there."""
        if place.home_id not in self._refused:
            return False
        refused_at, was_allowed = self._refused[place.home_id]
        is_allowed = self._places.may_make_webhooks(place)
        if is_allowed is False:
            self._refused[place.home_id] = refused_at, False  # the gateway may tell of it after the refusal
            return True
        if is_allowed is was_allowed and self._now() < refused_at + ASKED_AGAIN_S:
            return True
        del self._refused[place.home_id]
        return False


class DiscordVoice:
    """The Voice port."""

    def __init__(
        self,
        wire: Wire,
        places: Places,
        table: Webhooks,
        ourselves: Ourselves,
        interactions: Interactions,
        *,
        preference: Preference,
    ) -> None:
        self._wire = wire
        self._places = places
        self._table = table
        self._ourselves = ourselves
        self._interactions = interactions
        self.homes = WebhookHomes(wire, table)
        self._webhooks = CharacterWebhooks(wire, table, ourselves, self.homes)
        self._preference = preference
        self._without_webhooks = WithoutWebhooks(wire, places)

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        """Choose how `character` speaks here; DMs, and channels without webhooks for us, get embeds."""
        if self._preference == "embed":
            return OutboundKind.EMBED, None
        place = await self._places.find(channel_id)
        if not isinstance(place, Place):
            return _refused(place)
        if place.is_private or self._without_webhooks.has(place):
            return OutboundKind.EMBED, None
        found = await self._webhooks.find(place.home_id, character)
        if isinstance(found, NoWebhooks):
            self._without_webhooks.add(place)
            return OutboundKind.EMBED, None
        return (OutboundKind.WEBHOOK, found) if isinstance(found, int) else _refused(found)

    async def send(self, outbound: Outbound) -> SendOutcome:
        """Send once, with this very nonce. Mentions never ping."""
        if outbound.reply is not None:
            return await self._interactions.answer(outbound.reply.token, outbound.text)
        if outbound.webhook_id is not None:
            return await self._speak(outbound, outbound.webhook_id)
        return await self._wire.attempt(
            f"send:{outbound.channel_id}", lambda client: _post(client, outbound, self._ourselves)
        )

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        """The channel that the webhook was moved to; a thread's line cannot stand there, for Discord refuses it."""
        webhook_id = outbound.webhook_id
        if webhook_id is None:
            return None
        place = await self._places.find(outbound.channel_id)
        if not isinstance(place, Place):
            return place
        home = await home_of(self._wire, self._table, webhook_id)
        if home is None or home == place.home_id or is_silent(home):
            return None
        if isinstance(home, int):
            await self.homes.forget(place.home_id, webhook_id)
            return home if place.parent_id is None else None
        return home

    async def _speak(self, outbound: Outbound, webhook_id: int) -> SendOutcome:
        self._ourselves.webhook_ids.add(webhook_id)  # before its copy can come through the gateway
        token = await self._table.webhook_token(webhook_id)
        if token is None:
            return Refused("webhook_gone")
        place = await self._places.find(outbound.channel_id)
        if not isinstance(place, Place):
            return _refused(place)
        if self._without_webhooks.has(place):
            return FORBIDDEN_HERE
        outcome = await self._wire.attempt(
            f"webhook:{webhook_id}",
            lambda client: _execute(client, webhook_id, token, place, outbound, self._ourselves),
        )
        return await self._after(outcome, webhook_id, place)

    async def _after(self, outcome: Posted | PostedElsewhere | Refusal, webhook_id: int, place: Place) -> SendOutcome:
        match outcome:
            case Posted():
                self._webhooks.note_accepted(webhook_id)
            case Refused(reason="channel_gone"):
                return await self._without_channel(outcome, webhook_id, place)
            case Refused(reason="webhook_gone"):
                self._webhooks.note_refused(webhook_id)
                await self.homes.forget(place.home_id, webhook_id)
            case PostedElsewhere() | Refused(reason="webhook_moved"):
                await self.homes.forget(place.home_id, webhook_id)
            case Refused(reason="forbidden"):
                self._without_webhooks.add(place)
                return replace(outcome, reason="webhooks_forbidden", final=False)
        return outcome

    async def _without_channel(self, refused: Refused, webhook_id: int, place: Place) -> Refused:
        """What 10003 means: the thread is gone, or it is not in the channel that the webhook was moved to."""
        home = await home_of(self._wire, self._table, webhook_id)
        if home == place.home_id or is_silent(home):
            return refused
        if home is not None and not isinstance(home, int):
            return replace(refused, reason="not_found", final=False)  # nobody knows: the next try asks again
        await self.homes.forget(place.home_id, webhook_id)
        return replace(refused, reason="webhook_gone" if home is None else "webhook_moved", final=False)


async def _post(client: discord.Client, outbound: Outbound, ourselves: Ourselves) -> Posted:
    # Not through `send`: it adds "flags": 0, "content": null and the like, which other servers refuse.
    params = MultipartParameters(payload=_body(outbound), multipart=None, files=None)
    data = await client.http.send_message(outbound.channel_id, params=params)
    channel = client.get_partial_messageable(outbound.channel_id)
    return _posted(client._connection.create_message(channel=channel, data=data), ourselves)


def _body(outbound: Outbound) -> dict[str, Any]:
    """A message of the bot's own, as https://discord.com/developers/docs/resources/message#create-message has it."""
    body: dict[str, Any] = {"nonce": outbound.nonce, "enforce_nonce": True, "allowed_mentions": {"parse": []}}
    if outbound.kind is OutboundKind.EMBED:
        body["embeds"] = [{"title": embed_title(outbound.name), "description": outbound.text}]
    else:
        body["content"] = outbound.text
    if outbound.buttons:
        starts = range(0, len(outbound.buttons), BUTTONS_IN_ROW)
        body["components"] = [_row(outbound.buttons[at : at + BUTTONS_IN_ROW]) for at in starts]
    return body


def _row(buttons: tuple[Button, ...]) -> dict[str, Any]:
    of_button = {"type": discord.ComponentType.button.value, "style": discord.ButtonStyle.secondary.value}
    shown = [of_button | {"label": button.label, "custom_id": button.custom_id} for button in buttons]
    return {"type": discord.ComponentType.action_row.value, "components": shown}


async def _execute(
    client: discord.Client, webhook_id: int, token: str, place: Place, outbound: Outbound, ourselves: Ourselves
) -> Posted | PostedElsewhere:
    webhook = Webhook.partial(webhook_id, token, client=client)
    sent = await webhook.send(
        outbound.text,
        username=webhook_name(outbound.name),
        allowed_mentions=discord.AllowedMentions.none(),
        thread=discord.utils.MISSING if place.parent_id is None else discord.Object(place.channel_id),
        wait=True,
    )
    if sent.channel.id != place.channel_id:
        return PostedElsewhere(sent.channel.id, sent.id)
    return _posted(sent, ourselves)


def _posted(sent: discord.Message, ourselves: Ourselves) -> Posted:
    seen = channel_message(sent, ourselves)
    return Posted(sent.id, sent.content if seen is None else seen.text)


def _refused(refusal: Refusal) -> Refused | HeldBack:
    """Nothing of a line was on the wire yet, so an unconfirmed answer to something else refuses it."""
    if isinstance(refusal, Unconfirmed):
        return refused_by(refusal)
    return refusal
