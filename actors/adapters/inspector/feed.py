"""The stream of moves: numbered frames, a bounded ring to resume from, a bounded queue for each viewer.

Failure modes: a viewer that does not keep up is cut off and comes back by Last-Event-ID; one that was away for
longer than the ring remembers starts from a snapshot.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

RING_MAX: Final = 2000
VIEWER_QUEUE_MAX: Final = 500
"""Frames; at a thousand moves a second half a second of a viewer's delay."""

REMEMBERED_S: Final = 60.0
"""How long after the last viewer left its stream can still be resumed. A move costs most by being written down:
while nobody looks, none is.
"""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Viewer:
    """One open stream: `backlog` first, then `receive` until the feed cuts it off."""

    def __init__(self, backlog: tuple[bytes, ...] | None, on_overflow: Callable[[], None]) -> None:
        self.backlog = backlog
        """What was missed since Last-Event-ID; None where only a snapshot tells it."""
        self._on_overflow = on_overflow
        self._frames: MemoryObjectSendStream[bytes]
        self._received: MemoryObjectReceiveStream[bytes]
        self._frames, self._received = anyio.create_memory_object_stream(VIEWER_QUEUE_MAX)

    def offer_nowait(self, frame: bytes) -> bool:
        """Queue a frame; False, and the end of this viewer, when its queue is full."""
        try:
            self._frames.send_nowait(frame)
        except anyio.WouldBlock:
            self.cut_off()
            self._on_overflow()
            return False
        return True

    def cut_off(self) -> None:
        """End the stream after what is queued."""
        self._frames.close()

    async def receive(self) -> bytes:
        """All frames that are queued, waiting for one. Raises anyio.EndOfStream."""
        frames = [await self._received.receive()]
        while self._received.statistics().current_buffer_used:
            frames.append(self._received.receive_nowait())
        return b"".join(frames)

    def close(self) -> None:
        """Forget what is queued as well."""
        self.cut_off()
        self._received.close()


class Feed:
    """Numbers events and hands them to every viewer; never waits."""

    def __init__(self, now: Callable[[], float]) -> None:
        # Numbers of an earlier process must lie below those of this one, or a browser would resume wrongly.
        self.seq = int(now() * 1000)
        self._now = now
        self._left_at = -math.inf  # when the last viewer went
        self._ring: deque[tuple[int, bytes]] = deque(maxlen=RING_MAX)
        self._viewers: set[Viewer] = set()

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def tell(self, event: str, fields: Callable[[], dict[str, Any]]) -> None:
        """Send one event, numbered, to everybody."""
        self.seq += 1
        if not self._viewers and self._now() > self._left_at + REMEMBERED_S:
            self._ring.clear()
            return
        frame = self.frame(event, fields())
        self._ring.append((self.seq, frame))
        slow = [viewer for viewer in self._viewers if not viewer.offer_nowait(frame)]
        for viewer in slow:
            self.leave(viewer)

    def frame(self, event: str, fields: dict[str, Any]) -> bytes:
        """An event under the newest number, as it goes on the wire."""
        return f"id: {self.seq}\nevent: {event}\ndata: {compact_json({'seq': self.seq, **fields})}\n\n".encode()

    def join(self, last_seen: int | None, on_overflow: Callable[[], None]) -> Viewer:
        """A new viewer, that has seen everything up to `last_seen`."""
        viewer = Viewer(self._missed(last_seen), on_overflow)
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)
        self._left_at = self._now()
        viewer.cut_off()

    def cut_off_all(self) -> None:
        """End every stream."""
        for viewer in tuple(self._viewers):
            self.leave(viewer)

    def _missed(self, last_seen: int | None) -> tuple[bytes, ...] | None:
        oldest = self._ring[0][0] if self._ring else self.seq + 1
        if last_seen is None or not oldest - 1 <= last_seen <= self.seq:
            return None
        return tuple(frame for seq, frame in self._ring if seq > last_seen)


def compact_json(value: object) -> str:
    return _ENCODER.encode(value)
