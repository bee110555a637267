"""The `Model` port over HTTP: one request a call, and every way in which it can end as a value.

    Prompt ─► request ─► SDK ─► server
    Completion | ModelFailed ◄─ status, headers, body ◄─┘

*Failure modes*: none is raised. A status, a lost connection, a time limit, HTML, broken JSON, no choices
and nothing said each become a ModelFailed with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio
import groq

from actors.adapters.groq import check, failures, wire
from actors.adapters.groq.client import base_url_of, is_groq, open_client
from actors.adapters.groq.headers import RateLimits, rate_limits
from actors.ports.model import Completion, ModelFailed
from actors.roleplay.model import Prompt


class GroqModel:
    """A server that speaks OpenAI's chat API. One a process: it holds the connections.

    `timeout_s` bounds one call as a whole. Raises ValueError for an address or a key that cannot be used.
    """

    def __init__(self, *, api_key: str | None, base_url: str | None, models: Sequence[str], timeout_s: float) -> None:
        if not models:
            raise ValueError("GROQ_MODEL is empty. Name at least one model.")
        self._url = base_url_of(base_url)
        self._client = open_client(api_key, self._url)
        self._models = tuple(models)
        self._timeout_s = timeout_s
        self._limits: dict[str, RateLimits] = {}

    @property
    def label(self) -> str:
        return self._models[0]

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def rate_limits(self, model: str) -> RateLimits | None:
        """What the newest answer for `model` said about its limits; None where none said anything."""
        return self._limits.get(model)

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        """Ask once: one request on the wire. Never raises what a server or a network can cause."""
        request = wire.request_of(prompt, is_groq=is_groq(self._url))
        # Past the SDK's own argument: it looks each message up in the type hints of every kind of message, which
        # costs more than the rest of a response (0.2 ms a message) and holds everybody else up.
        messages = {"messages": request.pop("messages")}
        try:
            with anyio.fail_after(self._timeout_s):
                answer = await self._client.chat.completions.with_raw_response.create(
                    messages=(), extra_body=messages, **request
                )
            self._note_limits(prompt.model, answer.headers)
            return wire.completion_of(answer.http_response.content, prompt.model)
        except TimeoutError as error:
            return ModelFailed("timeout", error=error)
        except failures.EXPECTED as error:
            if isinstance(error, groq.APIStatusError):
                self._note_limits(prompt.model, error.response.headers)
            return failures.failed(error)

    async def check(self) -> check.Check:
        """Ask for the list of models: is the address right, the key good, each model there?"""
        return await check.check(self._client, self._url, self._models, timeout_s=self._timeout_s)

    async def aclose(self) -> None:
        """Close the connections; no call may follow."""
        await self._client.close()

    def _note_limits(self, model: str, headers: Mapping[str, str]) -> None:
        limits = rate_limits(headers)
        if limits is not None:
            self._limits[model] = limits
