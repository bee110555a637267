"""Sends lines and notices to a channel: as the bot's own messages, or through a webhook per character.

    prepare ─► (kind, webhook) ─► the actor makes it durable ─► send ─► one POST ─► outcome

A line is sent as an embed if webhooks are forbidden, or if Discord refuses every spelling of the name. A notice is
sent through a webhook if the bot may not write: a webhook does not need *Send Messages in Threads*. It is an embed
then, so that nobody mistakes it for a line.

Failure modes: see `outcomes`. In an unknown channel, `send` requests its type once (GET) before it posts through a
webhook; a failed GET refuses the send, and nothing was sent. After a refused name, the line is held for 0 s: the next
send has another spelling, and costs no attempt.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

import discord
from discord.http import MultipartParameters

from actors.adapters.discord.buckets import of_all_webhooks, of_webhook
from actors.adapters.discord.homes import WebhookHomes, home_of, is_silent
from actors.adapters.discord.incoming import Ourselves, channel_message
from actors.adapters.discord.names import NAMELESS, embed_title
from actors.adapters.discord.needs import Act
from actors.adapters.discord.nulls import Embed, Webhook
from actors.adapters.discord.outcomes import Refusal, refused_by
from actors.adapters.discord.places import EXPLAINED, Place, Places
from actors.adapters.discord.refusals import Forbidden
from actors.adapters.discord.spelling import Spelling
from actors.adapters.discord.webhooks import CharacterWebhooks, NoWebhooks
from actors.adapters.discord.wire import Wire
from actors.ports import (
    AdapterTables,
    ElsewhereOutcome,
    HeldBack,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    Refused,
    SendOutcome,
    Unconfirmed,
)
from actors.roleplay.model import Button, Character, Outbound, OutboundKind

Preference = Literal["webhook", "embed"]

log: Final = logging.getLogger("ensemble.discord")

FORBIDDEN_HERE = Refused("webhooks_forbidden")
"""Not final: the next attempt is an embed."""
FORBIDDEN_AS_MESSAGE: Final = "messages_forbidden"
"""Not final: the next attempt uses a webhook."""

BUTTONS_IN_ROW: Final = 5
"""https://discord.com/developers/docs/components/reference#action-row"""


