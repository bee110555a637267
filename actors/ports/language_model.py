"""The port of the model that writes lines, and what is kept about its server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from actors.ports.discord import HeldBack
from actors.roleplay.allowance import Kind, Report, Use
from actors.roleplay.model import Prompt
from machines.reasons import ModelReason


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's raw answer; not cleaned, and never blank.

    `trouble`: why the server says that the text is incomplete; its whole sentences are still used.
    `learnt`: what this answer showed about the server for the first time, for the operator. `reports`: what it said
    about the account's limits.
    """

    text: str
    cut_by_length: bool = False
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    trouble: ModelReason | None = None
    learnt: str = ""
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """No completion. `error` is for the operator's log alone: its text may name keys and organisations.

    `status`, `code` and `words` come from the server, without secrets: for operators, never for a channel. `learnt` and
    `reports` are as in Completion; `limited` is the limit that a 429 names.
    """

    reason: ModelReason
    retry_after_s: float = 0.0
    error: BaseException | None = None
    status: int | None = None
    code: str | None = None
    words: str = ""
    learnt: str = ""
    reports: tuple[Report, ...] = ()
    limited: Kind | None = None


class Model(Protocol):
    """Writes lines: a server with OpenAI's chat API, or the understudy."""

    @property
    def label(self) -> str:
        """The name that people see for the writer, such as `openai/gpt-oss-120b` or `the understudy`."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The model ids to try, in order; never empty."""
        ...

    def window_tokens(self, model: str) -> int | None:
        """How much of a prompt `model` reads, in estimated tokens; None if unknown."""
        ...

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        """Send one request, under the adapter's own time limit."""
        ...


class ServerKnowledge(Protocol):
    """Keeps what an adapter learnt about a server's models, as JSON, for the next process."""

    async def server_knowledge(self, server: str) -> Mapping[str, str]:
        """Knowledge by model; empty for an unknown server."""
        ...

    async def keep_server_knowledge(self, server: str, model: str, knowledge: str, *, at: float) -> None:
        """Replace the knowledge about the model."""
        ...


class AllowanceUses(Protocol):
    """Keeps the requests to a model server of the last 24 hours, for all processes of a bot."""

    async def allowance_uses(self, server: str, *, after: int, since: float) -> Sequence[tuple[int, str, Use]]:
        """(number, model, use) of requests numbered above `after` and later than `since`, by number."""
        ...

    async def keep_allowance_use(self, server: str, model: str, use: Use) -> None:
        """Keep a use; under a known key, replace its figures."""
        ...

    async def forget_allowance_uses(self, server: str, *, before: float) -> None:
        """Delete the uses that no limit counts any more."""
        ...

    async def place(self, channel_id: int) -> tuple[int | None, int | None] | None:
        """(parent, server) of a known channel; None for an unknown one."""
        ...
