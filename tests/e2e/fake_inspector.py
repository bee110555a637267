"""The bot's inspector as the page knows it: its event stream, its drawing, its list of responses."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from machines.diagrams.layout import Size
from machines.diagrams.svg import edge_key, svg
from machines.response import MACHINE

FINAL = ("Delivered", "Failed")


class FakeInspector:
    """Holds the views and streams their moves; `serve` may be entered again after it has ended, as a restart does."""

    def __init__(self) -> None:
        self.views: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        """The path of every request, oldest first."""
        self._seq = 0
        self._streams: set[asyncio.Queue[tuple[str, object] | None]] = set()

    def begin(self, response_id: str, name: str) -> None:
        """A response that has just started to be generated."""
        now = time.time()
        self.views[response_id] = {
            "id": response_id,
            "session": "s1",
            "name": name,
            "state": "[*]",
            "part": 0,
            "parts": 1,
            "attempt": 1,
            "attempts_max": 3,
            "unconfirmed": False,
            "cancel_by": None,
            "started_at": now,
            "entered_at": now,
            "due_at": None,
            "deadline_at": now + 300,
            "waits": "The model is writing (try 1 of 3)",
            "last_error": None,
            "is_final": False,
            "path": [],
            "legal": [],
            "counts": {},
        }
        self.move(response_id, "Started", "Generating")

    def move(self, response_id: str, fact: str, to: str, **changed: object) -> None:
        """One row taken; `changed` are fields of the view."""
        view, now = self.views[response_id], time.time()
        self._seq += 1
        move = {
            "seq": self._seq,
            "fact": fact,
            "from": view["state"],
            "to": to,
            "at": now,
            "attempt": view["attempt"],
            "part": view["part"],
            "reason": changed.get("last_error"),
        }
        edge = edge_key(view["state"], to)
        counts = view["counts"] | {edge: view["counts"].get(edge, 0) + 1}
        now_is = {"state": to, "entered_at": now, "is_final": to in FINAL, "path": [*view["path"], move]}
        # Another view each time: a page that is told late is told of this move.
        self.views[response_id] = view = view | now_is | {"counts": counts} | changed
        for stream in self._streams:
            stream.put_nowait(("move", {"seq": self._seq, "response": view, "move": move}))

    def tell(self, view: dict[str, Any]) -> None:
        """A view of the real inspector's shape, after its newest move."""
        self.views[view["id"]] = view
        self._publish("move", {"response": view, "move": view["path"][-1]})

    def hold(self, response_id: str, pause: dict[str, object] | None) -> None:
        """A breakpoint holds it; with None it does so no longer."""
        self.views[response_id] = self.views[response_id] | {"paused": pause}
        self._publish("paused", {"response": response_id, "paused": pause})

    def _publish(self, kind: str, body: dict[str, object]) -> None:
        self._seq += 1
        for stream in self._streams:
            stream.put_nowait((kind, {"seq": self._seq, **body}))

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[int]:
        """Serves on a port of the loopback, given back; ends at once, as a killed process does."""
        app = web.Application()
        app.router.add_get("/events", self._events)
        app.router.add_get("/api/machines/response.svg", self._drawing)
        app.router.add_get("/api/responses", self._responses)
        runner = web.AppRunner(app, shutdown_timeout=0.05)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield int(runner.addresses[0][1])
        finally:
            for stream in self._streams:
                stream.put_nowait(None)
            await runner.cleanup()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        stream: asyncio.Queue[tuple[str, object] | None] = asyncio.Queue()
        self._streams.add(stream)
        try:
            await response.prepare(request)
            known = {"seq": self._seq, "responses": list(self.views.values())}
            await response.write(_frame(self._seq, "snapshot", known))
            while (event := await stream.get()) is not None:
                await response.write(_frame(self._seq, *event))
        except ConnectionError:
            return response  # the page has left
        finally:
            self._streams.discard(stream)
        return response

    async def _drawing(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        size = Size(request.query.get("size", "wide"))
        return web.Response(text=svg(MACHINE, size=size), content_type="image/svg+xml")

    async def _responses(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        wanted = request.query.get("state")
        found = [view for view in self.views.values() if wanted in (None, view["state"])]
        return web.json_response({"responses": found})


def _frame(seq: int, kind: str, body: object) -> bytes:
    return f"id: {seq}\nevent: {kind}\ndata: {json.dumps(body)}\n\n".encode()
