"""Sends pages everything that happens, as server-sent events: a snapshot, then every change.

    World, gateway, bot, faults ─publish─► the last 1,000 changes ─► one bounded queue a page ─► browser

A page that reconnects names the last event that it saw and gets the events that it missed. If these are no longer
kept, or the server was restarted, it gets a fresh snapshot.
Failure modes: a page that does not read is disconnected when its queue is full; it reconnects automatically.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import Callable

from aiohttp import web

from .records import Json

RECENT_MAX = 1_000
"""How many changes a page can miss and still continue without a snapshot."""
QUEUE_MAX = 1_000
PAGES_MAX = 20
"""Open pages; each keeps a connection."""
PING_S = 15.0
"""Detects a connection that was lost without a close."""
HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
PING = b": ping\n\n"

Queue = asyncio.Queue[bytes | None]


class Feed:
    """Numbers the changes, and sends them to every open page."""

    def __init__(self, snapshot: Callable[[], Json]) -> None:
        self._snapshot = snapshot
        self._run = secrets.token_hex(4)
        self._seq = 0
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=RECENT_MAX)
        self._queues: set[Queue] = set()

    def publish(self, kind: str, body: Json) -> None:
        """Sends a change to every page."""
        self._seq += 1
        frame = self._frame(kind, body)
        self._recent.append((self._seq, frame))
        for queue in tuple(self._queues):
            if queue.full():
                self._cut(queue)
            else:
                queue.put_nowait(frame)

    def close(self) -> None:
        """Ends every stream."""
        for queue in tuple(self._queues):
            self._cut(queue)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Serves one page until it disconnects; 503 for a page too many."""
        if len(self._queues) >= PAGES_MAX:
            return web.json_response({"message": "too many pages are open: close one, then reload"}, status=503)
        response = web.StreamResponse(headers=HEADERS)
        queue: Queue = asyncio.Queue(QUEUE_MAX)
        first = self._missed(request.headers.get("Last-Event-ID") or request.query.get("last", ""))
        self._queues.add(queue)
        try:
            await response.prepare(request)
            for frame in first:
                await response.write(frame)
            await _pass_on(queue, response)
        except ConnectionError:
            return response  # the page has disconnected
        finally:
            self._queues.discard(queue)
        return response

    def _missed(self, last: str) -> list[bytes]:
        run, _, digits = last.partition("-")
        seq = int(digits) if digits.isascii() and digits.isdigit() else -1
        oldest = self._recent[0][0] if self._recent else self._seq + 1
        if run == self._run and oldest - 1 <= seq <= self._seq:
            return [frame for each, frame in self._recent if each > seq]
        return [self._frame("snapshot", self._snapshot())]

    def _frame(self, kind: str, body: Json) -> bytes:
        text = json.dumps(body, ensure_ascii=False)
        return f"id: {self._run}-{self._seq}\nevent: {kind}\ndata: {text}\n\n".encode()

    def _cut(self, queue: Queue) -> None:
        """Ends a stream at once and drops its queue; the page gets these events when it reconnects."""
        self._queues.discard(queue)
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(None)


async def _pass_on(queue: Queue, response: web.StreamResponse) -> None:
    while True:
        try:
            async with asyncio.timeout(PING_S):
                frame = await queue.get()
        except TimeoutError:
            frame = PING
        if frame is None:
            return
        await response.write(frame)
