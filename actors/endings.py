"""Ends a scene: by `!end` of somebody who may, or by the button under the question that another `!end` puts.

!end ─► may? ─► ended
            └─► no: the question with a button ─► pressed within 10 minutes by somebody who may ─► ended
"""

from __future__ import annotations

from typing import Final

from actors.authority import Asker, Authority
from actors.ports import ButtonPressed
from actors.redeliveries import reply_to
from actors.roleplay import rights
from actors.roleplay.model import OutboxDraft, OutboxKind, SessionId, SessionRecord
from actors.services import Services
from actors.session_moves import move_of, move_open
from machines import session as machine

ENDED: Final = "🎬 The scene has ended. It stays saved; a new scene does not continue it."
PRESSED: Final = "🎬 You ended the scene."
TOO_LATE: Final = "This question is over: the scene has ended already, or it was asked more than ten minutes ago."


class Endings:
    """Moves sessions to Ended, with the answer in the same transaction."""

    def __init__(self, services: Services, authority: Authority) -> None:
        self._services = services
        self._authority = authority

    async def commanded(self, answer: OutboxDraft, message_id: int) -> SessionId | None:
        """End the channel's open session; None if there is none."""
        return await self._end(answer.channel_id, (answer,), asked_by=message_id)

    async def pressed(self, press: ButtonPressed, session_id: SessionId, until: float) -> SessionId | None:
        """Answer the press of an End button, and end the scene if the presser may."""
        services, make_reply = self._services, reply_to(press, self._services.clock.now())
        if services.clock.now() > until or not await self._is_open(press.channel_id, session_id):
            words = TOO_LATE
        elif not await self._authority.may("end", Asker.of(press)):
            words = rights.refusal("end")
        else:
            notice = OutboxDraft(f"ended:{session_id}", OutboxKind.ANSWER, press.channel_id, ENDED)
            ended = await self._end(press.channel_id, (make_reply(PRESSED), notice), only=session_id)
            if ended == session_id:
                return ended
            words = TOO_LATE  # it ended at the same moment
        await self.reply(press, words)
        return None

    async def reply(self, press: ButtonPressed, words: str) -> None:
        """Answer a press that does nothing, visible to the presser only."""
        now = self._services.clock.now()
        await self._services.store.enqueue(reply_to(press, now)(words), at=now)
        self._services.outbox_bell.ring()

    async def _is_open(self, channel_id: int, session_id: SessionId) -> bool:
        session = await self._services.store.session_in(channel_id)
        return session is not None and session.id == session_id

    async def _end(
        self,
        channel_id: int,
        outbox: tuple[OutboxDraft, ...],
        *,
        asked_by: int | None = None,
        only: SessionId | None = None,
    ) -> SessionId | None:
        fact = machine.EndRequested(self._services.clock.now())

        async def end(record: SessionRecord) -> None:
            if only in (None, record.id):
                await self._services.store.move_session(record.id, move_of(record, fact, ended_by="end"), outbox=outbox)

        ended = await move_open(self._services, channel_id, end, asked_by=asked_by)
        self._services.outbox_bell.ring()
        return ended
