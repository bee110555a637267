"""Injects the faults of a model's server in front of the bot's own model, whichever that is.

    bot ─ attempt ─► POST {model_url}/chat/completions ─ a fault is drawn ─► that fault, as such servers answer
                                                        └─ none ──────────► PASSED: the bot asks its model

So the understudy, which has no server, can fail too. With the same seed, the n-th attempt meets the same fault in
each run. Sources of the answers: the error pages of Groq's, OpenAI's and OpenRouter's API references.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from .faults import drawn, parse_chances, point_of
from .records import Json
from .wire import cut, json_response

MODEL_PREFIX = "/_model/v1"
PASSED = "passed"
"""The whole answer if no fault is drawn."""

SHORT_S, LONG_S = 2, 90
"""`Retry-After` of the two rate limits: the bot waits for the short one; for the long one it asks another model."""

DECLINED = "I'm sorry, but I can't continue with this request."


@dataclass(frozen=True, slots=True)
class ModelFaultPlan:
    """Which faults an attempt meets, and how often."""

    chances: tuple[tuple[str, float], ...] = ()
    """(kind, probability), ordered by kind; together at most 1."""
    seed: int = 0

    @classmethod
    def parse(cls, texts: Iterable[str], *, seed: int = 0) -> "ModelFaultPlan":
        """Reads `KIND=P` strings. Raises ValueError that says what is allowed."""
        return cls(parse_chances(texts, KINDS.__contains__, ", ".join(KINDS)), seed)

    def fault(self, nth: int) -> str | None:
        """The fault that the n-th attempt meets, if any."""
        return drawn(self.chances, point_of(f"{self.seed}/model/{nth}"))


class ModelRoutes:
    """The server in front of the model. Setting `plan` restarts its count."""

    def __init__(self) -> None:
        self._plan = ModelFaultPlan()
        self._tries = 0
        self._closing = asyncio.Event()

    @property
    def plan(self) -> ModelFaultPlan:
        """The faults in force."""
        return self._plan

    @plan.setter
    def plan(self, plan: ModelFaultPlan) -> None:
        self._plan, self._tries = plan, 0

    def close(self) -> None:
        """Ends the requests that are never answered."""
        self._closing.set()

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answers one attempt."""
        await request.read()
        self._tries += 1
        fault = self._plan.fault(self._tries)
        if fault == "silence":
            await self._closing.wait()
        if fault in ("drop", "silence"):
            return cut(request)
        return _said(PASSED) if fault is None else KINDS[fault]()


def _said(text: str | None, finish_reason: str = "stop", **more: str) -> web.Response:
    message = {"role": "assistant", "content": text, **more}
    choices = [{"index": 0, "finish_reason": finish_reason, "message": message}]
    body = {"id": "chatcmpl-playground", "object": "chat.completion", "created": 0, "model": "playground"}
    return json_response(body | {"choices": choices})


def _refused(status: int, code: str, words: str, headers: dict[str, str] | None = None) -> web.Response:
    return json_response(_error(code, words), status, headers)


def _error(code: str, words: str) -> Json:
    return {"error": {"message": words, "type": code, "code": code}}


def _limited(wait_s: int) -> web.Response:
    words = f"Rate limit reached for model `playground`. Please try again in {wait_s}s."
    return _refused(429, "rate_limit_exceeded", words, {"Retry-After": str(wait_s)})


def _page() -> web.Response:
    return web.Response(text="<html><title>Welcome</title></html>", content_type="text/html")


KINDS: dict[str, Callable[[], web.Response]] = {
    "broken_off": lambda: _said("*She turns and", "error"),
    "credentials": lambda: _refused(401, "invalid_api_key", "Invalid API Key"),
    "declined": lambda: _said(DECLINED),
    "drop": web.Response,  # the connection is cut instead
    "empty": lambda: _said(""),
    "error_in_200": lambda: json_response(_error("server_error", "The upstream provider failed.")),
    "filtered": lambda: _said(None, "content_filter"),
    "http_500": lambda: _refused(500, "internal_server_error", "The server had an error."),
    "http_503": lambda: _refused(503, "service_unavailable", "The model is overloaded."),
    "length": lambda: _said("", "length", reasoning="First, the scene."),
    "model_missing": lambda: _refused(404, "model_not_found", "The model `playground` does not exist."),
    "no_completion": lambda: json_response({"status": "ok"}),
    "quota": lambda: _refused(402, "insufficient_quota", "You exceeded your current quota."),
    "rate_limit": lambda: _limited(SHORT_S),
    "rate_limit_long": lambda: _limited(LONG_S),
    "silence": web.Response,  # it never answers
    "too_large": lambda: _refused(400, "context_length_exceeded", "Please reduce the length of the messages."),
    "web_page": _page,
}
"""The answer of each fault, by its name."""
