"""The reaper: deletes second copies of lines, notices and answers, and a line that lands after its failure was told.

What the gateway shows while a response is on its way in its channel is not judged: a copy may be the very
line that the response waits for (`copies`). It is kept until the response ended; what looks like a text that is on its
way, until that is done.

Texts that read alike (two answers to `!help`) count as one another's copies: none is deleted before all of them
are confirmed as other messages. Notices of failures are told apart by their buttons.

A message that a webhook posted where it was moved to is no line of that channel: it is a stray part of one of the
channel that the webhook was made for. That it goes is written at once, since nobody reads that channel again after a
restart; while its response is not final it stands a little longer, so that the response can still find it there.

Failure modes: what a store that fails leaves unjudged is kept, and the sweep has it judged again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from actors.copies import Copies
from actors.ports import Diverged, Noted, Watched
from actors.roleplay.history import is_line, is_strayed, shows
from actors.roleplay.model import ChannelMessage, OutboxDraft, OutboxKind
from actors.supervisor import concerning
from actors.world import World

WATCH_S: Final = 900.0
"""How long after its last try a line's copy may turn up: far above any landing seen."""

STRAY_STANDS: Final = 2
"""Times the settle time: a response looks elsewhere when its part had that time to land, and needs some to read."""

TOLD_MAX: Final = 200
"""Lines that are nobody's and were told of: each catch-up sees them again."""


class Reaper:
    """Judges every message of ours that the gateway or a catch-up shows."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.copies = Copies()  # not judged yet
        self._busy: dict[int, int] = {}
        self._told: deque[int] = deque(maxlen=TOLD_MAX)  # lines of ours that are nobody's

    @contextmanager
    def undecided(self, channel_id: int) -> Iterator[None]:
        """While inside, messages of ours in this channel are only kept."""
        self._busy[channel_id] = self._busy.get(channel_id, 0) + 1
        try:
            yield
        finally:
            self._busy[channel_id] -= 1
            if not self._busy[channel_id]:
                del self._busy[channel_id]

    async def saw(self, message: ChannelMessage) -> None:
        """A message of ours stands in a channel."""
        if message not in self.copies.of(message.channel_id):
            self.copies.keep(message.channel_id, newer=(message,))
        await self.judge(message.channel_id)

    async def look(self, channel_id: int, *, after: int) -> None:
        """Judge what the channel shows since `after`; where it cannot be read, nothing is known."""
        seen = await self._world.channel.messages(channel_id, after=after)
        if isinstance(seen, tuple):
            for message in seen:
                if message.is_ours:
                    await self.saw(message)

    async def judge(self, channel_id: int, *, shown: Collection[int] = ()) -> None:
        """Judge what was kept, if nothing is on its way there any more; messages in `shown` are known lines."""
        if channel_id in self._busy or channel_id not in self.copies:
            return
        left = tuple(message for message in self.copies.take(channel_id) if message.id not in shown)
        try:
            left = await self._judged(channel_id, left) if left else ()
        finally:
            self.copies.keep(channel_id, older=left)

    async def judge_left(self) -> None:
        """Judge, in every channel, what a store that failed has left. Raises what the store raises."""
        for channel_id in self.copies.channels:
            with concerning(f"channel {channel_id}"):
                await self.judge(channel_id)

    async def _judged(self, channel_id: int, kept: tuple[ChannelMessage, ...]) -> tuple[ChannelMessage, ...]:
        """Take the copies among `kept` down; returns those that nobody can judge yet."""
        store = self._world.store
        own = await store.own_messages(channel_id, after=min(message.id for message in kept) - 1)
        strangers = [message for message in kept if message.id not in own]
        if not strangers:
            return ()
        undecided: list[ChannelMessage] = []
        watched = await self._watched(channel_id, strangers)
        for message in strangers:
            copies = [one for one in watched if shows(message, one.outbound)]
            if any(not one.is_final for one in copies):
                undecided.append(message)
            elif copies:
                await self._take_down(message)
            elif strayed := await self._strayed(message):
                is_final = all(one.is_final for one in strayed)
                await self._take_down(
                    message, in_s=0.0 if is_final else self._world.rules.limits.settle_s * STRAY_STANDS
                )
            elif is_line(message) and message.id not in self._told:
                self._told.append(message.id)
                self._world.trace.publish(Diverged(None, "extra", 1, channel_id))  # it is let be, and `audit` names it
        return tuple(undecided)

    async def _strayed(self, message: ChannelMessage) -> list[Watched]:
        """The parts that it may be, of the channel that its webhook was made for."""
        if message.webhook_id is None:
            return []
        since = self._world.clock.now() - WATCH_S
        parts = await self._world.store.watched_elsewhere(message.channel_id, message.webhook_id, since=since)
        return [one for one in parts if is_strayed(message, one.outbound)]

    async def _watched(self, channel_id: int, strangers: list[ChannelMessage]) -> tuple[Watched, ...]:
        """What the strangers may be copies of."""
        store, since = self._world.store, self._world.clock.now() - WATCH_S
        lines = await store.watched(channel_id, since=since) if any(map(is_line, strangers)) else ()
        texts = await store.watched_texts(channel_id, since=since) if not all(map(is_line, strangers)) else ()
        return (*lines, *texts)

    async def _take_down(self, message: ChannelMessage, *, in_s: float = 0.0) -> None:
        draft = OutboxDraft(
            key=f"takedown:{message.id}",
            kind=OutboxKind.TAKEDOWN,
            channel_id=message.channel_id,
            message_id=message.id,
            webhook_id=message.webhook_id,
        )
        if not await self._world.store.enqueue_copy(draft, at=self._world.clock.now() + in_s):
            return  # a retry found its part in it while we judged: it is no copy any more
        self._world.outbox_bell.ring()
        what = "line" if is_line(message) else "notice or an answer"
        words = f"A second copy of a {what} turned up in channel {message.channel_id}; it is taken back."
        self._world.trace.publish(Noted("warning", words))
