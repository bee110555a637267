"""Bare HTTP, for what discord.py would hide behind retries."""

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from actors.playground import PlaygroundServer

CUT: tuple[type[Exception], ...] = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int | None
    """None if the connection was cut."""
    body: Any
    headers: dict[str, str]


class WireClient:
    """Sends one request for each call: no retry, no waiting for limits."""

    def __init__(self, server: PlaygroundServer) -> None:
        self._server = server
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bot {server.token}"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def call(self, method: str, path: str, body: object = None, **options: Any) -> Reply:  # noqa: ANN401
        """One request under `/api/v10`."""
        return await self.request(method, self._server.api_url + path, json=body, **options)

    async def control(self, method: str, path: str, body: object = None, **options: Any) -> Reply:  # noqa: ANN401
        """One request under `/_control/`."""
        return await self.request(method, f"{self._server.url}/_control/{path}", json=body, **options)

    async def line(self, text: str, *, channel: str = "tavern", nonce: str | None = None) -> Reply:
        """Posts a character's line in voice `embed`."""
        body: dict[str, object] = {"embeds": [{"title": "💬 Mira", "description": text}]}
        if nonce is not None:
            body |= {"nonce": nonce, "enforce_nonce": True}
        return await self.call("POST", f"/channels/{self._server.discord.find_channel(channel).id}/messages", body)

    async def notice(self, text: str) -> Reply:
        """Posts plain text as the bot."""
        path = f"/channels/{self._server.discord.find_channel('tavern').id}/messages"
        return await self.call("POST", path, {"content": text})

    async def request(self, method: str, url: str, **options: Any) -> Reply:  # noqa: ANN401
        """One request to any address, as aiohttp takes it."""
        try:
            async with self._session.request(method, url, **options) as answer:
                is_json = answer.content_type == "application/json"
                body = await answer.json() if is_json else await answer.text()
                return Reply(answer.status, body, dict(answer.headers))
        except CUT:
            return Reply(None, None, {})
