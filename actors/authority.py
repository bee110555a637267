"""Answers whether a person may do something in a channel: for commands and for presses of buttons alike.

    asker ─► the act's right ─► everyone: yes
                           └─► the open session: its opener? ─► moderates (event, else Discord)? ─► wrote a line in it?

Without an open session everybody may: the command then answers that no scene is open.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.ports import ButtonPressed, Standing
from actors.roleplay import rights
from actors.roleplay.model import ChannelMessage, SessionRecord
from actors.roleplay.rights import Person, Right
from actors.services import Services


@dataclass(frozen=True, slots=True)
class Asker:
    """A person who asks for something in a channel; `moderates` is None if the event did not say."""

    channel_id: int
    user_id: int
    moderates: bool | None

    @classmethod
    def of(cls, asked: ChannelMessage | ButtonPressed) -> Asker:
        user_id = asked.author_id if isinstance(asked, ChannelMessage) else asked.user_id
        return cls(asked.channel_id, user_id, asked.moderates)


class Authority:
    """Decides by `rights.RIGHTS`, from the session and the person's standing."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def may(self, act: str, asker: Asker) -> bool:
        """Whether the asker may do this in the scene that is open in the channel."""
        if rights.RIGHTS[act] is Right.EVERYONE:
            return True
        session = await self._services.store.session_in(asker.channel_id)
        return session is None or rights.may(act, await self._person(asker, session))

    async def standing(self, asker: Asker) -> Standing:
        """Return where the asker is, and whether the asker moderates there."""
        return await self._services.channel.standing(asker.channel_id, asker.user_id, moderates=asker.moderates)

    async def _person(self, asker: Asker, session: SessionRecord) -> Person:
        if session.opener_id == asker.user_id:
            return Person(is_opener=True, takes_part=True)
        standing = await self.standing(asker)
        if standing.moderates:
            return Person(moderates=True)
        takes_part = await self._services.store.takes_part(session.id, asker.user_id)
        # The opener of a scene from an older version is unknown: whoever takes part counts as the opener.
        return Person(is_opener=takes_part and session.opener_id is None, takes_part=takes_part)
