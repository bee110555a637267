"""Stores and answers reports of missing lines: `!missing`, and a message's menu item *Did not come*.

    !missing ─┐
              ├─► look up the journal ─► report and answer, in one transaction ─► outbox
    the menu ─┘

A report that comes twice, because its channel is read again, is answered once.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.ports import MissingAsked, MissingReported
from actors.redeliveries import ANSWER_MAX, REPLY_LIFE_S, answer_to
from actors.roleplay.missing_reports import MissingReport, answer
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind, ReplyAddress
from actors.services import Services


class Missing:
    """Stores reports of lines that did not come, and answers them."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def commanded(self, message: ChannelMessage) -> None:
        """Answer `!missing` in the channel: about the message that it replies to, else about the newest turn."""

        def drafted(words: str) -> OutboxDraft:
            return answer_to(message, words)

        now = self._services.clock.now()
        report = MissingReport(message.author_id, message.channel_id, message.replies_to, now)
        await self._report(report, drafted)

    async def chosen(self, asked: MissingAsked) -> None:
        """Answer the menu item, visible to the person who chose it only, about the message on which it was opened."""
        now = self._services.clock.now()
        address = ReplyAddress(asked.token, now + REPLY_LIFE_S)

        def drafted(words: str) -> OutboxDraft:
            key = f"answer:{asked.interaction_id}"
            return OutboxDraft(key, OutboxKind.ANSWER, asked.channel_id, words, reply=address)

        await self._report(MissingReport(asked.user_id, asked.channel_id, asked.message_id, now), drafted)

    async def _report(self, report: MissingReport, drafted: Callable[[str], OutboxDraft]) -> None:
        services = self._services
        seen = await services.store.look_up_missing(report)
        words = answer(seen, report, services.rules.command_prefix)[:ANSWER_MAX]
        reported = await services.store.report_missing(report, seen, drafted(words))
        services.outbox_bell.ring()
        if reported is not None and reported.is_new:
            services.trace.publish(MissingReported(reported.finding, report.channel_id, reported.session_id))
