"""Writes one WebSocket: frames are sent in order from a bounded queue, compressed if the client asked for it."""

import asyncio
import zlib
from dataclasses import dataclass

from aiohttp import web

OUTBOX_MAX = 20_000
"""Frames. A client that is further behind is disconnected; it can resume."""
ZLIB_STREAM = "zlib-stream"


@dataclass(frozen=True, slots=True)
class _Close:
    code: int


class Connection:
    """Sending never waits; one task does the writing."""

    def __init__(self, socket: web.WebSocketResponse, compression: str | None) -> None:
        self.closed_by_us = False
        self._socket = socket
        self._outbox: asyncio.Queue[str | _Close] = asyncio.Queue()
        self._deflate = zlib.compressobj() if compression == ZLIB_STREAM else None

    def send(self, text: str) -> None:
        """Queues a frame; frames after `close` are dropped."""
        if self.closed_by_us:
            return
        self._outbox.put_nowait(text)
        if self._outbox.qsize() > OUTBOX_MAX:
            self.close(4008)

    def close(self, code: int) -> None:
        """Closes after every queued frame has been sent."""
        if not self.closed_by_us:
            self.closed_by_us = True
            self._outbox.put_nowait(_Close(code))

    async def write_all(self) -> None:
        """Writes until the connection is closed or the client is gone."""
        while True:
            item = await self._outbox.get()
            try:
                if isinstance(item, _Close):
                    await self._socket.close(code=item.code)
                    return
                await self._write(item)
            except ConnectionError:
                return  # the reading side sees the disconnect too, and ends this connection

    async def _write(self, text: str) -> None:
        if self._deflate is None:
            await self._socket.send_str(text)
        else:
            frame = self._deflate.compress(text.encode()) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
            await self._socket.send_bytes(frame)
