"""Stores the messages of all channels, and finds them by id, in pages, and by nonce."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator

from .records import Message
from .refusals import UNKNOWN_MESSAGE, Refusal
from .snowflake import made_at

NONCE_WINDOW_S = 300.0
"""Discord says "in the past few minutes"; its exact length is not published."""


class Shelf:
    """Holds every message, deleted ones included; pages show only those that still exist."""

    def __init__(self) -> None:
        self._messages: dict[int, Message] = {}
        self._shown: dict[int, list[int]] = {}

    def put(self, message: Message) -> None:
        """Stores a new or changed message."""
        shown = self._shown.setdefault(message.channel_id, [])
        at = bisect_left(shown, message.id)
        is_shown = at < len(shown) and shown[at] == message.id
        if message.deleted and is_shown:
            del shown[at]
        elif not message.deleted and not is_shown:
            shown.insert(at, message.id)
        self._messages[message.id] = message

    def get(self, channel_id: int, message_id: int) -> Message:
        """The message as it is now; raises Discord's 10008 if the channel does not show it."""
        message = self._messages.get(message_id)
        if message is None or message.deleted or message.channel_id != channel_id:
            raise Refusal(UNKNOWN_MESSAGE)
        return message

    def find(self, message_id: int) -> Message | None:
        """The message with that id in any channel, even a deleted one."""
        return self._messages.get(message_id)

    def all(self) -> Iterator[Message]:
        """Every message ever stored, deleted ones included, oldest first."""
        return (self._messages[message_id] for message_id in sorted(self._messages))

    def shown(self, channel_id: int) -> list[Message]:
        """What the channel shows, oldest first."""
        return [self._messages[message_id] for message_id in self._shown.get(channel_id, ())]

    def newest_id(self, channel_id: int) -> int | None:
        """The id of the last message that the channel shows."""
        shown = self._shown.get(channel_id)
        return shown[-1] if shown else None

    def count(self, channel_id: int) -> int:
        """How many messages the channel shows."""
        return len(self._shown.get(channel_id, ()))

    def before(self, channel_id: int, message_id: int | None, limit: int) -> list[Message]:
        """The newest messages below an id (all ids if None), newest first."""
        shown = self._shown.get(channel_id, [])
        end = len(shown) if message_id is None else bisect_left(shown, message_id)
        return self._newest_first(shown[max(0, end - limit) : end])

    def after(self, channel_id: int, message_id: int, limit: int) -> list[Message]:
        """The oldest messages above an id, newest first."""
        shown = self._shown.get(channel_id, [])
        start = bisect_right(shown, message_id)
        return self._newest_first(shown[start : start + limit])

    def around(self, channel_id: int, message_id: int, limit: int) -> list[Message]:
        """The message with that id and its neighbours, newest first."""
        older = self.before(channel_id, message_id + 1, limit // 2 + 1)
        return self.after(channel_id, message_id, limit - len(older)) + older

    def _newest_first(self, ids: list[int]) -> list[Message]:
        return [self._messages[message_id] for message_id in reversed(ids)]


class Nonces:
    """Maps an author's nonce to its message, for as long as Discord remembers it."""

    def __init__(self, window_s: float = NONCE_WINDOW_S) -> None:
        self.window_s = window_s
        self._made: dict[tuple[int, str], int] = {}
        self._by_age: deque[tuple[float, tuple[int, str]]] = deque()

    def remember(self, message: Message) -> None:
        """Stores a message's nonce; its window begins when the message was created."""
        if message.nonce is None:
            return
        key = (message.author_id, message.nonce)
        self._made[key] = message.id
        self._by_age.append((made_at(message.id), key))

    def made(self, author_id: int, nonce: str, now: float) -> int | None:
        """The id of the message that this author created with the nonce within the window."""
        self._forget(now - self.window_s)
        return self._made.get((author_id, nonce))

    def _forget(self, oldest: float) -> None:
        while self._by_age and self._by_age[0][0] < oldest:
            _, key = self._by_age.popleft()
            message_id = self._made.get(key)
            if message_id is not None and made_at(message_id) < oldest:
                del self._made[key]
