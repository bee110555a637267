"""The `Model` port over HTTP: one request a call, and every way in which it can end as a value.

    Prompt ─► request ─► SDK ─► server
    Completion | ModelFailed ◄─ status, headers, body ◄─┘

*Failure modes*: none is raised. A status, a lost connection, a time limit, HTML, broken JSON, no choices
and nothing said each become a ModelFailed with its reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import anyio
import groq
import httpx

from actors.adapters.groq import check, failures, wire
from actors.adapters.groq.client import base_url_of, is_groq, open_client
from actors.adapters.groq.headers import RateLimits, rate_limits
from actors.ports.dependencies import Budget
from actors.ports.exchange import Request, kept_headers, note_request
from actors.ports.model import Completion, ModelFailed
from actors.roleplay.model import Prompt


class GroqModel:
    """A server that speaks OpenAI's chat API. One a process: it holds the connections.

    `timeout_s` bounds one call as a whole. Raises ValueError for an address or a key that cannot be used.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        models: Sequence[str],
        timeout_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not models:
            raise ValueError("GROQ_MODEL is empty. Name at least one model.")
        self._url = base_url_of(base_url)
        self._client = open_client(api_key, self._url)
        self._models = tuple(models)
        self._timeout_s = timeout_s
        self._now = now
        self._limits: dict[str, tuple[float, RateLimits]] = {}  # when it was said, and what

    @property
    def label(self) -> str:
        return self._models[0]

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def rate_limits(self, model: str) -> RateLimits | None:
        """What the newest answer for `model` said about its limits; None where none said anything."""
        told = self._limits.get(model)
        return None if told is None else told[1]

    def budgets(self) -> tuple[Budget, ...]:
        """The same of every model, for those who look on."""
        return tuple(budget for model, (at, told) in self._limits.items() for budget in _budgets(model, at, told))

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        """Ask once: one request on the wire. Never raises what a server or a network can cause."""
        request = wire.request_of(prompt, is_groq=is_groq(self._url))
        # Past the SDK's own argument: it looks each message up in the type hints of every kind of message, which
        # costs more than the rest of a response (0.2 ms a message) and holds everybody else up.
        messages = {"messages": request.pop("messages")}
        began = anyio.current_time()
        response: httpx.Response | None = None
        try:
            with anyio.fail_after(self._timeout_s):
                answer = await self._client.chat.completions.with_raw_response.create(
                    messages=(), extra_body=messages, **request
                )
            response = answer.http_response
            return wire.completion_of(response.content, prompt.model)
        except TimeoutError as error:
            return ModelFailed("timeout", error=error)
        except failures.EXPECTED as error:
            if isinstance(error, groq.APIStatusError):
                response = error.response
            return failures.failed(error)
        finally:
            self._note(prompt.model, response, anyio.current_time() - began)

    async def check(self) -> check.Check:
        """Ask for the list of models: is the address right, the key good, each model there?"""
        return await check.check(self._client, self._url, self._models, timeout_s=self._timeout_s)

    async def aclose(self) -> None:
        """Close the connections; no call may follow."""
        await self._client.close()

    def _note(self, model: str, response: httpx.Response | None, duration_s: float) -> None:
        """Keep what the answer says about limits, and tell those who listen of the request."""
        route = f"{self._url.path.rstrip('/')}/chat/completions"
        if response is None:
            note_request(Request("POST", route, duration_s))
            return
        note_request(Request("POST", route, duration_s, response.status_code, kept_headers(response.headers)))
        limits = rate_limits(response.headers)
        if limits is not None:
            self._limits[model] = self._now(), limits


def _budgets(model: str, at: float, told: RateLimits) -> tuple[Budget, ...]:
    requests = _budget(model, "requests", at, told.requests_max, told.requests_left, told.requests_reset_s)
    tokens = _budget(model, "tokens", at, told.tokens_max, told.tokens_left, told.tokens_reset_s)
    return requests, tokens


def _budget(model: str, name: str, at: float, limit: int | None, left: int | None, reset_s: float | None) -> Budget:
    return Budget(model, name, at, limit, left, None if reset_s is None else at + reset_s)
