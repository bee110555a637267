"""Requests the redelivery of a failed line: by the button on its notice, or by `!retry`.

    press ─┐                                                                        ┌► the session: the same text as a
           ├─► look_up_redelivery ─► request_redelivery: request and answer, ───────┤   new response
    !retry ┘                         one transaction                                └► the outbox: the answer

A press or command that comes twice, from a resumed connection or a channel read again, is answered once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.ports import ButtonPressed, Fenced, RedeliveryOutcome
from actors.roleplay.escapes import plain_name
from actors.roleplay.model import Button, ChannelMessage, OutboxDraft, OutboxKind, ReplyAddress, ResponseId, SessionId
from actors.roleplay.notices import response_to_redeliver
from actors.services import Services

ANSWER_MAX: Final = 2000
"""Characters of one message (Discord's reference, "Create Message")."""

REPLY_LIFE_S: Final = 900.0
"""How long an interaction can be answered (Discord's reference, "Interaction Callback": 15 minutes)."""

WORDS: Final = {
    RedeliveryOutcome.ACCEPTED: "🔁 {name}'s line is on its way again.",
    RedeliveryOutcome.ON_ITS_WAY: "🔁 {name}'s line is on its way already.",
    RedeliveryOutcome.DELIVERED: "✅ {name}'s line is in the channel.",
    RedeliveryOutcome.WITHDRAWN: "The message that {name} would answer was deleted, or is no longer part of the scene.",
    RedeliveryOutcome.SESSION_ENDED: "This scene has ended. `{prefix}start NAME…` opens a new one.",
    RedeliveryOutcome.NONE: "There is no failed line here to deliver again.",
}

REQUEST_TRIES: Final = 5
"""Tries to store a request while its line moves concurrently."""

UNKNOWN_BUTTON: Final = "This button is from an older version of the bot and no longer works."


class Redeliveries:
    """Stores requests for redelivery; `pressed` and `commanded` return the session that got work, if any."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def pressed(self, press: ButtonPressed) -> SessionId | None:
        """Handle and answer the press of any button of ours."""
        answer = reply_to(press, self._services.clock.now())
        response_id = response_to_redeliver(press.custom_id)
        if response_id is not None:
            return await self._request(response_id, press.channel_id, answer)
        await self._services.store.enqueue(answer(UNKNOWN_BUTTON), at=self._services.clock.now())
        self._services.outbox_bell.ring()
        return None

    async def commanded(self, message: ChannelMessage) -> SessionId | None:
        """Handle `!retry`: request the channel's last failed line, and answer with a message."""

        def answer(words: str) -> OutboxDraft:
            return answer_to(message, words)

        return await self._request(None, message.channel_id, answer)

    async def _request(
        self, response_id: ResponseId | None, channel_id: int, answer: Callable[[str], OutboxDraft]
    ) -> SessionId | None:
        """Look up the request's outcome, and store request and answer; retry if the outcome changed meanwhile."""
        services, prefix = self._services, self._services.rules.command_prefix
        for tries_left in reversed(range(REQUEST_TRIES)):
            asked = await services.store.look_up_redelivery(response_id, channel_id=channel_id)
            words = WORDS[asked.outcome].format(name=plain_name(asked.name), prefix=prefix)
            try:
                is_new = await services.store.request_redelivery(asked, answer(words), at=services.clock.now())
            except Fenced:
                if not tries_left:
                    raise
            else:
                services.outbox_bell.ring()
                return asked.session_id if is_new else None
        return None


def answer_to(
    message: ChannelMessage, words: str, buttons: tuple[Button, ...] = (), *, repeats: bool = False
) -> OutboxDraft:
    """Return the answer to a command; the same message is answered once. `repeats`: it has what people said."""
    key, asked_by = f"answer:{message.id}", message.author_id
    return OutboxDraft(
        key,
        OutboxKind.ANSWER,
        message.channel_id,
        words[:ANSWER_MAX],
        buttons=buttons,
        asked_by=asked_by,
        repeats=repeats,
    )


def reply_to(press: ButtonPressed, now: float) -> Callable[[str], OutboxDraft]:
    """Return what makes the answer to a press, visible to the presser only."""
    address, key = ReplyAddress(press.token, now + REPLY_LIFE_S), f"answer:{press.interaction_id}"
    return lambda words: OutboxDraft(key, OutboxKind.ANSWER, press.channel_id, words, reply=address)
