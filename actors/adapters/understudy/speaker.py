"""Answers from the character's own examples, as a `Model` without a language model.

    Prompt ─► Scene ─► the examples' answers, best first ─┐
                   └─► answers composed of sentences ─────┴─► the first that repeats nobody

The same prompt and seed give the same line. Each line has passed the cleaning that a model's text must pass, so
it is never refused.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Final

import anyio.lowlevel

from actors.adapters.understudy.choice import Chooser
from actors.adapters.understudy.scene import Scene, read
from actors.ports.language_model import Completion, ModelFailed
from actors.roleplay.model import Prompt
from actors.roleplay.speech import Line, clean, normalise

NAME: Final = "understudy"
HEARD_LINES: Final = 12  # lines of others that it must not repeat: two rounds of a full cast
CANDIDATES_MAX: Final = 300  # further ones only pair the same texts differently
OWN_LINES: Final = 6  # one more than the lines that must not be repeated, as one may be merged from two


class Understudy:
    """Speaks for every character from its card alone. It has no state, so one instance serves all."""

    @property
    def label(self) -> str:
        return f"the {NAME} (no model is set: it picks from the cards' example lines)"

    @property
    def models(self) -> tuple[str, ...]:
        return (NAME,)

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        """Choose a line. Fails as `empty` only if every possible line was said recently."""
        await anyio.lowlevel.checkpoint()
        line = line_for(prompt)
        return Completion(line, model=NAME) if line else ModelFailed("empty")


def line_for(prompt: Prompt) -> str:
    """Return the line for this prompt; empty if every candidate would repeat somebody."""
    scene = read(prompt)
    chooser = Chooser.of(scene, prompt.seed)
    heard = {_compared(line.text) for line in scene.heard[-HEARD_LINES:]}
    own = {_compared(line) for line in scene.own}
    candidates = islice(chain(chooser.answers(), chooser.compositions()), CANDIDATES_MAX)
    fresh = (line for text in candidates if (line := _fresh(text, scene)) and _compared(line) not in heard)
    second_best = ""
    for line in fresh:
        if _compared(line) not in own:
            return line
        second_best = second_best or line
    return second_best


def _fresh(text: str, scene: Scene) -> str:
    """Clean `text`; empty if it (nearly) repeats one of the character's last lines, or is not a line."""
    others = tuple({line.name for line in scene.heard[-HEARD_LINES:]})
    result = clean(text, name=scene.name, others=others, own_last_lines=scene.own[-OWN_LINES:], cut_by_length=False)
    return result.text if isinstance(result, Line) else ""


def _compared(text: str) -> str:
    return normalise(text).casefold()
