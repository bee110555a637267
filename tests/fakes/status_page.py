"""A status page of Statuspage's kind over real sockets: what it reports can be changed, and each part broken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.abc import SocketAttribute, SocketStream

STATUS: Final = "status.json"
INCIDENTS: Final = "incidents/unresolved.json"
MAINTENANCES: Final = "scheduled-maintenances/active.json"
SUMMARY: Final = "summary.json"
PARTS: Final = (STATUS, INCIDENTS, MAINTENANCES, SUMMARY)

Talk = Callable[[SocketStream], Awaitable[None]]


def incident(name: str, impact: str = "major", status: str = "investigating") -> dict[str, Any]:
    return {"id": name[:4], "name": name, "status": status, "impact": impact, "incident_updates": []}


def maintenance(name: str, status: str = "in_progress") -> dict[str, Any]:
    return incident(name, "maintenance", status) | {"scheduled_for": "2026-01-01T00:00:00Z"}


def component(name: str, status: str, *, group: bool = False) -> dict[str, Any]:
    return {"id": name[:4], "name": name, "status": status, "group": group, "position": 1}


@dataclass
class StatusPage:
    """What the page reports; `broken` parts answer in their own way, `asked` are the parts that were asked for."""

    indicator: str = "none"
    incidents: list[Any] = field(default_factory=list)
    maintenances: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    broken: dict[str, Talk] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def times_asked(self) -> int:
        return self.asked.count(STATUS)

    async def hear(self, stream: SocketStream) -> None:
        """One request a connection."""
        async with stream:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += await stream.receive()
                part = head.split()[1].decode().removeprefix("/api/v2/")
                self.asked.append(part)
                await self.broken.get(part, self._talk(part))(stream)
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return  # the client had enough

    def _talk(self, part: str) -> Talk:
        status = {"status": {"indicator": self.indicator, "description": "Words"}}
        incidents, planned = {"incidents": self.incidents}, {"scheduled_maintenances": self.maintenances}
        whole = {**status, **incidents, **planned, "components": self.components}
        parts: dict[str, dict[str, Any]] = {STATUS: status, INCIDENTS: incidents, MAINTENANCES: planned, SUMMARY: whole}
        if part not in parts:
            return answering(b"", status=404)
        return answering(json.dumps({"page": {}} | parts[part]).encode())


def answering(body: bytes, *, status: int = 200) -> Talk:
    async def talk(stream: SocketStream) -> None:
        head = f"HTTP/1.1 {status} Answer\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        await stream.send(head.encode() + body)

    return talk


async def silence(stream: SocketStream) -> None:
    """Take the request and never answer."""
    await anyio.sleep_forever()


async def hang_up(stream: SocketStream) -> None:
    """Take the request and close."""


@asynccontextmanager
async def serving(page: StatusPage) -> AsyncIterator[StatusPage]:
    """Serve it at `page.url` until the block ends."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, page.hear)
        page.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}/api/v2"
        yield page
        group.cancel_scope.cancel()
