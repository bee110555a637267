"""Implements the `Model` port over HTTP: each call sends one request and returns its outcome as a value.

    Prompt ─► Dialect, without the refused parameters ─► request ─► SDK ─► server
    Completion | ModelFailed ◄─ lesson ◄─ status, headers, body ◄──────────────────┘

Failure modes: none raises. An error status, a lost connection, a timeout, HTML, broken JSON, an answer without choices
or without text each become a ModelFailed with its reason. Only `ServerKnowledge` (the store) may raise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import anyio
import groq
import httpx

from actors.adapters.groq import account, answers, failures, knowledge, listing, trial, wire
from actors.adapters.groq.answers import Answer
from actors.adapters.groq.client import base_url_of, open_client
from actors.adapters.groq.headers import RateLimits, asked_wait_s, rate_limits, reports, retry_after_s
from actors.adapters.groq.knowledge import Known, Lesson
from actors.adapters.groq.listing import Check
from actors.adapters.groq.servers import Dialect, dialect_of
from actors.observation.dependencies import Budget, ModelView
from actors.ports.exchange import Request, kept_headers, note_request
from actors.ports.language_model import Completion, ModelFailed, ServerKnowledge
from actors.ports.server_words import plain_words
from actors.roleplay.allowance import ModelLimits, Report
from actors.roleplay.model import Prompt
from actors.roleplay.tokens import prompt_tokens


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request and how it ended."""

    prompt: Prompt
    dialect: Dialect
    request: Mapping[str, Any]
    answer: Answer
    response: httpx.Response | None = None


