"""A server and a client for each test, over real sockets."""

from collections.abc import AsyncIterator

import pytest

from actors.playground import PlaygroundServer

from .client import Bot, connected
from .wire_client import WireClient


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


@pytest.fixture
async def bot(server: PlaygroundServer) -> AsyncIterator[Bot]:
    async with connected(server) as bot:
        yield bot


@pytest.fixture
async def wire(server: PlaygroundServer) -> AsyncIterator[WireClient]:
    async with WireClient(server) as wire:
        yield wire
