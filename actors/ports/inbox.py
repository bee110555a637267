"""Port of the inbox: people's messages, and when a turn that answers them may begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.ports.work import Work
from actors.roleplay.gathering import Gather, Gathering
from actors.roleplay.model import ChannelMessage, Claim, OutboxDraft, SessionId


@dataclass(frozen=True, slots=True)
class Accepted:
    """A user message is in the inbox and in the history. `is_new` is False if it was there before.

    It starts no turn if `is_paused` (the scene) or `is_limited` (its author began too many turns); `begins_at` is when
    its turn may begin.
    """

    session_id: SessionId
    is_new: bool
    is_paused: bool = False
    is_limited: bool = False
    begins_at: float | None = None


class InboxStore(Protocol):
    """What people wrote; each message once."""

    async def accept(
        self,
        message: ChannelMessage,
        *,
        gather: Gather | None = None,
        turns_max: int = 0,
        limited: OutboxDraft | None = None,
    ) -> Accepted | None:
        """Write a message to inbox and history in one transaction, once per id; None if no session was open then.

        In a paused session it starts no turn: the first message after the pause does, and its prompt has both. If its
        author began `turns_max` turns (0: no limit) within a minute, it starts none, and `limited` is sent.
        """
        ...

    async def hold_turn(self, channel_id: int, author_id: int, *, until: float, by: Gathering) -> bool:
        """Hold the waiting turn while a person types; False if that person did not write in this channel's scene."""

    async def pass_over(self, claim: Claim, newest: int, notice: OutboxDraft, *, at: float) -> Work:
        """Let the messages that wait, up to `newest`, begin no turn, announce why, and return the next work."""
        ...
