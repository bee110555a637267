"""Keeps one client's gateway session across its connections: events are numbered and kept for a replay."""

import json
import secrets
from collections import deque

from .connection import Connection
from .dispatch import Intent, body_of, is_wanted
from .events import Event
from .local_discord import LocalDiscord
from .records import Json

REPLAY_MAX = 5_000
"""A client that missed more events than this has to identify afresh."""


class Session:
    """Numbers the events that its client wants, whether it is connected or not."""

    def __init__(self, intents: Intent, shard: tuple[int, int]) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.shard = shard
        self.connection: Connection | None = None
        self._seq = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=REPLAY_MAX)

    def publish(self, discord: LocalDiscord, event: Event) -> None:
        """Dispatches an event of the world if the client's intents and shard include it."""
        if is_wanted(discord, event, self.intents, self.shard):
            self.dispatch(event.name, body_of(discord, event, self.intents))

    def dispatch(self, name: str, body: Json, *, is_kept: bool = True) -> None:
        """Numbers and keeps an event, and sends it if the client is connected."""
        self._seq += 1
        frame = json.dumps({"op": 0, "t": name, "s": self._seq, "d": body}, ensure_ascii=False)
        if is_kept:
            self._kept.append((self._seq, frame))
        if self.connection is not None:
            self.connection.send(frame)

    def can_replay(self, seq: int) -> bool:
        """Whether every event above that number is still kept."""
        oldest = self._kept[0][0] if self._kept else 1
        return oldest - 1 <= seq <= self._seq

    def replay(self, seq: int) -> None:
        """Sends every event above that number again."""
        for number, frame in self._kept:
            if number > seq and self.connection is not None:
                self.connection.send(frame)
