"""What actors do in a channel besides speaking: read it back, tidy it, show that somebody writes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

import discord

from actors.adapters.discord.buckets import of_all_webhooks, of_webhook
from actors.adapters.discord.homes import home_of, is_silent
from actors.adapters.discord.inbound import Ourselves, channel_message, storable
from actors.adapters.discord.needs import Act
from actors.adapters.discord.nicknames import Nicknames
from actors.adapters.discord.outcomes import UNANSWERED, Refusal
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.wire import Wire
from actors.ports import Deleted, DeleteOutcome, HeldBack, Page, ReadOutcome, Refused, Unconfirmed, Webhooks
from actors.roleplay.model import ChannelMessage
from actors.roleplay.pages import PagedRead

T = TypeVar("T")

READ_MAX: Final = 2_000
"""More is not read: it would be a history, not a gap."""
PAGE: Final = 100
"""https://discord.com/developers/docs/resources/message#get-channel-messages"""
NOT_FOUND: Final = 404
SERVER_ERROR: Final = 500

log: Final = logging.getLogger("ensemble.discord")


class DiscordChannel:
    """The Channel port."""

    def __init__(
        self,
        wire: Wire,
        places: Places,
        table: Webhooks,
        ourselves: Ourselves,
        *,
        nicknames: Nicknames | None = None,
        fills_pages: bool = True,
    ) -> None:
        """`fills_pages`: a page of less than PAGE messages is the last one, as on Discord itself."""
        self._wire = wire
        self._places = places
        self._table = table
        self._ourselves = ourselves
        self._nicknames = nicknames or Nicknames(wire)
        self._full_page = PAGE if fills_pages else None

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """Every message newer than `after`, oldest first; 2,000 of them are a failed read.

        Each page is a try of its own; one that fails, fails the whole.
        """
        read = PagedRead[discord.Message](after, full_page=self._full_page)
        while len(read.messages) < READ_MAX:
            page = await self._page(channel_id, read.after)
            if not isinstance(page, list):
                return page
            if not read.take(page):
                return self._seen(read)
        return Refused("too_many_messages", final=True)

    async def page(self, channel_id: int, *, after: int) -> Page | Refusal:
        """The first messages that are newer than `after`, oldest first."""
        page = await self._page(channel_id, after)
        if not isinstance(page, list):
            return page
        read = PagedRead[discord.Message](after, full_page=self._full_page)
        has_next = read.take(page)
        return Page(self._seen(read), newest=read.after if has_next else None)

    async def _page(self, channel_id: int, after: int) -> list[discord.Message] | Refusal:
        """A page as the server has it, in its own order.

        Without the permission to read the history Discord answers with an empty page, which must not be taken
        for "it is not there".
        """
        place = await self._places.find(channel_id)
        if not isinstance(place, Place):
            return place
        may_read = self._places.may(Act.READ, place)
        if may_read is False:
            return await self._places.explained(Refused("forbidden", final=True), channel_id, Act.READ)
        self._ourselves.webhook_ids |= await self._table.known_webhooks(place.home_id)
        read = await self._attempt_read(channel_id, lambda client: _read(client, channel_id, after))
        if not isinstance(read, list):
            return read
        return read if read or may_read is not None else await self._empty_page(channel_id, after)

    def _seen(self, read: PagedRead[discord.Message]) -> tuple[ChannelMessage, ...]:
        seen = (channel_message(message, self._ourselves) for message in read.messages)
        return tuple(message for message in seen if message is not None)

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        """Delete a message of ours; absent is success.

        A webhook's message goes by the webhook's own token; where that is refused, for whatever reason, or the webhook
        was moved away from its message, by the bot's permission.
        """
        token = None if webhook_id is None else await self._table.webhook_token(webhook_id, with_forgotten=True)
        if webhook_id is not None and token is not None:
            outcome = await self._delete_spoken(channel_id, message_id, webhook_id, token)
            if outcome is not None and not _is_refused(outcome):
                return outcome
        outcome = await self._wire.attempt(
            f"delete:{channel_id}", lambda client: _delete_posted(client, channel_id, message_id)
        )
        if isinstance(outcome, Deleted):
            return outcome
        outcome = _absent_is_deleted(await self._places.explained(outcome, channel_id, Act.DELETE))
        is_unclear = isinstance(outcome, Refused) and outcome.status == NOT_FOUND
        return await self._unless_it_stands(channel_id, message_id, outcome) if is_unclear else outcome

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        """The message under the name that the server shows; it may ask for a person that no event has named."""
        if message.is_name_shown:
            return message
        place = await self._places.find(message.channel_id)
        if not isinstance(place, Place) or place.guild_id is None:
            return message
        name = await self._nicknames.find(place.guild_id, message.author_id)
        return message if name is None else replace(message, name=storable(name), is_name_shown=True)

    async def typing(self, channel_id: int) -> None:
        """Show for about ten seconds that somebody writes. Never fails: a courtesy, left out where it would wait."""
        bucket = f"typing:{channel_id}"
        if self._wire.is_closed(bucket):
            return
        outcome = await self._wire.attempt(bucket, lambda client: _type(client, channel_id))
        if outcome is not None:
            said = getattr(outcome, "words", "")
            log.debug("typing in %s came to nothing: %s", channel_id, outcome, extra={"said": said})

    async def _empty_page(self, channel_id: int, message_id: int) -> list[discord.Message] | Refusal:
        """Nothing, if we may read: asked for one message, Discord says whether we may, even if there is none."""
        found = await self._attempt_read(channel_id, lambda client: _find(client, channel_id, message_id))
        if found is None or (isinstance(found, Refused) and found.reason in ("removed", "not_found")):
            return []
        return found

    async def _unless_it_stands(self, channel_id: int, message_id: int, refused: DeleteOutcome) -> DeleteOutcome:
        """What a 404 without Discord's code says: the message may be gone, or a proxy does not find the server."""
        page = await self.page(channel_id, after=message_id - 1)
        if isinstance(page, Page) and all(message.id != message_id for message in page.messages):
            return Deleted()
        return refused

    async def _attempt_read(self, channel_id: int, request: Callable[[discord.Client], Awaitable[T]]) -> T | Refusal:
        outcome = await self._wire.attempt(f"read:{channel_id}", request)
        return await self._places.explained(outcome, channel_id, Act.READ) if isinstance(outcome, Refused) else outcome

    async def _delete_spoken(
        self, channel_id: int, message_id: int, webhook_id: int, token: str
    ) -> DeleteOutcome | None:
        """None where the webhook does not reach its message any more."""
        place = await self._places.find(channel_id)
        if isinstance(place, Refused) and place.reason == "forbidden":
            place = Place(channel_id)  # the webhook needs no permission of ours; one that was moved is in no thread
        if not isinstance(place, Place):
            return _absent_is_deleted(place)
        where = place
        outcome = await self._wire.attempt(
            of_webhook(webhook_id),
            lambda client: _delete_spoken(client, message_id, webhook_id, token, where),
            resource=of_all_webhooks(place.home_id),
        )
        if isinstance(outcome, Refused) and outcome.reason == "webhook_gone":
            return None
        if not isinstance(outcome, Refused) or outcome.reason not in ("removed", "channel_gone"):
            return outcome
        # Absent, for a webhook that was moved, is whatever it left behind.
        home = await home_of(self._wire, self._table, webhook_id)
        if home == place.home_id or is_silent(home):
            return Deleted()
        return None if home is None or isinstance(home, int) else home


