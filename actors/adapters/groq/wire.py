"""A Prompt as the request's body, and the answer's body as a Completion: both pure.

Groq takes everything that OpenAI's newest models take. Other servers get the older, common dialect:
`max_tokens`, no reasoning switches, and a system message at the beginning only, because the chat
templates of many local models refuse a later one, or two messages of one role in a row.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, Final, TypedDict

from pydantic import BaseModel, Field

from actors.ports.model import Completion, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt

_REASONING_MODELS: Final = "openai/gpt-oss-"
_CUT: Final = "length"  # the finish reason of a text that ran into its limit


class WireMessage(TypedDict):
    role: str
    content: str


def request_of(prompt: Prompt, *, is_groq: bool) -> dict[str, Any]:
    """The arguments of the SDK's `create`."""
    room = "max_completion_tokens" if is_groq else "max_tokens"
    request: dict[str, Any] = {
        "model": prompt.model,
        "messages": _as_written(prompt.messages) if is_groq else _alternating(prompt.messages),
        room: prompt.completion_tokens_max,
    }
    if prompt.stop:
        request["stop"] = list(prompt.stop)
    if is_groq and prompt.model.startswith(_REASONING_MODELS):
        # A line of a play needs no long thought, and thoughts are paid from the same budget.
        request |= {"reasoning_effort": "low", "include_reasoning": False}
    return request


def completion_of(body: bytes, model: str) -> Completion | ModelFailed:
    """Read the body of a 200. Raises ValueError where it is no completion: HTML, broken JSON, no choices."""
    answer = _Answer.model_validate_json(body)
    choice = answer.choices[0]
    text = choice.message.content or ""
    if not text.strip():
        return ModelFailed("length" if choice.finish_reason == _CUT else "empty")
    return Completion(
        text=text,
        cut_by_length=choice.finish_reason == _CUT,
        model=answer.model or model,
        prompt_tokens=answer.usage.prompt_tokens if answer.usage else 0,
        completion_tokens=answer.usage.completion_tokens if answer.usage else 0,
    )


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(BaseModel):
    """What of an answer is read. The SDK's own types are built without any check, so they promise nothing."""

    choices: list[_Choice] = Field(min_length=1)
    model: str | None = None
    usage: _Usage | None = None


def _as_written(messages: tuple[ChatMessage, ...]) -> list[WireMessage]:
    return [WireMessage(role=message.role, content=message.content) for message in messages]


def _alternating(messages: tuple[ChatMessage, ...]) -> list[WireMessage]:
    """Later system messages as the user's, then neighbours of one role as one."""
    roles = ["user" if message.role == "system" and index else message.role for index, message in enumerate(messages)]
    merged = groupby(zip(roles, messages, strict=True), key=lambda pair: pair[0])
    return [WireMessage(role=role, content="\n\n".join(m.content for _, m in group)) for role, group in merged]
