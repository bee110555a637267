"""A model for actor tests: answers by script, and keeps what it was asked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import anyio

from actors.ports import Completion, ModelFailed
from actors.roleplay.model import Prompt


@dataclass
class FakeModel:
    """Implements Model. `answers` are used up one for each request; then it counts its lines."""

    answers: deque[str | ModelFailed | Completion] = field(default_factory=deque)
    takes_s: float = 0.5
    prompts: list[Prompt] = field(default_factory=list)
    label: str = "a scripted model"
    models: tuple[str, ...] = ("first", "second")
    down: dict[str, ModelFailed] = field(default_factory=dict)  # models that fail, and how
    windows: dict[str, int] = field(default_factory=dict)  # how much of a prompt each reads

    def window_tokens(self, model: str) -> int | None:
        return self.windows.get(model)

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        self.prompts.append(prompt)
        await anyio.sleep(self.takes_s)
        if prompt.model in self.down:
            return self.down[prompt.model]
        answer = self.answers.popleft() if self.answers else f"Line {len(self.prompts)} by {prompt.character}."
        return Completion(answer) if isinstance(answer, str) else answer
