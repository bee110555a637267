"""Says what holds the event loop: while one coroutine computes, no other line, heartbeat or health check goes on.

    the loop ─► a beat every 50 ms        a thread ─► no beat for 250 ms: where is the loop's thread now? ─► one warning

Only places in the code are named, never values: those may be people's words.
Failure modes: what holds the loop within a library's own C code shows the Python line that called it.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import anyio

from actors.adapters.inspector.seldom import Seldom

HELD_S: Final = 0.25
BEAT_S: Final = 0.05
LOOK_S: Final = 0.05
PLACES_MAX: Final = 5

ROOT: Final = Path(__file__).parents[2]
OWN: Final = ("actors", "machines")


class Watchdog:
    """`run` beats on the loop until it is cancelled; `say` is called on another thread, at most once a minute."""

    def __init__(self, say: Callable[[str], None], *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held = Seldom(say, now)
        self._beat_at = now()
        self._ended = threading.Event()

    async def run(self) -> None:
        """Watch the loop that this runs on."""
        watched = threading.get_ident()
        self._beat_at = self._now()
        thread = threading.Thread(target=self._watch, args=(watched,), name="ensemble-watchdog", daemon=True)
        thread.start()
        try:
            while True:
                await anyio.sleep(BEAT_S)
                self._beat_at = self._now()
        finally:
            self._ended.set()

    def _watch(self, watched: int) -> None:
        told_of = 0.0  # the beat after which the loop was held last
        while not self._ended.wait(LOOK_S):
            beat_at = self._beat_at
            if self._now() - beat_at > BEAT_S + HELD_S and beat_at != told_of:
                told_of = beat_at
                if frame := sys._current_frames().get(watched):
                    self._held.note(f"The event loop was held for more than {HELD_S * 1000:.0f} ms at {places(frame)}")


def places(frame: FrameType | None) -> str:
    """The innermost places of our own code, the newest first: `actors/roleplay/macros.py:79 draw`; else the newest."""
    newest, own = frame, list[str]()
    while frame is not None and len(own) < PLACES_MAX:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in OWN:
            own.append(f"{path.relative_to(ROOT).as_posix()}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    if own or newest is None:
        return " ← ".join(own)
    return f"{Path(newest.f_code.co_filename).name}:{newest.f_lineno} {newest.f_code.co_name}"
