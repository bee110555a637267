"""A server that answers the next request exactly as a test says: what no playground would do."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

import anyio
from aiohttp import web

USER_ID, APPLICATION_ID, CHANNEL_ID, WEBHOOK_ID = 11, 12, 21, 31
BROKEN_LENGTH = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `how` may break it: cut it before or within the body, or never give it."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    how: Literal["whole", "cut", "half", "never"] = "whole"


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    body: Any
    at: float  # by the loop's clock


def as_json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body), {"Content-Type": "application/json"} | (headers or {}))


def message(**fields: object) -> dict[str, object]:
    author = {"id": str(USER_ID), "username": "Ensemble", "discriminator": "0", "avatar": None, "bot": True}
    known: dict[str, object] = {
        "id": "41",
        "channel_id": str(CHANNEL_ID),
        "type": 0,
        "content": "Hello",
        "author": author,
        "timestamp": "2025-01-01T00:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
    }
    return known | fields


class ScriptedDiscord:
    """Logs anybody in; every other request gets the next answer of the script and is kept."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.logins: deque[Answer] = deque()
        self.script: deque[Answer] = deque()
        self._stopped = asyncio.Event()
        app = web.Application()
        app.router.add_get("/api/v10/users/@me", self._login)
        app.router.add_get("/api/v10/oauth2/applications/@me", self._application)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/api/v10"

    def will(self, *answers: Answer) -> Callable[[], list[Request]]:
        """Set the script; returns what tells the requests that came since."""
        self.script = deque(answers)
        begun = len(self.requests)
        return lambda: self.requests[begun:]

    async def _login(self, request: web.Request) -> web.StreamResponse:
        user = {"id": str(USER_ID), "username": "Ensemble", "discriminator": "0", "avatar": None, "bot": True}
        self.requests.append(Request("GET", request.path, {}, None, anyio.current_time()))
        return await self._give(request, self.logins.popleft() if self.logins else as_json(user))

    async def _application(self, request: web.Request) -> web.StreamResponse:
        owner = {"id": "1", "username": "Owner", "discriminator": "0", "avatar": None}
        body = {"id": str(APPLICATION_ID), "name": "Ensemble", "icon": None, "description": "", "owner": owner}
        switches = {"bot_public": False, "bot_require_code_grant": False, "verify_key": "", "flags": 0}
        return await self._give(request, as_json(body | switches))

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        text = await request.text()
        body = json.loads(text) if text else None
        self.requests.append(Request(request.method, request.path, dict(request.query), body, anyio.current_time()))
        answer = self.script.popleft() if self.script else as_json({"message": "not in the script"}, 418)
        return await self._give(request, answer)

    async def _give(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        if answer.how == "whole":
            return web.Response(status=answer.status, body=answer.body.encode(), headers=answer.headers)
        if answer.how == "never":
            await self._stopped.wait()
        if request.transport is None:
            return web.Response()  # the client has gone
        if answer.how == "half":
            head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {BROKEN_LENGTH}\r\n"
            lines = "".join(f"{name}: {value}\r\n" for name, value in answer.headers.items())
            request.transport.write((head + lines + "\r\n" + answer.body).encode())
            request.transport.close()
        else:
            request.transport.abort()
        return web.Response()
