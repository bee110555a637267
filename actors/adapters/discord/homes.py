"""Checks that our webhooks are still in their channels: a moderator can move one, and its lines would go elsewhere.

    READY, WEBHOOKS_UPDATE ─► unsure ─► before its next line: GET webhooks/{id}/{token} ─► in its channel: sure
                                                                                     └─► moved, deleted: forgotten

Failure modes: if Discord does not answer the GET, the webhook stays unsure and the line is sent anyway: the answer to
the line names its channel, and a line without an answer is searched for in both channels.
"""

from __future__ import annotations

from typing import Final

import discord

from actors.adapters.discord.outcomes import Refusal
from actors.adapters.discord.wire import Wire
from actors.ports import HeldBack, Refused, Webhooks

OWN_NEWS_S: Final = 10.0
"""How late the gateway may report a change of our own; a later report counts as a change by somebody else."""

Home = int | None | Refusal
"""The channel that a webhook posts into; None if the webhook is gone; or why that is unknown."""


async def home_of(wire: Wire, table: Webhooks, webhook_id: int) -> Home:
    """Request the webhook's channel with its own token, which needs no permission."""
    token = await table.webhook_token(webhook_id, with_forgotten=True)
    if token is None:
        return None
    home = await wire.attempt(f"webhook-get:{webhook_id}", lambda client: _fetch(client, webhook_id, token))
    return None if isinstance(home, Refused) and home.reason == "webhook_gone" else home


def is_silent(home: Home) -> bool:
    """Whether this server never reports a webhook's channel: it refused the request itself, and would again."""
    if home is None or isinstance(home, int | HeldBack):
        return False
    return home.status is not None and home.status < 500 and home.status != 429


class WebhookHomes:
    """Knows which webhooks are in their channels; only those that this process made or checked are sure."""

    def __init__(self, wire: Wire, table: Webhooks) -> None:
        self._wire = wire
        self._table = table
        self._sure: dict[int, set[int]] = {}  # sure webhooks by channel
        self._news = 0  # counts possible changes
        self._expected: dict[int, float] = {}  # channels that we change: until when a report is ours

    def note_here(self, channel_id: int, webhook_id: int) -> None:
        """Discord has just confirmed that the webhook is in this channel."""
        self._sure.setdefault(channel_id, set()).add(webhook_id)

    def expect_change(self, channel_id: int) -> None:
        """Announce a change of our own: the next report of a change in this channel is ignored."""
        self._expected[channel_id] = self._wire.now() + OWN_NEWS_S

    def note_change(self, channel_id: int) -> None:
        """A webhook changed in this channel. Of two reports, for our change and another's, only the second counts."""
        if self._expected.pop(channel_id, 0.0) > self._wire.now():
            return
        self._news += 1
        self._sure.pop(channel_id, None)

    def note_gap(self) -> None:
        """A new gateway connection: changes before it are not reported, so no webhook is sure."""
        self._news += 1
        self._sure.clear()

    async def is_lost(self, channel_id: int, webhook_id: int) -> bool:
        """Whether the webhook was moved out of its channel or deleted; if so, it is forgotten."""
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
        """Stop using the webhook for lines; its token can still delete its messages."""
        self._sure.get(channel_id, set()).discard(webhook_id)
        await self._table.forget_webhook(webhook_id)


async def _fetch(client: discord.Client, webhook_id: int, token: str) -> int | None:
    return (await discord.Webhook.partial(webhook_id, token, client=client).fetch(prefer_auth=False)).channel_id
