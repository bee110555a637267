"""HTTP client for the inspector of another process, used by the live view in the terminal.

    fleet, sessions, response ─► one request each           follow ─► /events, until it ends

Failure modes: every failure is InspectorGone; its words name the cause and never hold the token. A process that hangs
keeps its connections open, so a silent stream is checked with a request to `/healthz`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Final, NoReturn
from urllib.parse import quote

import aiohttp
import anyio

from actors.adapters.inspector.address import parse_address

ANSWER_S: Final = 5.0
SILENCE_S: Final = 3.0
"""After so long without data from a stream, `/healthz` is requested; the stream's own pings are less frequent."""

FRAME_BYTES_MAX: Final = 16_000_000
"""The first frame has some hundred responses of a few kilobytes each."""

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Address to connect to if the inspector listens on all addresses."""

OnEvent = Callable[[str, dict[str, Any]], None]


class InspectorGone(Exception):
    """The inspector does not answer, or the answer is not an inspector's; the words say which."""


class InspectorClient:
    """Client for the inspector at `address`. An async context manager."""

    def __init__(
        self, address: str, token: str | None = None, *, answer_s: float = ANSWER_S, silence_s: float = SILENCE_S
    ) -> None:
        host, port = parse_address(address)
        host = EVERYWHERE.get(host, host)
        self.url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._question = aiohttp.ClientTimeout(total=answer_s)
        self._stream = aiohttp.ClientTimeout(total=None, sock_connect=answer_s)
        self._silence_s = silence_s
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> InspectorClient:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fleet(self) -> dict[str, Any]:
        """Return the answer of `/api/fleet`. Raises InspectorGone."""
        return await self._json("api/fleet")

    async def sessions(self) -> dict[str, Any]:
        """Return the answer of `/api/sessions`. Raises InspectorGone."""
        return await self._json("api/sessions")

    async def response(self, response_id: str) -> dict[str, Any] | None:
        """Return the answer of `/api/responses/{id}`; None if there is no such response. Raises InspectorGone."""
        path = f"api/responses/{quote(response_id, safe='')}"
        async with self._asked(path, self._question, may_lack=True) as answer:
            return None if answer.status == 404 else await self._object(answer)

    async def follow(self, on_event: OnEvent) -> NoReturn:
        """Call `on_event` with each event's name and data. Raises InspectorGone when the stream ends."""
        async with self._asked("events", self._stream) as answer:
            if answer.content_type != "text/event-stream":
                raise InspectorGone(f"the server at {self.url} is not an inspector")
            buffer = b""
            while True:
                buffer += await self._next_chunk(answer)
                *frames, buffer = buffer.split(b"\n\n")
                if len(buffer) > FRAME_BYTES_MAX:
                    raise InspectorGone(f"{self.url} sent an event that is too large")
                for frame in frames:
                    _hand_on(frame, on_event)

    async def _next_chunk(self, answer: aiohttp.ClientResponse) -> bytes:
        while True:
            with anyio.move_on_after(self._silence_s):
                chunk = await answer.content.readany()
                if not chunk:
                    raise InspectorGone(f"{self.url} has ended its stream")
                return chunk
            async with self._asked("healthz", self._question):
                pass  # the process answers; the stream has no events

    async def _json(self, path: str) -> dict[str, Any]:
        async with self._asked(path, self._question) as answer:
            return await self._object(answer)

    async def _object(self, answer: aiohttp.ClientResponse) -> dict[str, Any]:
        found = json.loads(await answer.read())
        if not isinstance(found, dict):
            raise InspectorGone(f"the server at {self.url} is not an inspector")
        return found

    @asynccontextmanager
    async def _asked(
        self, path: str, timeout: aiohttp.ClientTimeout, *, may_lack: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a GET request and yield the answer; every failure becomes InspectorGone."""
        assert self._session is not None, "used before its block"
        if self._session.closed:
            raise InspectorGone(f"the connection to {self.url} is closed")
        try:
            async with self._session.get(self.url + path, timeout=timeout, allow_redirects=False) as answer:
                if answer.status != 200 and not (may_lack and answer.status == 404):
                    raise InspectorGone(self._refusal(answer.status))
                yield answer
        except aiohttp.ClientConnectorError as error:
            raise InspectorGone(f"no bot answers at {self.url}") from error
        except (aiohttp.ClientError, ConnectionError) as error:
            raise InspectorGone(f"the connection to {self.url} was lost") from error
        except TimeoutError as error:
            raise InspectorGone(f"{self.url} stopped answering") from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InspectorGone(f"the server at {self.url} is not an inspector") from error

    def _refusal(self, status: int) -> str:
        match status:
            case 401:
                return f"{self.url} asks for a token: set INSPECTOR_TOKEN to the one that the bot has"
            case 403:
                return f"{self.url} refuses access: set INSPECTOR_ADDRESS to the address that the bot has"
            case 404:
                return f"the server at {self.url} is not an inspector"
            case _:
                return f"{self.url} answers with the status {status}"


def _hand_on(frame: bytes, on_event: OnEvent) -> None:
    """Pass one frame of the stream on; comments such as pings have no event name and are skipped."""
    lines = (line.partition(": ") for line in frame.decode().split("\n") if not line.startswith(":"))
    fields = {name: value for name, _, value in lines}
    if "event" in fields:
        on_event(fields["event"], json.loads(fields.get("data", "{}")))
