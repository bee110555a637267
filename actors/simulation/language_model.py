"""Simulates a model: it mostly answers with a new line, and sometimes as models and their servers fail."""

from __future__ import annotations

from typing import Final

import anyio

from actors.ports import Completion, ModelFailed
from actors.roleplay.model import Prompt, Purpose
from actors.simulation.faults import MODEL, Faults
from actors.simulation.process import ProcessRun
from actors.simulation.watch import Watch

TIMEOUT_S: Final = 60.0
"""GENERATE_TIMEOUT_S."""

WORDS: Final = [
    "lamp",
    "harbour",
    "gull",
    "rope",
    "winter",
    "letter",
    "door",
    "candle",
    "bread",
    "river",
    "stone",
    "song",
    "cold",
    "bright",
    "under",
    "slowly",
    "never",
    "carry",
    "listen",
    "turn",
    "promise",
    "storm",
    "ink",
    "salt",
    "morning",
    "iron",
    "glass",
    "quiet",
    "ladder",
    "smoke",
    "field",
    "between",
    "copper",
    "thread",
    "shadow",
    "laugh",
    "open",
    "keep",
    "wander",
    "hollow",
    "feather",
    "map",
    "tide",
    "answer",
    "blue",
    "corner",
    "early",
]

_REASONS: Final = {
    "overloaded": ModelFailed("overloaded"),
    "connection": ModelFailed("connection"),
    "malformed": ModelFailed("malformed"),
    "empty": ModelFailed("empty"),
    "length": ModelFailed("length"),
    "too_large": ModelFailed("too_large"),
    "model_missing": ModelFailed("model_missing"),
    "credentials": ModelFailed("credentials"),
    "bad_request": ModelFailed("bad_request"),
    "timeout": ModelFailed("timeout"),
}
_TEXTS: Final = {
    "html": "<!doctype html><html><body>502 Bad Gateway</body></html>",
    "think_only": "<think>Let me see what they want of me",
    "refusal": "I'm sorry, but I can't help with that request.",
}


LONG_SHARE: Final = 0.025
"""Share of lines that are too long for one message."""


class Speech:
    """Generates texts that never repeat; each paragraph has a unique token."""

    def __init__(self, faults: Faults, mark: str, *, long_share: float = LONG_SHARE) -> None:
        self._random = faults.stream(f"speech {mark}")
        self._mark = mark
        self._long_share = long_share
        self._count = 0

    def sentence(self, words: int = 8) -> str:
        self._count += 1
        said = " ".join(self._random.choices(WORDS, k=words))
        return f"{said.capitalize()} #{self._mark}{self._count}."

    def line(self) -> str:
        """One or two sentences; some lines are too long for one message, some have characters that Discord strips."""
        chance = self._random.random()
        if chance < self._long_share:
            return "\n\n".join(self.sentence(70) for _ in range(self._random.randint(5, 10)))
        if chance < 0.075:
            return f"\u200b*{self.sentence(4)}*  \u200b"
        return self.sentence() if chance < 0.6 else f"{self.sentence()} {self.sentence(5)}"


class SimulatedModel:
    """The Model port of one process."""

    def __init__(
        self, run: ProcessRun, faults: Faults, watch: Watch, speech: Speech, *, models: tuple[str, ...]
    ) -> None:
        self._run = run
        self._faults = faults
        self._watch = watch
        self._speech = speech
        self._models = models
        self._random = faults.stream("model time")
        self.is_out = False

    @property
    def label(self) -> str:
        return "a simulated model"

    @property
    def models(self) -> tuple[str, ...]:
        return self._models

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        self._run.point("before complete")
        self._watch.asked(prompt)
        fault = self._faults.pick("model", MODEL)
        await anyio.sleep(TIMEOUT_S if fault == "timeout" else 0.2 + 3 * self._random.random())
        self._run.point("after complete")
        return self._answer(prompt, fault)

    def _answer(self, prompt: Prompt, fault: str | None) -> Completion | ModelFailed:
        match fault:
            case "rate_limit":
                return ModelFailed("rate_limit", 1 + 20 * self._random.random(), status=429)
            case "rate_limit_long":
                return ModelFailed("rate_limit", 540.0, status=429)
            case "cut_by_length":
                return Completion(f"{self._speech.line()} And then", cut_by_length=True)
            case "forged":
                other = self._random.choice(("Robin", _another(prompt)))
                return Completion(f"{prompt.character}: {self._speech.line()}\n{other}: {self._speech.sentence()}")
            case "repeat":
                return Completion(_own_last_line(prompt) or self._speech.line())
            case None:
                return Completion(self._speech.line())
            case _ if fault in _TEXTS:
                return Completion(_TEXTS[fault])
            case _:
                return _REASONS[fault]


def _another(prompt: Prompt) -> str:
    """Another character of the cast, as the instruction names it; a person if there is none."""
    told = next((m.content for m in prompt.messages if m.purpose is Purpose.INSTRUCTION), "")
    name = told.partition("speak or act for ")[2].partition(",")[0]
    return name if name and not name.startswith("anyone") else "Robin"


def _own_last_line(prompt: Prompt) -> str:
    own = [m.content for m in prompt.messages if m.purpose is Purpose.HISTORY and m.role == "assistant"]
    return own[-1] if own else ""
