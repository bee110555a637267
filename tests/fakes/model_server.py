"""A server that speaks OpenAI's chat API over a real socket and answers by script; for asyncio and trio.

    async with model_server(says("Hello."), refuses(500)) as server:
        GroqModel(base_url=server.url, …)

Answers are given in order, or by a function of the request; when the script is used up, `otherwise` speaks.
It is written on bare sockets, because it must also cut an answer in the middle and never answer at all.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import anyio
from anyio.abc import SocketAttribute, SocketStream

REQUEST_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.body)
        return body


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `fault`: say nothing and close, stop in the middle of the body, or never answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fault: Literal["none", "drop", "cut", "hang"] = "none"


Script = Callable[[Request], Answer]


def says(
    text: str | None, *, finish_reason: str = "stop", headers: Mapping[str, str] | None = None, **usage: int
) -> Answer:
    """A completion whose message is `text`; `usage` such as prompt_tokens=12."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "test-model",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text}}],
        "usage": usage,
    }
    return gives(body, headers=headers)


def gives(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Any JSON."""
    return Answer(status, json.dumps(body).encode(), headers or {})


def gives_raw(body: bytes, content_type: str = "application/json") -> Answer:
    return Answer(body=body, headers={"content-type": content_type})


def refuses(
    status: int, message: str = "refused", *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """An error as Groq and OpenAI write it."""
    return gives({"error": {"message": message, "type": "error", "code": code}}, status=status, headers=headers)


def lists(*models: str) -> Answer:
    """The answer of `GET models`."""
    return gives({"object": "list", "data": [{"id": model, "object": "model"} for model in models]})


DROPS = Answer(fault="drop")
CUTS = Answer(body=b'{"choices": [{"message": {"content": "Hello', fault="cut")
HANGS = Answer(fault="hang")


@dataclass(slots=True)
class ModelServer:
    """The running server: its `url` (with `/v1`), every request so far, and what it still has to say."""

    url: str
    script: deque[Answer]
    otherwise: Script
    requests: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.script.popleft() if self.script else self.otherwise(request)


@asynccontextmanager
async def model_server(*answers: Answer, otherwise: Script = lambda _: says("Well met.")) -> AsyncIterator[ModelServer]:
    """Serve on a free port of 127.0.0.1 until the block ends; open connections end with it."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    server = ModelServer(f"http://127.0.0.1:{port}/v1", deque(answers), otherwise)

    async def talk(stream: SocketStream) -> None:
        async with stream:
            try:
                while await _exchange(server, stream):
                    pass
            except (anyio.BrokenResourceError, anyio.EndOfStream):
                return  # the client went away, as clients do

    async with listener, anyio.create_task_group() as connections:
        connections.start_soon(listener.serve, talk)
        yield server
        connections.cancel_scope.cancel()


async def _exchange(server: ModelServer, stream: SocketStream) -> bool:
    """One request and its answer; whether the connection lives on."""
    answer = server.answer(await _read(stream))
    if answer.fault == "hang":
        await anyio.sleep_forever()
    if answer.fault != "drop":
        await stream.send(_head(answer) + answer.body)
    return answer.fault == "none"


def _head(answer: Answer) -> bytes:
    promised = len(answer.body) + (100 if answer.fault == "cut" else 0)
    headers = {"content-type": "application/json", **answer.headers, "content-length": str(promised)}
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else "Odd"
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def _read(stream: SocketStream) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received = await _more(stream, received)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in rest)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    while len(body) < length:
        body = await _more(stream, body)
    return Request(method, path, headers, body)


async def _more(stream: SocketStream, received: bytes) -> bytes:
    received += await stream.receive()
    if len(received) > REQUEST_BYTES_MAX:
        raise ValueError("a request larger than any prompt")
    return received
