"""What actors do in a channel besides speaking: read it back, tidy it, show that somebody writes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import discord

from actors.adapters.discord.homes import home_of, is_silent
from actors.adapters.discord.inbound import Ourselves, channel_message
from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.wire import Wire
from actors.ports import Deleted, DeleteOutcome, Page, ReadOutcome, Refused, Webhooks
from actors.roleplay.model import ChannelMessage

T = TypeVar("T")

READ_MAX: Final = 2_000
"""More is not read: it would be a history, not a gap."""
PAGE: Final = 100
"""https://discord.com/developers/docs/resources/message#get-channel-messages"""
NOT_FOUND: Final = 404

log: Final = logging.getLogger("ensemble.discord")


class DiscordChannel:
    """The Channel port."""

    def __init__(self, wire: Wire, places: Places, table: Webhooks, ourselves: Ourselves) -> None:
        self._wire = wire
        self._places = places
        self._table = table
        self._ourselves = ourselves

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """Every message newer than `after`, oldest first; 2,000 of them are a failed read.

        Each page is a try of its own; one that fails, fails the whole.
        """
        read: list[ChannelMessage] = []
        for _ in range(READ_MAX // PAGE):
            page = await self.page(channel_id, after=after)
            if not isinstance(page, Page):
                return page
            read += page.messages
            if page.newest is None:
                return tuple(read)
            after = page.newest
        return Refused("too_many_messages", final=True)

    async def page(self, channel_id: int, *, after: int) -> Page | Refusal:
        """The first messages that are newer than `after`.

        Without the permission to read the history Discord answers with an empty page, which must not be taken
        for "it is not there".
        """
        place = await self._places.find(channel_id)
        if not isinstance(place, Place):
            return place
        may_read = self._places.may_read_history(place)
        if may_read is False:
            return Refused("forbidden", final=True)
        self._ourselves.webhook_ids |= await self._table.known_webhooks(place.home_id)
        read = await self._attempt_read(channel_id, lambda client: _read(client, channel_id, after))
        if not isinstance(read, list):
            return read
        if not read and may_read is None:
            return await self._empty_page(channel_id, after)
        seen = [channel_message(message, self._ourselves) for message in read]
        messages = tuple(message for message in seen if message is not None)
        return Page(messages, newest=read[-1].id if len(read) == PAGE else None)

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        """Delete a message of ours; absent is success.

        A webhook's message goes by the webhook's own token; where that is gone, or the webhook was moved away from
        its message, by the bot's permission.
        """
        token = None if webhook_id is None else await self._table.webhook_token(webhook_id, with_forgotten=True)
        if webhook_id is not None and token is not None:
            outcome = await self._delete_spoken(channel_id, message_id, webhook_id, token)
            if outcome is not None:
                return outcome
        return _absent_is_deleted(
            await self._wire.attempt(
                f"delete:{channel_id}", lambda client: _delete_posted(client, channel_id, message_id)
            )
        )

    async def typing(self, channel_id: int) -> None:
        """Show for about ten seconds that somebody writes. Never fails: it is a courtesy."""
        outcome = await self._wire.attempt(f"typing:{channel_id}", lambda client: _type(client, channel_id))
        if outcome is not None:
            log.debug("typing in %s came to nothing: %s", channel_id, outcome)

    async def _empty_page(self, channel_id: int, message_id: int) -> Page | Refusal:
        """Nothing, if we may read: asked for one message, Discord says whether we may, even if there is none."""
        found = await self._attempt_read(channel_id, lambda client: _find(client, channel_id, message_id))
        if found is None or (isinstance(found, Refused) and found.reason == "removed"):
            return Page((), None)
        return found

    async def _attempt_read(self, channel_id: int, request: Callable[[discord.Client], Awaitable[T]]) -> T | Refusal:
        return await self._wire.attempt(f"read:{channel_id}", request)

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
            f"webhook-delete:{webhook_id}",
            lambda client: _delete_spoken(client, message_id, webhook_id, token, where),
        )
        if isinstance(outcome, Refused) and outcome.reason == "webhook_gone":
            return None
        if not isinstance(outcome, Refused) or outcome.status != NOT_FOUND:
            return outcome
        # Absent, for a webhook that was moved, is whatever it left behind.
        home = await home_of(self._wire, self._table, webhook_id)
        if home == place.home_id or is_silent(home):
            return Deleted()
        return None if home is None or isinstance(home, int) else home


def _absent_is_deleted(outcome: Deleted | Refusal) -> DeleteOutcome:
    return Deleted() if isinstance(outcome, Refused) and outcome.status == NOT_FOUND else outcome


async def _read(client: discord.Client, channel_id: int, after: int) -> list[discord.Message]:
    # A limit of one page: the library would fetch the next within the same try.
    history = client.get_partial_messageable(channel_id).history(
        limit=PAGE, after=discord.Object(after), oldest_first=True
    )
    return [message async for message in history]


async def _find(client: discord.Client, channel_id: int, message_id: int) -> None:
    await client.get_partial_messageable(channel_id).fetch_message(message_id)


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
