"""Where each webhook of ours posts: a moderator may move one to another channel, and every line would stand there.

    READY, WEBHOOKS_UPDATE ─► unsure ─► before its next line: GET webhooks/{id}/{token} ─► in its channel: sure
                                                                                     └─► moved, deleted: forgotten

Failure modes: where Discord does not answer the question, the webhook stays unsure and the line goes all the same:
its own answer says where it stands, and one without an answer is looked for in both channels.
"""

from __future__ import annotations

from typing import Final

import discord

from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire
from actors.ports import HeldBack, Refused, Webhooks

OWN_NEWS_S: Final = 10.0
"""How late the gateway may tell of what we did ourselves; after that it is somebody else's doing."""

Home = int | None | Refusal
"""The channel that a webhook posts into, None for one that is gone, or why nobody knows."""


async def home_of(wire: Wire, table: Webhooks, webhook_id: int) -> Home:
    """Ask Discord, with the webhook's own token: no permission is needed."""
    token = await table.webhook_token(webhook_id, with_forgotten=True)
    if token is None:
        return None
    home = await wire.attempt(f"webhook-get:{webhook_id}", lambda client: _fetch(client, webhook_id, token))
    return None if isinstance(home, Refused) and home.reason == "webhook_gone" else home


def is_silent(home: Home) -> bool:
    """Whether this server never says where a webhook is: it refused the question itself, and would again."""
    if home is None or isinstance(home, int | HeldBack):
        return False
    return home.status is not None and home.status < 500 and home.status != 429


class WebhookHomes:
    """Which webhooks are known to be in their channels; a process is sure of none that it has not made or asked for."""

    def __init__(self, wire: Wire, table: Webhooks) -> None:
        self._wire = wire
        self._table = table
        self._sure: dict[int, set[int]] = {}  # webhooks, by channel
        self._news = 0  # how often that may have changed
        self._expected: dict[int, float] = {}  # channels of which we cause news, and until when they are ours

    def note_here(self, channel_id: int, webhook_id: int) -> None:
        """Discord has just said so."""
        self._sure.setdefault(channel_id, set()).add(webhook_id)

    def expect_change(self, channel_id: int) -> None:
        """We are about to change a webhook there: the next news of that channel is no news."""
        self._expected[channel_id] = self._wire.now() + OWN_NEWS_S

    def note_change(self, channel_id: int) -> None:
        """Something became of a webhook in this channel. Of two changes at once, ours and another, one is news."""
        if self._expected.pop(channel_id, 0.0) > self._wire.now():
            return
        self._news += 1
        self._sure.pop(channel_id, None)

    def note_gap(self) -> None:
        """A new connection to the gateway: what changed before it is told to nobody."""
        self._news += 1
        self._sure.clear()

    async def is_lost(self, channel_id: int, webhook_id: int) -> bool:
        """Whether it was moved out of its channel or deleted; it is forgotten then."""
        if webhook_id in self._sure.get(channel_id, ()):
            return False
        news, home = self._news, await home_of(self._wire, self._table, webhook_id)
        is_lost = home is None or (isinstance(home, int) and home != channel_id)
        if is_lost:
            await self.forget(channel_id, webhook_id)
        elif news == self._news and (home == channel_id or is_silent(home)):
            self.note_here(channel_id, webhook_id)
        return is_lost

    async def forget(self, channel_id: int, webhook_id: int) -> None:
        """No line goes through it any more; what it posted can still be deleted with its token."""
        self._sure.get(channel_id, set()).discard(webhook_id)
        await self._table.forget_webhook(webhook_id)


async def _fetch(client: discord.Client, webhook_id: int, token: str) -> int | None:
    return (await discord.Webhook.partial(webhook_id, token, client=client).fetch(prefer_auth=False)).channel_id