def _absent_is_deleted(outcome: Deleted | Refusal) -> DeleteOutcome:
    """A message or channel that Discord does not have; one that it hides from us, since we left, stands for all."""
    match outcome:
        case Refused(reason="removed" | "channel_gone", status=404):
            return Deleted()
        case _:
            return outcome


def _is_refused(outcome: DeleteOutcome) -> bool:
    """Whether asking again in the same way is in vain: the server answered, and not with a pause or an outage."""
    match outcome:
        case Deleted() | HeldBack():
            return False
        case Refused(reason=reason):
            return reason not in UNANSWERED
        case Unconfirmed(status=status):
            return status is not None and status < SERVER_ERROR


async def _read(client: discord.Client, channel_id: int, after: int) -> list[discord.Message]:
    # Not through `history`: it would take an answer without a body for an empty channel.
    page = await client.http.logs_from(channel_id, PAGE, after=after)
    if not isinstance(page, list):
        raise ValueError("a page of messages is a list")
    channel = client.get_partial_messageable(channel_id)
    return [client._connection.create_message(channel=channel, data=message) for message in page]


async def _find(client: discord.Client, channel_id: int, message_id: int) -> None:
    await client.http.get_message(channel_id, message_id)


async def _delete_posted(client: discord.Client, channel_id: int, message_id: int) -> Deleted:
    await client.get_partial_messageable(channel_id).get_partial_message(message_id).delete()
    return Deleted()


async def _delete_spoken(client: discord.Client, message_id: int, webhook_id: int, token: str, place: Place) -> Deleted:
    webhook = discord.Webhook.partial(webhook_id, token, client=client)
    thread = discord.utils.MISSING if place.parent_id is None else discord.Object(place.channel_id)
    await webhook.delete_message(message_id, thread=thread)
    return Deleted()


async def _type(client: discord.Client, channel_id: int) -> None:
    await client.get_partial_messageable(channel_id).typing()
