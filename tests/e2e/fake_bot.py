"""A bot small enough to be read at once, which speaks through the playground's real REST and gateway.

It stands in for the real one in tests of the page: two characters answer every person's message, each through
its own webhook. After a broken answer it reads the channel back before it sends again, as the real bot does.
"""

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from importlib import resources
from itertools import count
from typing import Any

import aiohttp

from actors.playground import BotState, PlaygroundServer

from .fake_inspector import FakeInspector

CAST = ("Maren", "Fitch")
INTENTS = 1 << 0 | 1 << 9 | 1 << 15
CUT = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class FakeBot:
    """The playground's `BotControl`, within the test's own process."""

    def __init__(self, server: PlaygroundServer, *, retry_s: float = 0.05, attempts_max: int = 8) -> None:
        self.inspector = FakeInspector()
        self._server = server
        self._retry_s = retry_s
        self._attempts_max = attempts_max
        self._ids = count(1)
        self._webhooks: dict[str, str] = {}
        self._unfinished: dict[str, tuple[str, str, str]] = {}
        self._running: asyncio.Task[None] | None = None
        self._inspector_port = 0
        self._is_up = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []

    @property
    def state(self) -> BotState:
        is_alive = self._running is not None and not self._running.done()
        return BotState.RUNNING if is_alive else BotState.STOPPED

    def watch(self, watcher: Callable[[], None]) -> None:
        self._watchers.append(watcher)

    async def start(self) -> None:
        if self.state is BotState.STOPPED:
            self._is_up.clear()
            self._running = asyncio.create_task(self._run())
            self._tell()
            await self._is_up.wait()

    async def kill(self) -> None:
        if self._running is not None and self.state is BotState.RUNNING:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._tell()

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            self._inspector_port = await stack.enter_async_context(self.inspector.serve(self._inspector_port))
            self._server.inspector_url = f"http://127.0.0.1:{self._inspector_port}"
            headers = {"Authorization": f"Bot {self._server.token}"}
            http = await stack.enter_async_context(aiohttp.ClientSession(headers=headers))
            while True:
                await self._listen(http)
                await asyncio.sleep(self._retry_s)

    async def _listen(self, http: aiohttp.ClientSession) -> None:
        """One connection to the gateway, to its end."""
        try:
            async with http.ws_connect(self._server.gateway_url) as socket:
                await socket.send_json({"op": 2, "d": {"token": self._server.token, "intents": INTENTS}})
                self._is_up.set()
                for response_id in list(self._unfinished):
                    await self._deliver(http, response_id, "restart")
                async for frame in socket:
                    event = json.loads(frame.data)
                    if event["t"] == "MESSAGE_CREATE" and not event["d"]["author"]["bot"]:
                        await self._answer(http, event["d"])
        except aiohttp.WSServerHandshakeError:
            return  # an outage

    async def _answer(self, http: aiohttp.ClientSession, heard: dict[str, Any]) -> None:
        channel, text = heard["channel_id"], heard["content"]
        if text.startswith("!"):
            body = {"content": "🎭 The scene is open with Maren, Fitch. Write a message and they answer."}
            async with http.post(f"{self._server.api_url}/channels/{channel}/messages", json=body):
                return
        for name in CAST:
            async with http.post(f"{self._server.api_url}/channels/{channel}/typing"):
                pass
            response_id = f"r{next(self._ids)}"
            self.inspector.begin(response_id, name)
            self._unfinished[response_id] = (channel, name, f"{name} heard “{text}” ({response_id}).")
            self.inspector.move(response_id, "Generated", "Sending", part=1)
            await self._deliver(http, response_id, None)

    async def _deliver(self, http: aiohttp.ClientSession, response_id: str, trouble: str | None) -> None:
        channel, name, text = self._unfinished[response_id]
        for attempt in range(1, self._attempts_max + 1):
            if trouble is None:
                trouble = await self._send(http, channel, name, text)
            if trouble is None:
                self.inspector.move(response_id, "Sent", "Delivered", attempt=attempt)
                del self._unfinished[response_id]
                return
            waiting = {"unconfirmed": True, "waits": "answer lost: reads the channel back", "last_error": trouble}
            self.inspector.move(response_id, "SendUnconfirmed", "Retrying", **waiting)
            await asyncio.sleep(self._retry_s)
            if await self._is_shown(http, channel, text):
                self.inspector.move(response_id, "FoundInChannel", "Delivered", unconfirmed=False)
                del self._unfinished[response_id]
                return
            self.inspector.move(response_id, "NotInChannel", "Sending", attempt=attempt + 1, unconfirmed=False)
            trouble = None

    async def _send(self, http: aiohttp.ClientSession, channel: str, name: str, text: str) -> str | None:
        url = await self._webhook(http, channel, name)
        try:
            async with http.post(url + "?wait=true", json={"content": text, "username": name}) as answer:
                return None if answer.status == 200 else f"HTTP {answer.status}"
        except CUT:
            return "connection reset"

    async def _is_shown(self, http: aiohttp.ClientSession, channel: str, text: str) -> bool:
        async with http.get(f"{self._server.api_url}/channels/{channel}/messages?limit=50") as answer:
            return any(message["content"] == text for message in await answer.json())

    async def _webhook(self, http: aiohttp.ClientSession, channel: str, name: str) -> str:
        key = f"{channel}/{name}"
        if key not in self._webhooks:
            picture = resources.files("actors.app").joinpath("cards", f"{name.lower()}.png").read_bytes()
            avatar = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
            body = {"name": name, "avatar": avatar}
            async with http.post(f"{self._server.api_url}/channels/{channel}/webhooks", json=body) as answer:
                made = await answer.json()
            self._webhooks[key] = f"{self._server.api_url}/webhooks/{made['id']}/{made['token']}"
        return self._webhooks[key]

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()
