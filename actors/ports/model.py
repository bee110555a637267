"""What writes lines."""

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

    `trouble`: the server says that the text is not whole, and why; whole sentences of it are better than no line.
    `learnt` is what this answer showed of the server for the first time, in words for the operator; `reports` are what
    it said of the account's limits.
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

    `status`, `code` and `words` are the server's own, without secrets: for operators, never for a channel. `learnt` and
    `reports` as in Completion; `limited` is the limit that a 429 names.
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
    """Something that writes lines: a server that speaks OpenAI's chat API, or the understudy."""

    @property
    def label(self) -> str:
        """What people are told about who speaks, such as `openai/gpt-oss-120b` or `the understudy`."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The model ids to try, in order; never empty."""
        ...

    def window_tokens(self, model: str) -> int | None:
        """How much of a prompt `model` is known to read, in tokens as we estimate them; None where that is unknown."""
        ...

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed | HeldBack:
        """Ask once: one request on the wire, under the adapter's own time limit."""
        ...


class ServerKnowledge(Protocol):
    """Keeps what an adapter learnt of a server's models, as JSON, for the next process."""

    async def server_knowledge(self, server: str) -> Mapping[str, str]:
        """By model; empty for a server that nothing is known of."""
        ...

    async def keep_server_knowledge(self, server: str, model: str, knowledge: str, *, at: float) -> None:
        """Make this what is known of the model."""
        ...


class AllowanceUses(Protocol):
    """Keeps what was asked of a model server in the last 24 hours, for all processes of a bot."""

    async def allowance_uses(self, server: str, *, after: int, since: float) -> Sequence[tuple[int, str, Use]]:
        """(number, model, use) of those with a number above `after` and a time above `since`, by number."""
        ...

    async def keep_allowance_use(self, server: str, model: str, use: Use) -> None:
        """Keep a use; under a key that is kept already, its newer figures."""
        ...

    async def forget_allowance_uses(self, server: str, *, before: float) -> None:
        """Delete those that no limit counts any more."""
        ...

    async def place(self, channel_id: int) -> tuple[int | None, int | None] | None:
        """(parent, server) of a channel that was met; None for one that was not."""
        ...
