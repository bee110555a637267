"""The body of a 200, read as what it is: a text, a failure, or an error in disguise. Pure.

    body ─┬─ an `error` in it, or in its choice ─► that error
          ├─ a text ─► Completion (and `trouble`, where the server says that it is not whole)
          └─ no text ─► why: the finish reason, a refusal, a tool that was called, reasoning alone

Servers agree on little: figures may be null or fractional, the finish reason a number, the content a list of parts.
Whatever is beside the text never costs the text.
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
from actors.ports.model import Completion, ModelFailed
from actors.ports.server_words import plain_words
from machines.reasons import ModelReason

REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "reasoning_details")
"""Where servers put thoughts: DeepSeek, vLLM and llama.cpp the first, Ollama, Groq and OpenRouter the second."""

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
"""Kinds of parts that are said; others are thoughts, pictures, references."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `thoughts_in` is the field in which the model's thoughts came, `said` what an error in
    the body said.
    """

    outcome: Completion | ModelFailed
    thoughts_in: str = ""
    said: Said | None = None


def read(body: bytes, model: str) -> Answer:
    """Read the body of a 200. Raises ValueError where it is no completion: HTML, broken JSON, no message."""
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
    """Why nothing is said."""
    words = plain_words(_refusal(message))
    if words or _FILTERED.fullmatch(ended):
        return ModelFailed("filtered", words=words or f"finish_reason: {plain_words(ended)}")
    if _CUT.fullmatch(ended):
        return ModelFailed("length", words=f"finish_reason: {ended}")
    if message.get("tool_calls") or message.get("function_call") or _TOOL.fullmatch(ended):
        return ModelFailed("broken_answer", words="The model called a tool, and there is none.")
    if _BROKEN.fullmatch(ended):
        return ModelFailed("broken_off", words=f"finish_reason: {plain_words(ended)}")
    if thoughts_in:
        return ModelFailed("reasoning_only", words=f"The answer stands in `{thoughts_in}`, and `content` is empty.")
    return ModelFailed("empty")


def count(value: object) -> int:
    """A count of tokens; 0, which says nothing, for what is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 0
    return int(value) if value > 0 and value == int(value) else 0


def _prompt_tokens(figures: Mapping[str, Any]) -> int:
    """All of the prompt: a few servers count what they had in a cache apart."""
    counted, details = count(figures.get("prompt_tokens")), figures.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else 0
    return counted + cached if cached > counted else counted


def _ending(choice: Mapping[str, Any]) -> str:
    """The finish reason in small letters; the provider's own where the server's says nothing of it."""
    own = str(choice.get("finish_reason") or "").lower()
    native = str(choice.get("native_finish_reason") or "").lower()
    is_told = any(known.fullmatch(native) for known in (_FILTERED, _BROKEN, _CUT))
    return native if own in ("", "stop", "unknown") and is_told else own


def _message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message, wherever this server puts it: that of a stream, or of the older completions."""
    for name in ("message", "delta"):
        if isinstance(choice.get(name), dict):
            return _object(choice[name])
    if isinstance(choice.get("text"), str):
        return {"content": choice["text"]}
    raise ValueError("no message")


def _text(content: object) -> str:
    """What is said: a text, or the text parts of a list."""
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
    """The words with which the model declined, in the field or the part that OpenAI has for them."""
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
