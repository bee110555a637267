"""What writes lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from actors.ports.discord import HeldBack
from actors.roleplay.model import Prompt


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's raw answer; not cleaned, and never blank."""

    text: str
    cut_by_length: bool = False
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


ModelReason = Literal[
    "rate_limit",  # 429; `retry_after_s` says for how long
    "overloaded",  # 408, 409, 424, 498, 5xx
    "timeout",
    "connection",
    "malformed",  # 200, but no completion in it
    "empty",  # 200, and nothing said
    "length",  # nothing said, because reasoning ate the budget
    "too_large",  # the prompt does not fit
    "model_missing",  # 404, or retired
    "credentials",  # 401, 403
    "bad_request",  # 400, 422
]


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """No completion. `error` is for the operator's log alone: its text may name keys and organisations."""

    reason: ModelReason
    retry_after_s: float = 0.0
    error: BaseException | None = None


class Model(Protocol):
    """Something that writes lines: a server that speaks OpenAI's chat API, or the understudy."""

    @property
    def label(self) -> str:
        """What people are told about who speaks, such as `openai/gpt-oss-120b` or `the understudy`."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The model ids to try, in order; never empty."""
        ...

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        """Ask once: one request on the wire, under the adapter's own time limit."""
        ...
