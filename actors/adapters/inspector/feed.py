"""The stream of moves: numbered frames, written down once and remembered for a while, whoever looks.

    tell ─► ring (bounded) ◄─ each viewer, at its own number ─► what came since, at once

Failure modes: a viewer that does not keep up is cut off and comes back by Last-Event-ID; one that was away for
longer than the ring remembers starts from a snapshot.
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
"""Frames; at a thousand moves a second a second of a viewer's delay, and three to come back in."""

RETRY_MS: Final = 500
"""When a browser is to come back (HTML standard, server-sent events, "retry"); of themselves some wait for seconds."""

GATHER_S: Final = 0.05
"""How long a viewer that was just written to is left alone. A write costs far more than the frames in it."""

REMEMBERED_S: Final = 60.0
"""How long after the last viewer left its stream can still be resumed. A move costs most by being written down:
while nobody looks, none is.
"""

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Viewer:
    """One open stream: `backlog` first, then what `Feed.receive` gives until it is cut off."""

    def __init__(self, seen: int, backlog: bytes | None, on_overflow: Callable[[], None]) -> None:
        self.seen = seen
        """The newest number that was handed to it; what lies after it waits in the ring."""
        self.backlog = backlog
        """What was missed since Last-Event-ID; None where only a snapshot tells it."""
        self.on_overflow = on_overflow


class Feed:
    """Numbers events and hands them to every viewer; telling never waits."""

    def __init__(self, now: Callable[[], float]) -> None:
        # Numbers of an earlier process must lie below those of this one, or a browser would resume wrongly.
        self.seq = int(now() * 1000)
        self._now = now
        self._left_at = -math.inf  # when the last viewer went
        self._ring: deque[bytes] = deque(maxlen=RING_MAX)  # the frames up to `seq`, without a gap
        self._viewers: set[Viewer] = set()
        self._rung = anyio.Event()

    @property
    def viewer_count(self) -> int:
        return len(self._viewers)

    def tell(self, event: str, fields: Callable[[], dict[str, Any]]) -> None:
        """Send one event, numbered, to everybody."""
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
        """An event under the newest number, as it goes on the wire."""
        return f"id: {self.seq}\nevent: {event}\ndata: {compact_json({'seq': self.seq, **fields})}\n\n".encode()

    def join(self, last_seen: int | None, on_overflow: Callable[[], None]) -> Viewer:
        """A new viewer, that has seen everything up to `last_seen`."""
        viewer = Viewer(self.seq, None if last_seen is None else self.since(last_seen), on_overflow)
        self._viewers.add(viewer)
        return viewer

    def since(self, seen: int) -> bytes | None:
        """The frames after the number `seen`; None where not all of them are remembered."""
        return self._after(seen) if self.seq - len(self._ring) <= seen <= self.seq else None

    async def receive(self, viewer: Viewer) -> bytes:
        """All frames that it has not seen, waiting for one. Raises anyio.EndOfStream once it was cut off."""
        while viewer.seen == self.seq and viewer in self._viewers:
            if self._rung.is_set():
                self._rung = anyio.Event()
            await self._rung.wait()
        # Frames with a gap before them would be lost for good: it would come back with the number behind the gap.
        if not 0 < self.seq - viewer.seen <= len(self._ring):
            raise anyio.EndOfStream
        frames, viewer.seen = self._after(viewer.seen), self.seq
        return frames

    def leave(self, viewer: Viewer) -> None:
        """End its stream."""
        self._viewers.discard(viewer)
        self._left_at = self._now()
        self._rung.set()

    def cut_off_all(self) -> None:
        """End every stream after what its viewer has not seen yet."""
        for viewer in tuple(self._viewers):
            self.leave(viewer)

    def _after(self, seen: int) -> bytes:
        newest_first = islice(reversed(self._ring), self.seq - seen)
        return b"".join([*newest_first][::-1])


def gathering_s() -> float:
    """How long to leave a viewer alone this time: by chance, since many writes in a row would hold all else up."""
    return GATHER_S * random.uniform(0.5, 1.5)


def compact_json(value: object) -> str:
    return _ENCODER.encode(value)
