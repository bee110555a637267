"""Implements the `Channel` port: reads a channel back, deletes messages, shows the typing indicator."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final, TypeVar

import discord

from actors.adapters.discord.buckets import of_all_webhooks, of_webhook
from actors.adapters.discord.homes import home_of, is_silent
from actors.adapters.discord.incoming import Ourselves, channel_message, storable
from actors.adapters.discord.members import Members
from actors.adapters.discord.needs import Act
from actors.adapters.discord.nicknames import Nicknames
from actors.adapters.discord.outcomes import UNANSWERED, Refusal
from actors.adapters.discord.places import Place, Places
from actors.adapters.discord.wire import Wire
from actors.ports import Deleted, DeleteOutcome, HeldBack, Page, ReadOutcome, Refused, Standing, Unconfirmed, Webhooks
from actors.roleplay.model import ChannelMessage
from actors.roleplay.pages import PagedRead

T = TypeVar("T")

READ_MAX: Final = 2_000
"""Messages of one read. With more, the read fails: they would be a history, not a gap."""
PAGE: Final = 100
"""https://discord.com/developers/docs/resources/message#get-channel-messages"""
NOT_FOUND: Final = 404
SERVER_ERROR: Final = 500

log: Final = logging.getLogger("ensemble.discord")


class DiscordChannel:
    """Implements the `Channel` port."""

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
        """`fills_pages`: a page with fewer than PAGE messages is the last one, as on Discord itself."""
        self._wire = wire
        self._places = places
        self._table = table
        self._ourselves = ourselves
        self._nicknames = nicknames or Nicknames(wire)
        self._members = Members(wire)
        self._full_page = PAGE if fills_pages else None

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """Read every message newer than `after`, oldest first; the read fails if READ_MAX is reached.

        Each page is one attempt; if one fails, the read fails.
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
        """Read the first messages that are newer than `after`, oldest first."""
        page = await self._page(channel_id, after)
        if not isinstance(page, list):
            return page
        read = PagedRead[discord.Message](after, full_page=self._full_page)
        has_next = read.take(page)
        return Page(self._seen(read), newest=read.after if has_next else None)

    async def _page(self, channel_id: int, after: int) -> list[discord.Message] | Refusal:
        """Read a page in the server's own order.

        Without the permission to read the history, Discord answers with an empty page, which must not count as
        "not in the channel".
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
        """Delete a message of ours; an absent one counts as deleted.

        A webhook's message is deleted with the webhook's own token. If that is refused for any reason, or the webhook
        was moved to another channel, it is deleted with the bot's permission.
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
        """Return the message with the author's name in the server; requests a name that no event has reported."""
        if message.is_name_shown:
            return message
        place = await self._places.find(message.channel_id)
        if not isinstance(place, Place) or place.guild_id is None:
            return message
        name = await self._nicknames.find(place.guild_id, message.author_id)
        return message if name is None else replace(message, name=storable(name), is_name_shown=True)

    async def standing(self, channel_id: int, user_id: int, *, moderates: bool | None) -> Standing:
        """Find the place and, unless the event said it, ask for the member's roles."""
        place = await self._places.find(channel_id)
        if not isinstance(place, Place):
            return Standing(None, channel_id, moderates=bool(moderates))
        if place.guild_id is None:
            return Standing(None, channel_id, moderates=True, is_private=True)
        if moderates is None:
            moderates = await self._members.moderates(place, user_id)
        return Standing(place.guild_id, place.home_id, moderates=moderates)

    async def typing(self, channel_id: int) -> None:
        """Show the typing indicator for about ten seconds. Never fails; skipped if the request would be held."""
        bucket = f"typing:{channel_id}"
        if self._wire.is_closed(bucket):
            return
        outcome = await self._wire.attempt(bucket, lambda client: _type(client, channel_id))
        if outcome is not None:
            said = getattr(outcome, "words", "")
            log.debug("typing in %s failed: %s", channel_id, outcome, extra={"said": said})

    async def _empty_page(self, channel_id: int, message_id: int) -> list[discord.Message] | Refusal:
        """Return an empty page if we may read. A GET of one message shows that, even if the message does not exist."""
        found = await self._attempt_read(channel_id, lambda client: _find(client, channel_id, message_id))
        if found is None or (isinstance(found, Refused) and found.reason in ("removed", "not_found")):
            return []
        return found

    async def _unless_it_stands(self, channel_id: int, message_id: int, refused: DeleteOutcome) -> DeleteOutcome:
        """Explain a 404 without Discord's code: the message is gone, or a proxy cannot reach the server."""
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
        """Delete with the webhook's token; None if the webhook cannot reach its message any more."""
        place = await self._places.find(channel_id)
        if isinstance(place, Refused) and place.reason == "forbidden":
            place = Place(channel_id)  # the webhook needs none of our permissions; a moved one is in no thread
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
        # For a moved webhook, every message that it left behind is "absent".
        home = await home_of(self._wire, self._table, webhook_id)
        if home == place.home_id or is_silent(home):
            return Deleted()
        return None if home is None or isinstance(home, int) else home


def _absent_is_deleted(outcome: Deleted | Refusal) -> DeleteOutcome:
    """Count a 404 for the message or channel as deleted; one that Discord hides because we left may exist."""
    match outcome:
        case Refused(reason="removed" | "channel_gone", status=404):
            return Deleted()
        case _:
            return outcome


def _is_refused(outcome: DeleteOutcome) -> bool:
    """Whether a retry would fail the same way: the server answered, but not with a rate limit or an outage."""
    match outcome:
        case Deleted() | HeldBack():
            return False
        case Refused(reason=reason):
            return reason not in UNANSWERED
        case Unconfirmed(status=status):
            return status is not None and status < SERVER_ERROR


async def _read(client: discord.Client, channel_id: int, after: int) -> list[discord.Message]:
    # Not with `history`: it treats an answer without a body as an empty channel.
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
