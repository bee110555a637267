"""Somebody misses a line: `!missing`, and the menu *Did not come* of a message.

    !missing ─┐
              ├─► what the journal knows ─► the report and its answer, in one transaction ─► outbox
    the menu ─┘

One that is reported twice by a channel that is read again is answered once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.ports import MissingAsked, MissingReported
from actors.retries import REPLY_LIFE_S
from actors.roleplay.missing import MissingReport, answer
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind, ReplyAddress
from actors.world import World

ANSWER_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""


class Missing:
    """Writes reports of lines that did not come, and answers them."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def commanded(self, message: ChannelMessage) -> None:
        """Answer in the channel: about the message that the command replies to, else about the newest turn."""

        def drafted(words: str) -> OutboxDraft:
            return OutboxDraft(f"answer:{message.id}", OutboxKind.ANSWER, message.channel_id, words)

        now = self._world.clock.now()
        report = MissingReport(message.author_id, message.channel_id, message.replies_to, now)
        await self._report(report, drafted)

    async def chosen(self, asked: MissingAsked) -> None:
        """Answer to who chose it alone, about the message on which the menu was opened."""
        now = self._world.clock.now()
        address = ReplyAddress(asked.token, now + REPLY_LIFE_S)

        def drafted(words: str) -> OutboxDraft:
            key = f"answer:{asked.interaction_id}"
            return OutboxDraft(key, OutboxKind.ANSWER, asked.channel_id, words, reply=address)

        await self._report(MissingReport(asked.user_id, asked.channel_id, asked.message_id, now), drafted)

    async def _report(self, report: MissingReport, drafted: Callable[[str], OutboxDraft]) -> None:
        world = self._world
        seen = await world.store.look_up_missing(report)
        words = answer(seen, report, world.rules.command_prefix)[:ANSWER_MAX]
        reported = await world.store.report_missing(report, seen, drafted(words))
        world.outbox_bell.ring()
        if reported is not None and reported.is_new:
            world.trace.publish(MissingReported(reported.finding, report.channel_id, reported.session_id))
