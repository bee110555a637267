"""Counts the tokens that a server's lines use in a day, and says when a turn may not begin.

    take a turn ─► used up? ─► yes: no turn, one notice a day in each channel
    a request   ─► reserved before it leaves ─► corrected from the answer

A process that dies between the two leaves the reservation: it may have been used.
"""

from __future__ import annotations

from actors.ports import Completion, HeldBack, Limited, ModelFailed
from actors.roleplay import quotas
from actors.roleplay.allowance import Use
from actors.roleplay.model import OutboxDraft, OutboxKind, SessionRecord
from actors.roleplay.quotas import Excess
from actors.services import Services


class DayTokens:
    """Each server's tokens of the day, in UTC; nothing is counted without the limit."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def notice_if_used_up(self, session: SessionRecord, now: float) -> OutboxDraft | None:
        """Return the notice for the channel if the server's day is used up; else None."""
        services, limits = self._services, self._services.rules.quotas
        if not limits.tokens_per_server_day:
            return None
        server, day = await self._server_of(session), quotas.day_of(now)
        if not quotas.is_reached(limits.tokens_per_server_day, await services.store.server_tokens(server, day=day)):
            return None
        services.trace.publish(Limited(Excess.TOKENS, session.channel_id))
        words = quotas.words(Excess.TOKENS, limits, services.rules.command_prefix, at=now)
        return OutboxDraft(f"tokens:{session.channel_id}:{day}", OutboxKind.ANSWER, session.channel_id, words)

    async def reserve(self, session: SessionRecord, use: Use) -> None:
        """Count a request before it leaves."""
        await self._add(session, use, use.tokens)

    async def correct(
        self, session: SessionRecord, reserved: Use, outcome: Completion | ModelFailed | HeldBack, noted: Use
    ) -> None:
        """Replace what was reserved by what the answer says; `noted` is the use as the allowance counts it."""
        used = noted.tokens
        if isinstance(outcome, Completion):
            read, written = outcome.prompt_tokens, outcome.completion_tokens
            used = quotas.tokens_used(reserved.tokens, prompt_tokens=read, completion_tokens=written)
        if used != reserved.tokens:
            await self._add(session, reserved, used - reserved.tokens)

    async def _add(self, session: SessionRecord, use: Use, tokens: int) -> None:
        if self._services.rules.quotas.tokens_per_server_day:
            server = await self._server_of(session)
            await self._services.store.add_server_tokens(server, day=quotas.day_of(use.at), tokens=tokens)

    async def _server_of(self, session: SessionRecord) -> int:
        """The session's server; a conversation outside of servers counts as one of its own."""
        known = session.server_id
        return await self._services.allowances.server_of(session.channel_id) if known is None else known
