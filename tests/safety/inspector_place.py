"""An inspector over a store in memory, and what strangers send to its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from actors.adapters.store import memory_store
from actors.ports import Noted, TraceEvent
from tests.adapters.inspector.stage import Stage, serving
from tests.contracts.scene import open_scene
from tests.patience import PATIENCE_S

TOKEN = "correct horse battery staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Clock:
    """Wall time that a test sets."""

    at: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Told:
    """The lines that the inspector would log."""

    lines: list[str] = field(default_factory=list)

    def publish(self, event: TraceEvent) -> None:
        if isinstance(event, Noted):
            self.lines.append(event.words)


@asynccontextmanager
async def inspecting(**options: Any) -> AsyncIterator[Stage]:  # noqa: ANN401 - the Inspector's own
    store = memory_store()
    try:
        async with serving(store, await open_scene(store), **options) as stage:
            yield stage
    finally:
        await store.aclose()


@asynccontextmanager
async def connected(stage: Stage, sent: bytes = b"") -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.inspector.port)
    writer.write(sent)
    yield reader
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """What the server sends until it closes the connection."""
    async with asyncio.timeout(PATIENCE_S):
        with suppress(ConnectionError):
            return await reader.read()
    return b""
