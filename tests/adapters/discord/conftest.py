"""Servers and logged-in adapters, over real sockets; what a test changes process-wide is put back."""

from collections.abc import AsyncIterator, Iterator

import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from actors.playground import PlaygroundServer

from .rest import Clock, Rest, logged_in
from .scripted import ScriptedDiscord

TRY_TIMEOUT_S = 0.5


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _addresses() -> Iterator[None]:
    base, gateway = Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY
    yield
    Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def scripted(anyio_backend: str) -> AsyncIterator[ScriptedDiscord]:
    async with ScriptedDiscord() as server:
        yield server


@pytest.fixture
async def rest(scripted: ScriptedDiscord, clock: Clock) -> AsyncIterator[Rest]:
    """Logged in at the scripted server; tries take TRY_TIMEOUT_S at most."""
    async with logged_in(scripted.api_url, now=clock.now, try_timeout_s=TRY_TIMEOUT_S) as rest:
        yield rest


@pytest.fixture
async def playground(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


@pytest.fixture
async def local(playground: PlaygroundServer) -> AsyncIterator[Rest]:
    """Logged in at the playground."""
    async with logged_in(playground.api_url, token=playground.token) as rest:
        yield rest
