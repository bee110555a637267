"""The real discord.py, pointed at a playground, with its events on queues."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from actors.playground import PlaygroundServer
from tests.patience import PATIENCE_S


class Bot(discord.Client):
    """Puts every event that it sees on a queue of its name."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, guild_ready_timeout=0.05)
        self._seen: dict[str, asyncio.Queue[Any]] = {}

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - discord.py's own
        self._queue(event).put_nowait(args)
        super().dispatch(event, *args, **kwargs)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without discord.py's wait of 5 s before a second identify."""

    async def seen(self, event: str) -> Any:  # noqa: ANN401 - any of discord.py's objects
        """The next event of that name: its argument, or all of them if there are several."""
        async with asyncio.timeout(PATIENCE_S):
            args = await self._queue(event).get()
        return args[0] if len(args) == 1 else args

    def unseen(self, event: str) -> int:
        """How many events of that name nobody asked for yet."""
        return self._queue(event).qsize()

    def channel(self, server: PlaygroundServer, name: str) -> discord.TextChannel:
        """The client's own copy of a channel."""
        channel = self.get_channel(server.discord.find_channel(name).id)
        assert isinstance(channel, discord.TextChannel)
        return channel

    def _queue(self, event: str) -> asyncio.Queue[Any]:
        return self._seen.setdefault(event, asyncio.Queue())


def point_discord_at(server: PlaygroundServer) -> None:
    """Process-wide, as discord.py keeps its addresses."""
    Route.BASE = server.api_url
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)


def all_intents() -> discord.Intents:
    intents = discord.Intents.default()
    intents.message_content = True
    return intents


@asynccontextmanager
async def connected(server: PlaygroundServer, intents: discord.Intents | None = None) -> AsyncIterator[Bot]:
    """A client that is ready; closed at the end."""
    point_discord_at(server)
    bot = Bot(intents or all_intents())
    running = asyncio.create_task(bot.start(server.token))
    try:
        await bot.seen("ready")
        yield bot
    finally:
        await bot.close()
        running.cancel()  # A client that waits to reconnect would sleep on.
        await asyncio.wait([running])
        if not running.cancelled():
            running.result()
