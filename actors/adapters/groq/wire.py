"""Builds the request's body from a Prompt and a Dialect. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any, TypedDict

from actors.adapters.groq.servers import Dialect, System
from actors.roleplay.model import ChatMessage, Prompt


class WireMessage(TypedDict):
    role: str
    content: str


def request_of(prompt: Prompt, dialect: Dialect) -> dict[str, Any]:
    """Return the arguments of the SDK's `create`."""
    request: dict[str, Any] = {"model": prompt.model, "messages": _messages(prompt.messages, dialect.system)}
    for name in dialect.budget[:1]:
        request[name] = min(prompt.completion_tokens_max, dialect.answer_tokens_max or prompt.completion_tokens_max)
    if prompt.stop and dialect.takes_stop:
        request["stop"] = list(prompt.stop)
    return request | dict(dialect.switches)


def _messages(messages: tuple[ChatMessage, ...], system: System) -> list[WireMessage]:
    if system is System.ANYWHERE:
        return [WireMessage(role=message.role, content=message.content) for message in messages]
    return _alternating(messages, firsts=1 if system is System.FIRST else 0)


def _alternating(messages: Iterable[ChatMessage], *, firsts: int) -> list[WireMessage]:
    """Send system messages after the first `firsts` as the user's, and merge neighbouring messages of one role."""
    roles = [
        "user" if message.role == "system" and index >= firsts else message.role
        for index, message in enumerate(messages)
    ]
    merged = groupby(zip(roles, messages, strict=True), key=lambda pair: pair[0])
    return [WireMessage(role=role, content="\n\n".join(m.content for _, m in group)) for role, group in merged]
