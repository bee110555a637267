"""The table of servers, row by row, and the request that each dialect makes."""

from __future__ import annotations

import pytest

from actors.adapters.groq import base_url_of
from actors.adapters.groq.servers import Dialect, System, dialect_of
from actors.adapters.groq.wire import request_of
from actors.roleplay.model import ChatMessage, Prompt, Purpose

LOCAL = "http://localhost:11434/v1"
OPENAI = "https://api.openai.com/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta/openai"

LOW = {"reasoning_effort": "low"}


@pytest.mark.parametrize(
    ("url", "model", "budget", "system", "switches", "takes_stop"),
    [
        (None, "openai/gpt-oss-120b", "max_completion_tokens", 0, LOW | {"include_reasoning": False}, True),
        (None, "qwen/qwen3-32b", "max_completion_tokens", 0, {}, True),
        (OPENAI, "gpt-5-mini", "max_completion_tokens", 0, LOW, False),
        (OPENAI, "o4-mini", "max_completion_tokens", 0, LOW, False),
        (OPENAI, "gpt-5-chat-latest", "max_completion_tokens", 0, {}, True),
        (OPENAI, "gpt-4.1", "max_completion_tokens", 0, {}, True),
        ("https://api.mistral.ai/v1", "mistral-small-latest", "max_tokens", 1, {}, True),
        (GOOGLE, "gemini-2.5-flash", "max_tokens", 1, LOW, True),
        (GOOGLE, "models/gemini-3-pro", "max_tokens", 1, LOW, True),
        (GOOGLE, "gemini-2.0-flash", "max_tokens", 1, {}, True),
        (GOOGLE, "gemma-3-27b-it", "max_tokens", 2, {}, True),
        ("https://openrouter.ai/api/v1", "openai/gpt-5-mini", "max_tokens", 1, {}, True),
        (LOCAL, "gpt-oss:20b", "max_tokens", 1, {}, True),
        ("https://notopenai.com/v1", "gpt-5", "max_tokens", 1, {}, True),
    ],
)
def test_each_model_that_is_known_is_asked_as_it_takes_it(
    url: str | None, model: str, budget: str, system: int, switches: dict[str, object], takes_stop: bool
) -> None:
    dialect = dialect_of(base_url_of(url), model)
    assert (dialect.budget[0], dialect.system, dict(dialect.switches), dialect.takes_stop) == (
        budget,
        system,
        switches,
        takes_stop,
    )


PROMPT = Prompt(
    "Alex",
    "m",
    (
        ChatMessage("system", "You are Alex.", Purpose.CARD),
        ChatMessage("user", "Robin: One?", Purpose.EXAMPLE),
        ChatMessage("assistant", "One.", Purpose.EXAMPLE),
        ChatMessage("system", "[The story so far:]", Purpose.EXAMPLE),
        ChatMessage("user", "Robin: Hello?", Purpose.HISTORY),
        ChatMessage("system", "[Write.]", Purpose.INSTRUCTION),
    ),
    ("\nRobin:",),
    700,
    "r1",
)


@pytest.mark.parametrize(
    ("system", "roles"),
    [
        (System.ANYWHERE, ["system", "user", "assistant", "system", "user", "system"]),
        (System.FIRST, ["system", "user", "assistant", "user"]),
        (System.NOWHERE, ["user", "assistant", "user"]),
    ],
)
def test_b08_system_messages_stand_where_the_model_takes_them(system: System, roles: list[str]) -> None:
    messages = request_of(PROMPT, Dialect(system=system))["messages"]
    assert [message["role"] for message in messages] == roles
    whole = "\n".join(message["content"] for message in messages)
    assert all(message.content in whole for message in PROMPT.messages)


def test_b02_what_a_model_does_not_take_is_not_sent() -> None:
    bare = request_of(PROMPT, Dialect(budget=(), takes_stop=False))
    assert bare.keys() == {"model", "messages"}
    assert request_of(PROMPT, Dialect(answer_tokens_max=512))["max_tokens"] == 512
    assert request_of(PROMPT, Dialect(answer_tokens_max=9999))["max_tokens"] == 700
