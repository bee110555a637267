"""A served inspector over a real store, a line told to both, and the client that a browser is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio

from actors.adapters.inspector import Inspector
from actors.adapters.store import SqlStore
from actors.ports import Asked, AskedMessage, AskedTexts, Context, Exchange, Moved, Request
from machines.facts import Fact, Generated, Sent, Started
from machines.response import Limits, Move, advance
from tests.contracts.scene import MIRA, NOW, Line, Scene
from tests.patience import PATIENCE_S

SECRET = "the smuggler's words"
"""What people wrote: no answer of the inspector may hold it."""

REQUEST = Request("POST", "/v1/chat/completions", 1.5, 200, {"x-request-id": "r-1"})
MESSAGES = (AskedMessage("system", "card", 9, is_shortened=True), AskedMessage("user", "history", len(SECRET)))
ASKED = Asked("a-model", 1, MESSAGES, 40, 9, 1, 700, "ok", 1.5, raw_characters=len(SECRET))
TEXTS = AskedTexts(("Be Mira: " + SECRET, SECRET), raw=f"Mira: {SECRET}", cleaned=SECRET)


@dataclass
class Event:
    id: int
    name: str
    data: dict[str, Any]


class Stream:
    """Server-sent events, read as a browser reads them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.text = ""

    async def line(self) -> str:
        """The next line; empty between events. Raises EOFError at the end of the stream."""
        with anyio.fail_after(PATIENCE_S):
            raw = await self.response.content.readline()
        if not raw:
            raise EOFError
        self.text += raw.decode()
        return raw.decode().rstrip("\n")

    async def to_its_end(self) -> None:
        """Read on until it ends. Raises what it ends with."""
        while True:
            await self.line()

    async def event(self) -> Event:
        fields: dict[str, str] = {}
        while True:
            line = await self.line()
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value
            elif not line and fields:
                return Event(int(fields["id"]), fields["event"], json.loads(fields["data"]))


@dataclass
class Stage:
    """One inspector and those who look at it."""

    inspector: Inspector
    client: aiohttp.ClientSession
    scene: Scene

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.inspector.port}{path}"

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        """(status, body, headers) of a path."""
        async with self.client.get(self.url(path), headers=headers, allow_redirects=False) as response:
            return response.status, await response.text(), response.headers

    async def json(self, path: str) -> Any:  # noqa: ANN401 - whatever the API says
        status, body, _ = await self.get(path)
        assert status == 200, body
        return json.loads(body)

    @asynccontextmanager
    async def events(self, last_seen: int | None = None, **headers: str) -> AsyncIterator[Stream]:
        if last_seen is not None:
            headers["Last-Event-ID"] = str(last_seen)
        async with self.client.get(self.url("/events"), headers=headers) as response:
            assert response.status == 200
            yield Stream(response)

    async def recorded_line(self) -> str:
        """A response whose text was written, with what the model was asked; its id."""
        line = (await self.line()).line
        move = advance(line.response, Generated(NOW + 1, (SECRET,)))
        exchange = Exchange((REQUEST,), ASKED, TEXTS)
        await line.store.record(line.claim, line.response, move, exchange=exchange)
        return line.response.id

    async def line(self, number: int = 1) -> TracedLine:
        """A new line, heard and started."""
        await self.scene.hear(10 + number)
        line = await self.scene.line()
        traced = TracedLine(line, self.inspector)
        response = line.response
        move = advance(response, Started(NOW))
        await line.store.start(line.claim, line.record, line.ordinal, move)
        traced.publish(move)
        return traced


@dataclass
class TracedLine:
    """A line whose moves become durable, and are then published: as the actors do it."""

    line: Line
    inspector: Inspector

    @property
    def id(self) -> str:
        return self.line.response.id

    def publish(self, move: Move) -> None:
        context = Context(self.id, self.line.claim.session_id, MIRA.name, Limits())
        self.inspector.publish(Moved(context, move, SECRET))

    async def tell(self, *facts: Fact, published: bool = True) -> None:
        for fact in facts:
            move = advance(self.line.response, fact)
            await self.line.store.record(self.line.claim, self.line.response, move, self.line.writes(move))
            if published:
                self.publish(move)

    async def generate(self, *, parts: int = 1, at: float = NOW + 1) -> None:
        await self.tell(Generated(at, tuple(f"{SECRET} {n}" for n in range(parts))))
        await self.line.keep_intent()

    async def deliver(self, *, at: float = NOW + 2) -> None:
        await self.tell(Sent(at, 900 + int(at - NOW), SECRET))


@asynccontextmanager
async def serving(store: SqlStore, scene: Scene, **options: Any) -> AsyncIterator[Stage]:  # noqa: ANN401
    """An inspector on a port of its own, and a client; with `options` of its class."""
    address, token = options.pop("address", "127.0.0.1:0"), options.pop("token", None)
    inspector = Inspector(address, token, journal=store, **options)
    async with anyio.create_task_group() as group, aiohttp.ClientSession() as client:
        await group.start(inspector.run)
        yield Stage(inspector, client, scene)
        group.cancel_scope.cancel()
