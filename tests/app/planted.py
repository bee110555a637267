"""Secrets planted in every error that a server answers with, in every form, and the search for them."""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from aiohttp import web
from aiohttp.typedefs import Handler

from actors.playground import PlaygroundServer

MARK = "planted"
"""Stands beside the secrets: where it arrives, they would have."""

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA.GxY1zW.aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA"
GROQ_KEY = "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"
ORGANISATION = "org_01hq2w3e4r5t6y7u8i9o0p1a2s"
OURS = (TOKEN, GROQ_KEY)
"""The two that the bot itself is told, so that it knows them in whatever form they come back."""


def every_form(secret: str) -> list[str]:
    """The secret as servers and libraries write it into their errors."""
    plain = [secret, f"https://discord.com/api/webhooks/1234567890123456789/{secret}?wait=true", f"Bearer {secret}"]
    if secret not in OURS:
        return plain
    half = len(secret) // 2
    return [
        *plain,
        quote(secret, safe=""),
        "".join(f"%{byte:02X}" for byte in secret.encode()),
        *(base64.b64encode(b"x" * offset + secret.encode()).decode() for offset in range(3)),
        f"{secret[:half]}\n{secret[half:]}",
        f"{secret[:half]}\r\n        {secret[half:]}",
    ]


def planted(secrets: tuple[str, ...]) -> str:
    """An error's words with all of them in it."""
    return f"{MARK}: " + " | ".join(form for secret in secrets for form in every_form(secret))


def headers(secrets: tuple[str, ...]) -> dict[str, str]:
    return {f"X-Debug-{number}": secret for number, secret in enumerate(secrets)} | {"WWW-Authenticate": secrets[0]}


def leaks(text: str, secrets: tuple[str, ...]) -> list[str]:
    """Which of the secrets can be read out of `text`, by whoever takes the trouble."""
    solid = re.sub(r"(\\r|\\n|\\u000d|\\u000a|\s)+", "", text)
    readings = (text, solid, unquote(text), unquote(solid))
    return [
        secret
        for secret in secrets
        if any(form in reading for reading in readings for form in (secret, json.dumps(secret)[1:-1], *_cores(secret)))
    ]


def _cores(secret: str) -> list[str]:
    """What base64 makes of the secret wherever it begins, without the characters that its neighbours colour."""
    cores = []
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + secret.encode()).decode().rstrip("=")
        cores.append(coded[(0, 2, 3)[offset] : -1])
    return cores


@dataclass
class Planter:
    """Answers the next requests of a kind with an error that holds every secret. `mount` before the start."""

    server: PlaygroundServer
    rules: dict[str, deque[int]] = field(default_factory=dict)
    answered: int = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those that are planted by now: each webhook's token from its making on."""
        hooks = tuple(webhook.token for webhook in self.server.discord.webhooks.values())
        return (*OURS, ORGANISATION, *hooks)

    def mount(self) -> None:
        self.server.app.middlewares.append(self._plant)

    def will(self, method_and_path: str, *statuses: int) -> None:
        """Answer requests whose "METHOD /path" matches so, one after the other."""
        self.rules[method_and_path] = deque(statuses)

    @web.middleware
    async def _plant(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        for pattern, statuses in self.rules.items():
            if statuses and re.search(pattern, f"{request.method} {request.path}"):
                self.answered += 1
                return self._error(statuses.popleft())
        return await handler(request)

    def _error(self, status: int) -> web.Response:
        words = planted(self.secrets)
        body = {"message": words, "code": 0, "errors": {"content": {"_errors": [{"code": "X", "message": words}]}}}
        return web.json_response(body, status=status, headers=headers(self.secrets))
