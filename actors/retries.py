"""Having a failed line again: the button on its notice, and `!retry`.

    press ─┐                                                                        ┌► the session: the same text as a
           ├─► store.look_up_retry ─► store.request_retry: request + answer, ───────┤   new response
    !retry ┘                          one transaction                               └► the outbox: what came of it

A press or a command that is told twice, by a resumed connection or a channel read again, is answered once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors.ports import ButtonPressed, Fenced, RetryOutcome
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind, ReplyAddress, ResponseId, SessionId
from actors.roleplay.notices import response_to_retry
from actors.world import World

REPLY_LIFE_S: Final = 900.0
"""How long an interaction can be answered (Discord's reference, "Interaction Callback": 15 minutes)."""

WORDS: Final = {
    RetryOutcome.ACCEPTED: "🔁 {name}'s line is on its way again.",
    RetryOutcome.ON_ITS_WAY: "🔁 {name}'s line is on its way already.",
    RetryOutcome.DELIVERED: "✅ {name}'s line stands in the channel.",
    RetryOutcome.WITHDRAWN: "The message that {name} was to answer was deleted, or taken out of the play.",
    RetryOutcome.SESSION_ENDED: "This scene has ended, and its lines with it. `{prefix}start NAME…` opens a new one.",
    RetryOutcome.NONE: "There is no failed line here to deliver again.",
}

REQUEST_TRIES: Final = 5
"""How often a request is looked up anew because its line moved at the same moment."""

UNKNOWN_BUTTON: Final = "This button is of an older version of mine, and does nothing any more."


class Retries:
    """Writes requests to retry; both verbs return the session that has work now, if one has."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def pressed(self, press: ButtonPressed) -> SessionId | None:
        """Answer the press of a button, whatever it asks for."""
        answer = self._reply(press)
        response_id = response_to_retry(press.custom_id)
        if response_id is not None:
            return await self._request(response_id, press.channel_id, answer)
        await self._world.store.enqueue(answer(UNKNOWN_BUTTON), at=self._world.clock.now())
        self._world.outbox_bell.ring()
        return None

    async def commanded(self, message: ChannelMessage) -> SessionId | None:
        """Ask for the last failed line of the channel, and answer with a message."""

        def answer(words: str) -> OutboxDraft:
            return OutboxDraft(f"answer:{message.id}", OutboxKind.ANSWER, message.channel_id, words)

        return await self._request(None, message.channel_id, answer)

    async def _request(
        self, response_id: ResponseId | None, channel_id: int, answer: Callable[[str], OutboxDraft]
    ) -> SessionId | None:
        """Look up what the request comes to, and write it with the words for that; again where it changed meanwhile."""
        world, prefix = self._world, self._world.rules.command_prefix
        for tries_left in reversed(range(REQUEST_TRIES)):
            asked = await world.store.look_up_retry(response_id, channel_id=channel_id)
            words = WORDS[asked.outcome].format(name=asked.name, prefix=prefix)
            try:
                is_new = await world.store.request_retry(asked, answer(words), at=world.clock.now())
            except Fenced:
                if not tries_left:
                    raise
            else:
                world.outbox_bell.ring()
                return asked.session_id if is_new else None
        return None

    def _reply(self, press: ButtonPressed) -> Callable[[str], OutboxDraft]:
        address = ReplyAddress(press.token, self._world.clock.now() + REPLY_LIFE_S)
        key = f"answer:{press.interaction_id}"
        return lambda words: OutboxDraft(key, OutboxKind.ANSWER, press.channel_id, words, reply=address)