class DiscordVoice:
    """Implements the `Voice` port."""

    def __init__(
        self,
        wire: Wire,
        places: Places,
        table: AdapterTables,
        ourselves: Ourselves,
        *,
        preference: Preference,
    ) -> None:
        self._wire = wire
        self._places = places
        self._table = table
        self._ourselves = ourselves
        self._spelling = Spelling(table, wire.now)
        self.homes = WebhookHomes(wire, table)
        self._webhooks = CharacterWebhooks(wire, table, ourselves, self.homes, self._spelling)
        self._preference = preference
        self._without_webhooks = Forbidden(wire.now, partial(places.may, Act.MAKE_WEBHOOK), lambda place: place.home_id)
        self._without_messages = Forbidden(wire.now, partial(places.may, Act.WRITE), lambda place: place.channel_id)

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        """Choose webhook or embed for `character`; DMs, and channels without webhooks for us, get embeds."""
        if self._preference == "embed":
            return OutboundKind.EMBED, None
        place = await self._places.find(channel_id)
        if not isinstance(place, Place):
            return _refused(place)
        if place.is_private or self._without_webhooks.has(place):
            return OutboundKind.EMBED, None
        if await self._spelling.of_message(character.name) is None:
            return OutboundKind.EMBED, None
        found = await self._webhooks.find(place.home_id, character)
        if isinstance(found, NoWebhooks):
            return await self._without_webhook(place, found)
        return (OutboundKind.WEBHOOK, found) if isinstance(found, int) else _refused(found)

    async def _without_webhook(self, place: Place, found: NoWebhooks) -> PrepareOutcome:
        """Choose an embed, unless the channel is gone or its server unavailable."""
        refused = found.refused
        explained = refused and await self._places.explained(refused, place.channel_id, Act.MAKE_WEBHOOK)
        if isinstance(explained, Refused) and explained.reason in ("channel_gone", "outage"):
            return explained
        self._note_without_webhooks(place, explained)
        return OutboundKind.EMBED, None

    def _note_without_webhooks(self, place: Place, explained: Refusal | None) -> None:
        self._without_webhooks.add(place)
        if isinstance(explained, Refused) and explained.code and explained.needs:
            words = "lines in channel %s go as embeds: give the bot the permission %s"
            log.warning(words, place.home_id, explained.needs)

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        """Choose the route of a notice or an answer: a webhook if the bot is known not to be allowed to write."""
        as_message = OutboundKind.TEXT, None
        place = await self._places.met(channel_id)
        if place is None or not self._may_have_webhooks(place) or not self._is_silent_in(place):
            return as_message
        if await self._spelling.of_message(NAMELESS) is None:
            return as_message
        found = await self._webhooks.find_any(place.home_id)
        match found:
            case int():
                return OutboundKind.TEXT, found
            case NoWebhooks():
                return as_message  # Discord refuses it, and the refusal names the permission
            case _:
                return _refused(found)

    def _may_have_webhooks(self, place: Place) -> bool:
        return not (self._preference == "embed" or place.is_private or self._without_webhooks.has(place))

    def _is_silent_in(self, place: Place) -> bool:
        """Whether the bot's own messages are forbidden there."""
        return self._places.may(Act.WRITE, place) is False or self._without_messages.has(place)

    async def send(self, outbound: Outbound) -> SendOutcome:
        """Send once, with the given nonce. Mentions never ping."""
        if outbound.webhook_id is not None:
            return await self._speak(outbound, outbound.webhook_id)
        outcome = await self._wire.attempt(
            f"send:{outbound.channel_id}", lambda client: _post(client, outbound, self._ourselves)
        )
        return outcome if isinstance(outcome, Posted) else await self._after_message(outcome, outbound)

    async def _after_message(self, outcome: Refusal, outbound: Outbound) -> SendOutcome:
        """Explain the refusal of the bot's own message; a text may be sent through a webhook next."""
        if not isinstance(outcome, Refused) or outcome.reason not in EXPLAINED:
            return outcome
        place = await self._places.find(
            outbound.channel_id
        )  # loads the place: a thread needs another permission than a channel
        act = Act.EMBED if outbound.kind is OutboundKind.EMBED else Act.WRITE
        explained = await self._places.explained(outcome, outbound.channel_id, act)
        if not isinstance(explained, Refused) or explained.reason != "forbidden" or act is Act.EMBED:
            return explained
        if isinstance(place, Place) and self._may_have_webhooks(place) and not self._is_silent_in(place):
            self._without_messages.add(place)
            return replace(explained, reason=FORBIDDEN_AS_MESSAGE, final=False)
        return explained

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        """The channel that the webhook was moved to, if the line can be there; Discord refuses a thread's line."""
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
        self._ourselves.webhook_ids.add(webhook_id)  # before its copy can arrive through the gateway
        token = await self._table.webhook_token(webhook_id)
        if token is None:
            return Refused("webhook_gone")
        place = await self._places.find(outbound.channel_id)
        if not isinstance(place, Place):
            return _refused(place)
        if self._without_webhooks.has(place):
            return FORBIDDEN_HERE
        name = await self._spelling.of_message(outbound.name or NAMELESS)
        if name is None:
            return HeldBack(self._wire.now())  # refused since it was prepared: the next attempt is an embed
        outcome = await self._wire.attempt(
            of_webhook(webhook_id),
            lambda client: _execute(client, webhook_id, token, place, replace(outbound, name=name), self._ourselves),
            resource=of_all_webhooks(place.home_id),
        )
        return await self._after(outcome, webhook_id, place, name)

    async def _after(
        self, outcome: Posted | PostedElsewhere | Refusal, webhook_id: int, place: Place, name: str
    ) -> SendOutcome:
        match outcome:
            case Posted():
                self._webhooks.note_accepted(webhook_id)
                return outcome
            case PostedElsewhere():
                await self.homes.forget(place.home_id, webhook_id)
                return outcome
        explained = await self._places.explained(outcome, place.channel_id, Act.MAKE_WEBHOOK)
        match explained:
            case Refused(reason="name_refused"):
                await self._spelling.note(name, explained, is_of_webhook=False)
                return HeldBack(self._wire.now())  # nothing was posted, and the line is not the cause
            case Refused(reason="channel_gone"):
                return await self._without_channel(explained, webhook_id, place)
            case Refused(reason="webhook_gone"):
                self._webhooks.note_refused(webhook_id)
                await self.homes.forget(place.home_id, webhook_id)
            case Refused(reason="webhook_moved"):
                await self.homes.forget(place.home_id, webhook_id)
            case Refused(reason="forbidden"):
                self._note_without_webhooks(place, explained)
                return replace(explained, reason="webhooks_forbidden", final=False)
        return explained

    async def _without_channel(self, refused: Refused, webhook_id: int, place: Place) -> Refused:
        """Explain 10003 (Unknown Channel): the thread is gone, or the webhook was moved to another channel."""
        home = await home_of(self._wire, self._table, webhook_id)
        if home == place.home_id or is_silent(home):
            return refused
        if home is not None and not isinstance(home, int):
            return replace(refused, reason="not_found", final=False)  # unknown: the next attempt checks again
        await self.homes.forget(place.home_id, webhook_id)
        return replace(refused, reason="webhook_gone" if home is None else "webhook_moved", final=False)


async def _post(client: discord.Client, outbound: Outbound, ourselves: Ourselves) -> Posted:
    # Not with `send`: it adds fields such as "flags": 0 and "content": null, which other servers refuse.
    params = MultipartParameters(payload=_body(outbound), multipart=None, files=None)
    data = await client.http.send_message(outbound.channel_id, params=params)
    channel = client.get_partial_messageable(outbound.channel_id)
    return _posted(client._connection.create_message(channel=channel, data=data), ourselves)


def _body(outbound: Outbound) -> dict[str, Any]:
    """The JSON of the bot's own message (https://discord.com/developers/docs/resources/message#create-message)."""
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
    missing = discord.utils.MISSING
    is_notice = outbound.kind is OutboundKind.TEXT
    sent = await webhook.send(
        missing if is_notice else outbound.text,
        embed=Embed(description=outbound.text) if is_notice else missing,
        view=_view(outbound.buttons) if outbound.buttons else missing,
        username=outbound.name,
        allowed_mentions=discord.AllowedMentions.none(),
        thread=missing if place.parent_id is None else discord.Object(place.channel_id),
        wait=True,
    )
    if sent.channel.id != place.channel_id:
        return PostedElsewhere(sent.channel.id, sent.id)
    return _posted(sent, ourselves)


def _view(buttons: tuple[Button, ...]) -> discord.ui.View:
    view = discord.ui.View()
    for button in buttons:
        view.add_item(discord.ui.Button(label=button.label, custom_id=button.custom_id))
    view.stop()  # else the client keeps it for minutes to dispatch presses to it
    return view


def _posted(sent: discord.Message, ourselves: Ourselves) -> Posted:
    seen = channel_message(sent, ourselves)
    return Posted(sent.id, sent.content if seen is None else seen.text)


def _refused(refusal: Refusal) -> Refused | HeldBack:
    """Nothing of the line was sent yet, so an unconfirmed preparation refuses it."""
    if isinstance(refusal, Unconfirmed):
        return refused_by(refusal)
    return refusal
