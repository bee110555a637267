"""Stream moves to viewers as numbered frames, encoded once and kept in a ring buffer.

    tell ─► ring (bounded) ◄─ each viewer, at its own number ─► all frames since then, in one write

Failure modes: a viewer that does not keep up is disconnected and resumes by Last-Event-ID; a viewer whose frames have
left the ring starts from a snapshot.
"""

from __future__ import annotations

import json
import math
import random
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

import anyio

RING_MAX: Final = 4000
VIEWER_LAG_MAX: Final = 1000
"""Both in frames. At 1000 moves a second a viewer may be 1 s behind, and has 3 s to reconnect."""

RETRY_MS: Final = 500
"""When a browser should reconnect (HTML standard, server-sent events, "retry"); by default some wait for seconds."""

GATHER_S: Final = 0.05
"""Pause between two writes to a viewer. A write costs far more than the frames in it."""

REMEMBERED_S: Final = 60.0
"""How long a stream can be resumed after the last viewer left. Afterwards moves are not encoded, which is their
largest cost, until there is a viewer again.
"""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Viewer:
    """One open stream: first `backlog`, then the frames of `Feed.receive` until it is cut off."""

    def __init__(self, seen: int, backlog: bytes | None, on_overflow: Callable[[], None]) -> None:
        self.seen = seen
        """The newest number that was passed to it; later frames wait in the ring."""
        self.backlog = backlog
        """The frames since Last-Event-ID; None if the viewer needs a snapshot."""
        self.on_overflow = on_overflow


class Feed:
    """Numbers events and passes them to every viewer; `tell` never waits."""

    def __init__(self, now: Callable[[], float]) -> None:
        # An earlier process must have used lower numbers, or a browser would resume at the wrong frame.
        self.seq = int(now() * 1000)
        self._now = now
        self._left_at = -math.inf  # when the last viewer left
        self._ring: deque[bytes] = deque(maxlen=RING_MAX)  # the frames up to `seq`, without a gap
        self._viewers: set[Viewer] = set()
        self._rung = anyio.Event()

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def tell(self, event: str, fields: Callable[[], dict[str, Any]]) -> None:
        """Send one numbered event to all viewers."""
        self.seq += 1
        if not self._viewers and self._now() > self._left_at + REMEMBERED_S:
            self._ring.clear()
            return
        self._ring.append(self.frame(event, fields()))
        self._rung.set()
        for viewer in [each for each in self._viewers if self.seq - each.seen > VIEWER_LAG_MAX]:
            self.leave(viewer)
            viewer.on_overflow()

    def frame(self, event: str, fields: dict[str, Any]) -> bytes:
        """Encode an event under the newest number."""
        return f"id: {self.seq}\nevent: {event}\ndata: {compact_json({'seq': self.seq, **fields})}\n\n".encode()

    def join(self, last_seen: int | None, on_overflow: Callable[[], None]) -> Viewer:
        """Add a viewer that has seen everything up to `last_seen`."""
        viewer = Viewer(self.seq, None if last_seen is None else self.since(last_seen), on_overflow)
        self._viewers.add(viewer)
        return viewer

    def since(self, seen: int) -> bytes | None:
        """Return the frames after the number `seen`; None if some of them have left the ring."""
        return self._after(seen) if self.seq - len(self._ring) <= seen <= self.seq else None

    async def receive(self, viewer: Viewer) -> bytes:
        """Wait for frames that the viewer has not seen, and return all. Raises anyio.EndOfStream if it was cut off."""
        while viewer.seen == self.seq and viewer in self._viewers:
            if self._rung.is_set():
                self._rung = anyio.Event()
            await self._rung.wait()
        # Never send frames after a gap: the viewer would resume with a number after the gap, and miss it for good.
        if not 0 < self.seq - viewer.seen <= len(self._ring):
            raise anyio.EndOfStream
        frames, viewer.seen = self._after(viewer.seen), self.seq
        return frames

    def leave(self, viewer: Viewer) -> None:
        """End the viewer's stream."""
        self._viewers.discard(viewer)
        self._left_at = self._now()
        self._rung.set()

    def cut_off_all(self) -> None:
        """End every stream once its viewer has received the frames that it has not seen."""
        for viewer in tuple(self._viewers):
            self.leave(viewer)

    def _after(self, seen: int) -> bytes:
        newest_first = islice(reversed(self._ring), self.seq - seen)
        return b"".join([*newest_first][::-1])


def gathering_s() -> float:
    """Return a random pause between two writes: writes to all viewers at once would block the event loop."""
    return GATHER_S * random.uniform(0.5, 1.5)


def compact_json(value: object) -> str:
    return _ENCODER.encode(value)
