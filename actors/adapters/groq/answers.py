"""Reads the body of a 200 as a text, a failure or an embedded error. Pure.

    body ─┬─ an `error` in it, or in its choice ─► that error
          ├─ a text ─► Completion (with `trouble` if the server reports that it is incomplete)
          └─ no text ─► the cause: the finish reason, a refusal, a tool call, reasoning only

Servers differ: token counts may be null or fractional, the finish reason a number, the content a list of parts.
An unreadable field beside the text never discards the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from pydantic_core import from_json

from actors.adapters.groq import failures
from actors.adapters.groq.failures import Said
from actors.ports.language_model import Completion, ModelFailed
from actors.ports.server_words import plain_words
from machines.reasons import ModelReason

REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "reasoning_details")
"""Fields for reasoning: DeepSeek, vLLM and llama.cpp use the first; Ollama, Groq and OpenRouter the second."""

_CUT: Final = re.compile(r"length|max_?(?:output_?)?tokens?|model_length|token_limit|max_length|context_window.*")
_FILTERED: Final = re.compile(
    r"content_?filter.*|safety|image_safety|recitation|prohibited_?content|blocklist|spii|sensitive|refusal|blocked"
    r"|guardrails?|guardrail_intervened|moderation|flagged|violation|language|content_policy.*"
)
_BROKEN: Final = re.compile(
    r"error|.*_error|abort(?:ed)?|cancel+ed|timeout|network_error|insufficient_system_resources?|failed|engine_.*"
)
_TOOL: Final = re.compile(r"tool_calls?|function_call|.*(?:function|tool)_call")

_TEXT_PARTS: Final = frozenset({"text", "output_text", ""})
"""Types of parts that belong to the text; others are reasoning, pictures, references."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a request.

    `thoughts_in` is the field that held the model's reasoning, `said` the content of an error in the body.
    """

    outcome: Completion | ModelFailed
    thoughts_in: str = ""
    said: Said | None = None


def read(body: bytes, model: str) -> Answer:
    """Read the body of a 200. Raises ValueError if it is not a completion: HTML, broken JSON, no message."""
    found = from_json(body)
    answer = _object(found[0] if isinstance(found, list) and len(found) == 1 else found)
    if error := failures.inside(answer):
        return Answer(error.failure, said=error.said)
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        refused = failures.without_choices(answer)
        return Answer(refused.failure, said=refused.said)
    choice = _object(choices[0])
    if error := failures.inside(choice):
        return Answer(error.failure, said=error.said)
    message = _message(choice)
    text = _text(message.get("content"))
    thoughts_in = next((name for name in REASONING_FIELDS if _has_text(message.get(name))), "")
    ended = _ending(choice)
    if not text.strip():
        return Answer(_silent(message, ended, thoughts_in), thoughts_in)
    return Answer(_said(answer, text, ended, model), thoughts_in)


def _said(answer: Mapping[str, Any], text: str, ended: str, model: str) -> Completion:
    usage = answer.get("usage")
    figures: Mapping[str, Any] = usage if isinstance(usage, dict) else {}
    named = answer.get("model")
    trouble: ModelReason | None = None
    if _FILTERED.fullmatch(ended):
        trouble = "filtered"
    elif _BROKEN.fullmatch(ended):
        trouble = "broken_off"
    return Completion(
        text=text,
        cut_by_length=_CUT.fullmatch(ended) is not None,
        model=named if isinstance(named, str) and named else model,
        prompt_tokens=_prompt_tokens(figures),
        completion_tokens=count(figures.get("completion_tokens")),
        trouble=trouble,
    )


def _silent(message: Mapping[str, Any], ended: str, thoughts_in: str) -> ModelFailed:
    """Return the failure for an answer without text."""
    words = plain_words(_refusal(message))
    if words or _FILTERED.fullmatch(ended):
        return ModelFailed("filtered", words=words or f"finish_reason: {plain_words(ended)}")
    if _CUT.fullmatch(ended):
        return ModelFailed("length", words=f"finish_reason: {ended}")
    if message.get("tool_calls") or message.get("function_call") or _TOOL.fullmatch(ended):
        return ModelFailed("broken_answer", words="The model called a tool, but the request offered none.")
    if _BROKEN.fullmatch(ended):
        return ModelFailed("broken_off", words=f"finish_reason: {plain_words(ended)}")
    if thoughts_in:
        return ModelFailed("reasoning_only", words=f"The answer is in `{thoughts_in}`, and `content` is empty.")
    return ModelFailed("empty")


def count(value: object) -> int:
    """Read a token count; 0 (unknown) if `value` is not a count."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 0
    return int(value) if value > 0 and value == int(value) else 0


def _prompt_tokens(figures: Mapping[str, Any]) -> int:
    """Count the whole prompt: a few servers leave cached tokens out of `prompt_tokens`."""
    counted, details = count(figures.get("prompt_tokens")), figures.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return counted + cached if cached > counted else counted


def _ending(choice: Mapping[str, Any]) -> str:
    """The finish reason in lower case; the provider's own if it is more specific than the server's."""
    own = str(choice.get("finish_reason") or "").lower()
    native = str(choice.get("native_finish_reason") or "").lower()
    is_told = any(known.fullmatch(native) for known in (_FILTERED, _BROKEN, _CUT))
    return native if own in ("", "stop", "unknown") and is_told else own


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the message. Some servers use the field of a stream (`delta`) or of the older completions (`text`)."""
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            return _object(choice[name])
    if isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    raise ValueError("no message")


def _text(content: object) -> str:
    """Return the text of the content, which is a string, a part or a list of parts."""
    match content:
        case None:
            return ""
        case str():
            return content
        case list():
            return "".join(_part(part) for part in content)
        case dict():
            return _part(content)
        case _:
            raise ValueError("content is neither text nor parts")


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    found = _object(part)
    text = found.get("text")
    text = text.get("value") if isinstance(text, dict) else text
    return text if found.get("type", "") in _TEXT_PARTS and isinstance(text, str) else ""


def _refusal(message: Mapping[str, Any]) -> str:
    """The model's own refusal, from OpenAI's `refusal` field of the message or of a part."""
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    found = [each.get("refusal") for each in (message, *parts)]
    return next((words for words in found if isinstance(words, str) and words.strip()), "")


def _has_text(value: object) -> bool:
    return any(text.strip() for text in _texts(value))


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for each in value:
                yield from _texts(each)
        case dict():
            for name in ("text", "thinking", "summary", "content"):
                yield from _texts(value.get(name))


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not the JSON object that it should be")
    return value
