"""Bounds how many commands of one person are answered in a channel within a minute, so that it is not flooded.

The answers are counted in the outbox, so a new process counts those of the one before. The first command beyond the
limit is answered that there were too many, once a minute; the others do nothing and are counted.
"""

from __future__ import annotations

from actors.ports import Limited
from actors.roleplay import quotas
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind
from actors.roleplay.quotas import MINUTE_S, Excess
from actors.services import Services


class CommandLimit:
    """Counts the answered commands of a person in a channel."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def is_over(self, message: ChannelMessage) -> bool:
        """Whether the command is one too many; it is then recorded as handled, and the limit is announced."""
        services, limits = self._services, self._services.rules.quotas
        if not limits.commands_per_minute:
            return False
        now = services.clock.now()
        since = now - MINUTE_S
        answered = await services.store.answered_lately(message.channel_id, message.author_id, since=since)
        if not quotas.is_reached(limits.commands_per_minute, answered):
            return False
        await leave_unanswered(services, message)
        key = f"commands:{message.channel_id}:{message.author_id}:{quotas.minute_of(now)}"
        words = quotas.words(Excess.COMMANDS, limits, services.rules.command_prefix)
        if await services.store.enqueue(OutboxDraft(key, OutboxKind.ANSWER, message.channel_id, words), at=now):
            services.outbox_bell.ring()
        services.trace.publish(Limited(Excess.COMMANDS, message.channel_id))
        return True


async def leave_unanswered(services: Services, message: ChannelMessage) -> None:
    """Record a command as handled. Otherwise a catch-up would carry it out later, among newer messages."""
    handled = OutboxDraft(f"answer:{message.id}", OutboxKind.ANSWER, message.channel_id)
    await services.store.leave_unanswered(handled, at=services.clock.now())