class GroqModel:
    """A server with OpenAI's chat API. One per process: it holds the connections.

    `timeout_s` limits one whole call; `limits` are the account's configured limits for each model (MODEL_LIMITS).
    Raises ValueError for an unusable address or key.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        base_url: str | None,
        models: Sequence[str],
        timeout_s: float,
        now: Callable[[], float] = time.time,
        shelf: ServerKnowledge | None = None,
        limits: ModelLimits | None = None,
    ) -> None:
        if not models:
            raise ValueError("GROQ_MODEL is empty. Name at least one model.")
        self._url = base_url_of(base_url)
        self._client = open_client(api_key, self._url)
        self._secrets = tuple(filter(None, (self._client.api_key, self._url.password)))
        self._models = tuple(models)
        self._timeout_s = timeout_s
        self._now = now
        self._shelf = shelf
        self._given_limits = limits
        self._known: dict[str, Known] = {}
        self._limits: dict[str, tuple[float, RateLimits]] = {}  # (when they were received, the limits)

    @property
    def label(self) -> str:
        return self._models[0]

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    @property
    def server(self) -> str:
        """The key of the learnt knowledge: the server's address without its secret parts."""
        return listing.shown(self._url)

    def known(self, model: str) -> Known:
        """What was learnt about `model`; empty if nothing was."""
        return self._known.get(model, Known())

    def window_tokens(self, model: str) -> int | None:
        return self.known(model).window_now(self._now())

    def limits(self, model: str) -> ModelLimits:
        """The account's limits for `model`: configured, default or reported by the server."""
        usual = account.usual_limits(self._url, model)
        return account.limits_of(usual, self._given_limits, self.known(model).limits)

    def rate_limits(self, model: str) -> RateLimits | None:
        """The limits in the newest answer for `model`; None if no answer reported any."""
        told = self._limits.get(model)
        return None if told is None else told[1]

    def budgets(self) -> tuple[Budget, ...]:
        """The rate limits of every model, for monitoring."""
        return tuple(budget for model, (at, told) in self._limits.items() for budget in _budgets(model, at, told))

    def seen_models(self, context_tokens: int) -> tuple[ModelView, ...]:
        """What was learnt about each model, for monitoring; `context_tokens` is the size limit of prompts."""
        now = self._now()
        known = [(model, self.known(model)) for model in self._models]
        return tuple(
            ModelView(model, self.server, each.in_words(now), each.warning(context_tokens, now))
            for model, each in known
        )

    async def recall(self) -> None:
        """Load what earlier processes learnt."""
        if self._shelf is not None:
            kept = await self._shelf.server_knowledge(self.server)
            self._known |= {model: Known.read(written) for model, written in kept.items()}

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        """Send one request. Errors of the server or the network are returned, never raised."""
        asked = await self._ask(prompt)
        said = self._reports(asked)
        lesson = self._lesson(asked)
        lesson = replace(lesson, known=replace(lesson.known, limits=account.learnt_from(lesson.known.limits, said)))
        outcome = replace(self._worded(asked), reports=said)
        if isinstance(outcome, ModelFailed) and lesson.is_request_at_fault and outcome.reason in knowledge.REFUSALS:
            outcome = replace(outcome, reason="unsupported", retry_after_s=0.0)
        if not await self._learn(prompt.model, lesson):
            return outcome
        words = f"The model {prompt.model} at {self.server} {lesson.words}"
        return replace(outcome, learnt=words if words.endswith(".") else f"{words}.")

    async def check(self) -> Check:
        """Request the list of models, to check the address, the key and each model's name."""
        checked = await listing.check(self._client, self._url, self._models, timeout_s=self._timeout_s)
        for model, window in checked.windows.items():
            await self._learn(model, knowledge.of_listing(self.known(model), window, self._now()))
        return checked

    async def try_out(self, response_tokens: int) -> tuple[Check, ...]:
        """Request the list of models, and one short line from each configured model, as a scene would."""
        listed = await self.check()
        if listed.outcome in ("credentials", "unreachable"):
            return (listed,)
        tried = [await self._try_out(model, response_tokens) for model in self._models]
        # A server that works may list nothing, or use other names.
        return tuple(tried) if all(each.outcome == "ok" for each in tried) else (*_unless_ok(listed), *tried)

    async def _try_out(self, model: str, response_tokens: int) -> Check:
        return await trial.try_out(
            self.complete, model, response_tokens, lambda: self.known(model).in_words(self._now())
        )

    async def aclose(self) -> None:
        """Close the connections; no call may follow."""
        await self._client.close()

    async def _ask(self, prompt: Prompt) -> _Asked:
        dialect = self.known(prompt.model).applied_to(dialect_of(self._url, prompt.model))
        request = wire.request_of(prompt, dialect)
        # `extra_body` bypasses the SDK's `messages` argument: the SDK compares each message with the type hints of
        # every message type, which takes longer than the rest of a response (0.2 ms a message) and blocks the loop.
        body = {name: request[name] for name in request if name != "model"}
        began = anyio.current_time()
        response: httpx.Response | None = None
        try:
            with anyio.fail_after(self._timeout_s):
                answer = await self._client.chat.completions.with_raw_response.create(
                    messages=(), model=prompt.model, extra_body=body
                )
            response = answer.http_response
            return _Asked(prompt, dialect, request, answers.read(response.content, prompt.model), response)
        except TimeoutError as error:
            words = f"No answer within {self._timeout_s:g} s (GENERATE_TIMEOUT_S)."
            return _Asked(prompt, dialect, request, Answer(ModelFailed("timeout", error=error, words=words)))
        except failures.EXPECTED as error:
            if isinstance(error, groq.APIStatusError):
                response = error.response
            failed = failures.failed(error)
            return _Asked(prompt, dialect, request, Answer(failed.failure, said=failed.said), response)
        finally:
            self._note(prompt.model, response, anyio.current_time() - began)

    def _worded(self, asked: _Asked) -> Completion | ModelFailed:
        """The outcome, with the wait that the headers request and with our key removed from its words."""
        outcome = asked.answer.outcome
        if isinstance(outcome, Completion):
            return outcome
        outcome = replace(outcome, words=plain_words(outcome.words, self._secrets))
        if asked.response is None or outcome.reason not in failures.WAITED_FOR:
            return outcome
        needed = prompt_tokens(asked.prompt.messages) + asked.prompt.completion_tokens_max
        is_limited = outcome.reason == "rate_limit"
        told = retry_after_s(asked.response.headers, tokens_needed=needed, is_limited=is_limited)
        is_asked = asked_wait_s(asked.response.headers) is not None
        said = asked.answer.said
        limited = said.limit.kind if said is not None and said.limit is not None else None
        return replace(outcome, retry_after_s=told if is_asked else outcome.retry_after_s or told, limited=limited)

    def _reports(self, asked: _Asked) -> tuple[Report, ...]:
        """The account's limits that the answer reports; the text of a 429 comes last because it is the most exact."""
        response, said = asked.response, asked.answer.said
        is_groq = account.GROQ.fullmatch(self._url.host) is not None
        limits = self.limits(asked.prompt.model)
        by_headers = () if response is None else reports(response.headers, limits, is_groq=is_groq)
        return (*by_headers, *((said.limit,) if said is not None and said.limit is not None else ()))

    def _lesson(self, asked: _Asked) -> Lesson:
        """Derive what this answer shows about its model."""
        known, now, answer = self.known(asked.prompt.model), self._now(), asked.answer
        lesson = Lesson(known)
        match answer.outcome:
            case Completion(prompt_tokens=counted):
                lesson = knowledge.of_count(known, asked.prompt, counted, now)
            case ModelFailed(reason="too_large") if answer.said:
                lesson = knowledge.of_size(known, asked.prompt, answer.said.window_tokens, now)
            case ModelFailed(reason=reason) if answer.said and reason in knowledge.REFUSALS:
                lesson = knowledge.of_refusal(known, asked.dialect, asked.request, answer.said) or lesson
            case _:
                pass
        return lesson.with_thoughts(answer.thoughts_in)

    async def _learn(self, model: str, lesson: Lesson) -> bool:
        """Store what is new. Returns whether to report it to the operator."""
        if lesson.known != self.known(model):
            self._known[model] = lesson.known
            if self._shelf is not None:
                await self._shelf.keep_server_knowledge(self.server, model, lesson.known.written(), at=self._now())
        return bool(lesson.words)

    def _note(self, model: str, response: httpx.Response | None, duration_s: float) -> None:
        """Keep the limits that the answer reports, and record the request in the response's exchange."""
        route = f"{self._url.path.rstrip('/')}/chat/completions"
        if response is None:
            note_request(Request("POST", route, duration_s))
            return
        note_request(Request("POST", route, duration_s, response.status_code, kept_headers(response.headers)))
        limits = rate_limits(response.headers)
        if limits is not None:
            self._limits[model] = self._now(), limits


def _unless_ok(checked: Check) -> tuple[Check, ...]:
    return () if checked.outcome == "ok" else (checked,)


def _budgets(model: str, at: float, told: RateLimits) -> tuple[Budget, ...]:
    requests = _budget(model, "requests", at, told.requests_max, told.requests_left, told.requests_reset_s)
    tokens = _budget(model, "tokens", at, told.tokens_max, told.tokens_left, told.tokens_reset_s)
    return requests, tokens


def _budget(model: str, name: str, at: float, limit: int | None, left: int | None, reset_s: float | None) -> Budget:
    return Budget(model, name, at, limit, left, None if reset_s is None else at + reset_s)
