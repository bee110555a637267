"""The reaper: deletes second copies of lines, notices and answers, and lines that arrive after their failure notice.

While a response is running in a channel, messages that the gateway shows there are kept and not judged (`copies`): one
may be the line that the response waits for. They are judged when the response has ended. A message that looks like an
outbox text is kept until that text is done.

Texts that read alike (two answers to `!help`) count as copies of each other: none is deleted before all of them are
confirmed as other messages. Failure notices are distinguished by their buttons.

A message that a moved webhook posted is no line of the channel in which it is: it is a stray part of a line of the
webhook's original channel. Its take-down is stored at once, since nothing reads that channel again after a restart.
While its response is not final, the take-down is delayed, so that the response can still find the message there.

Failure modes: if the store fails, unjudged messages are kept, and the sweep judges them again.
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
from actors.services import Services
from actors.supervisor import concerning

WATCH_S: Final = 900.0
"""How long after a line's last attempt a copy may appear: far longer than any delay seen."""

STRAY_STANDS: Final = 2
"""Delay of a stray's take-down, in settle times: a response looks elsewhere after one, and needs time to read."""

TOLD_MAX: Final = 200
"""Unknown lines remembered as reported: each catch-up sees them again."""


class Reaper:
    """Judges our own messages that the gateway or a catch-up shows."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.copies = Copies()  # not judged yet
        self._busy: dict[int, int] = {}
        self._told: deque[int] = deque(maxlen=TOLD_MAX)  # our messages that belong to no known line, reported already

    @contextmanager
    def undecided(self, channel_id: int) -> Iterator[None]:
        """Inside this context, our messages in this channel are kept and not judged."""
        self._busy[channel_id] = self._busy.get(channel_id, 0) + 1
        try:
            yield
        finally:
            self._busy[channel_id] -= 1
            if not self._busy[channel_id]:
                del self._busy[channel_id]

    async def saw(self, message: ChannelMessage) -> None:
        """Keep a message of ours that appeared in a channel, and judge if possible."""
        if message not in self.copies.of(message.channel_id):
            self.copies.keep(message.channel_id, newer=(message,))
        await self.judge(message.channel_id)

    async def look(self, channel_id: int, *, after: int) -> None:
        """Judge our messages in the channel after `after`; do nothing if it cannot be read."""
        seen = await self._services.channel.messages(channel_id, after=after)
        if isinstance(seen, tuple):
            for message in seen:
                if message.is_ours:
                    await self.saw(message)

    async def judge(self, channel_id: int, *, shown: Collection[int] = ()) -> None:
        """Judge the kept messages, unless a response is running there; messages in `shown` are known lines."""
        if channel_id in self._busy or channel_id not in self.copies:
            return
        left = tuple(message for message in self.copies.take(channel_id) if message.id not in shown)
        try:
            left = await self._judged(channel_id, left) if left else ()
        finally:
            self.copies.keep(channel_id, older=left)

    async def judge_left(self) -> None:
        """Judge the kept messages of every channel, also after a store failure. Raises what the store raises."""
        for channel_id in self.copies.channels:
            with concerning(f"channel {channel_id}"):
                await self.judge(channel_id)

    async def _judged(self, channel_id: int, kept: tuple[ChannelMessage, ...]) -> tuple[ChannelMessage, ...]:
        """Take down the copies among `kept`; return the messages that cannot be judged yet."""
        store = self._services.store
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
                    message, in_s=0.0 if is_final else self._services.rules.limits.settle_s * STRAY_STANDS
                )
            elif is_line(message) and message.id not in self._told:
                self._told.append(message.id)
                self._services.trace.publish(
                    Diverged(None, "extra", 1, channel_id)
                )  # it is not deleted; `audit` lists it
        return tuple(undecided)

    async def _strayed(self, message: ChannelMessage) -> list[Watched]:
        """The parts, of its webhook's original channel, that the message may be."""
        if message.webhook_id is None:
            return []
        since = self._services.clock.now() - WATCH_S
        parts = await self._services.store.watched_elsewhere(message.channel_id, message.webhook_id, since=since)
        return [one for one in parts if is_strayed(message, one.outbound)]

    async def _watched(self, channel_id: int, strangers: list[ChannelMessage]) -> tuple[Watched, ...]:
        """The lines and texts that the strangers may be copies of."""
        store, since = self._services.store, self._services.clock.now() - WATCH_S
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
        if not await self._services.store.enqueue_copy(draft, at=self._services.clock.now() + in_s):
            return  # meanwhile a response found its part in this message: it is no copy
        self._services.outbox_bell.ring()
        what = "line" if is_line(message) else "notice or an answer"
        words = f"A second copy of a {what} appeared in channel {message.channel_id}; it will be deleted."
        self._services.trace.publish(Noted("warning", words))
