"""Chooses the request dialect of known servers from a small table by host and model; each row has a test.

    host, model ─► Dialect ─► (without the parameters that the model refused: knowledge.py) ─► request

A server that is not in the table gets the older, common dialect: `max_tokens`, no reasoning switches, and a system
message at the beginning only, because the chat templates of many local models refuse a later one, or two messages of
one role in a row.

Sources: console.groq.com/docs/reasoning; OpenAI's "Reasoning models" (no `max_tokens`, no `stop`); Google's "OpenAI
compatibility" (`reasoning_effort`; reasoning counts against the answer's budget); Mistral's 422 `extra_forbidden`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Final

import httpx


class System(IntEnum):
    """Where a model accepts system messages, least strict first."""

    ANYWHERE = 0
    FIRST = 1
    NOWHERE = 2

    @property
    def stricter(self) -> System:
        return System(min(self + 1, System.NOWHERE))


@dataclass(frozen=True, slots=True)
class Dialect:
    """The form of one model's requests.

    `budget` holds the names of the parameter for the answer's size, the preferred one first; `switches` are further
    parameters with their values.
    """

    budget: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    system: System = System.FIRST
    switches: Mapping[str, object] = field(default_factory=dict)
    takes_stop: bool = True
    answer_tokens_max: int | None = None


_NEW_BUDGET: Final = ("max_completion_tokens", "max_tokens")
_LITTLE_THOUGHT: Final = MappingProxyType({"reasoning_effort": "low"})
"""A line of roleplay needs little reasoning, and reasoning uses up the answer's budget."""


@dataclass(frozen=True, slots=True)
class _Row:
    host: re.Pattern[str]
    model: re.Pattern[str]
    dialect: Dialect

    @classmethod
    def of(cls, host: str, model: str, dialect: Dialect) -> _Row:
        return cls(re.compile(rf"(?:.+\.)?{host}"), re.compile(model), dialect)


_TABLE: Final = (
    _Row.of(
        r"groq\.com",
        r"openai/gpt-oss-.*",
        Dialect(_NEW_BUDGET, System.ANYWHERE, {"reasoning_effort": "low", "include_reasoning": False}),
    ),
    _Row.of(r"groq\.com", r".*", Dialect(_NEW_BUDGET, System.ANYWHERE)),
    _Row.of(
        r"openai\.com",
        r"(?:o[134]|gpt-5)(?!.*chat).*",
        Dialect(_NEW_BUDGET, System.ANYWHERE, _LITTLE_THOUGHT, takes_stop=False),
    ),
    _Row.of(r"openai\.com", r".*", Dialect(_NEW_BUDGET, System.ANYWHERE)),
    _Row.of(
        r"generativelanguage\.googleapis\.com",
        r"(?:models/)?gemini-(?:2\.5|[3-9]).*",
        Dialect(switches=_LITTLE_THOUGHT),
    ),
    _Row.of(r"generativelanguage\.googleapis\.com", r"(?:models/)?gemma-.*", Dialect(system=System.NOWHERE)),
)
"""The first matching row applies."""


def dialect_of(url: httpx.URL, model: str) -> Dialect:
    """Return the table's dialect for `model` on the server at `url`; the default one if no row matches."""
    return next(
        (row.dialect for row in _TABLE if row.host.fullmatch(url.host) and row.model.fullmatch(model)), Dialect()
    )
