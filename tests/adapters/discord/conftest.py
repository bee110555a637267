"""Servers and logged-in adapters, over real sockets; what a test changes process-wide is put back."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import discord.http
import discord.webhook.async_
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from actors.adapters.discord.places import Place
from actors.playground import PlaygroundServer

from .rest import Clock, Rest, logged_in
from .scripted import CHANNEL_ID, WEBHOOK_ID, ScriptedDiscord


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
    """Logged in at the scripted server; a try's time is only up where a test is `hasty`."""
    async with logged_in(scripted.api_url, now=clock.now) as rest:
        yield rest


@pytest.fixture
async def known(rest: Rest) -> Rest:
    """With a channel that was met before, and a webhook in it."""
    await rest.table.keep_webhook(CHANNEL_ID, "mira", WEBHOOK_ID, "secret")
    rest.voice._places._known[CHANNEL_ID] = Place(CHANNEL_ID)
    return rest


@pytest.fixture
async def playground(anyio_backend: str) -> AsyncIterator[PlaygroundServer]:
    async with PlaygroundServer() as server:
        yield server


@pytest.fixture
async def local(playground: PlaygroundServer) -> AsyncIterator[Rest]:
    """Logged in at the playground."""
    async with logged_in(playground.api_url, token=playground.token) as rest:
        yield rest


class Sleepless:
    """asyncio as discord.py has it here: it must not sleep and try again behind our back."""

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError(f"discord.py sleeps {delay_s} s")


@pytest.fixture
def sleepless(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py fails where it sleeps."""
    for module in (discord.http, discord.webhook.async_):
        monkeypatch.setattr(module, "asyncio", Sleepless())
