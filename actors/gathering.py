"""Gathers the messages of a scene before a turn: when it begins, and who is typing meanwhile.

    message ─► accept (its author types no longer) ─► session.gather_until ─► Engine.ring(session, at)
    typing  ─► session.gather_until, if the person wrote in this scene

Failure modes: who is typing is known in memory only; how long a turn is held is in the database.
"""

from __future__ import annotations

from actors.ports import Accepted, Engine, PersonTyping
from actors.roleplay.gathering import Gather
from actors.roleplay.model import ChannelMessage, OutboxDraft
from actors.services import Services


class Gatherings:
    """Accepts people's messages and their typing, for all channels of a process."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services = services
        self._engine = engine
        self._typing: dict[int, dict[int, float]] = {}  # channel ─► person ─► until when

    async def accept(
        self, message: ChannelMessage, *, turns_max: int = 0, limited: OutboxDraft | None = None
    ) -> Accepted | None:
        """Store a person's message and ring its session for the time when its turn may begin.

        Beyond `turns_max` turns of the person within a minute (0: no limit) it begins none, and `limited` says so.
        """
        now = self._services.clock.now()
        held_until = max(self._others_type(message.channel_id, message.author_id, now), default=0.0)
        gather = Gather(self._services.rules.gathering, now, held_until)
        accepted = await self._services.store.accept(message, gather=gather, turns_max=turns_max, limited=limited)
        if accepted is not None and accepted.is_new:
            await self._engine.ring(accepted.session_id, accepted.begins_at)
        return accepted

    async def typed(self, event: PersonTyping) -> None:
        """Hold the turn of a scene in which this person wrote."""
        gathering, now = self._services.rules.gathering, self._services.clock.now()
        if not gathering.gather_s:
            return
        until = now + gathering.typing_hold_s
        if await self._services.store.hold_turn(event.channel_id, event.user_id, until=until, by=gathering):
            self._typing.setdefault(event.channel_id, {})[event.user_id] = until

    def _others_type(self, channel_id: int, author_id: int, now: float) -> list[float]:
        """Until when others type; the author of a message has stopped, and old signs are forgotten."""
        people = self._typing.pop(channel_id, {})
        others = {person: until for person, until in people.items() if person != author_id and until > now}
        if others:
            self._typing[channel_id] = others
        return list(others.values())
