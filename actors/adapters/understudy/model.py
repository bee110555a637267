"""A Model that needs no model: it answers from the character's own examples.

    Prompt ─► Scene ─► the examples' answers, the best first ─┐
                   └─► answers put together from sentences ───┴─► the first that repeats nobody

The same prompt and seed give the same line. What it says has passed the cleaning that a model's text
has to pass, so it is never refused.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Final

import anyio.lowlevel

from actors.adapters.understudy.choice import Chooser
from actors.adapters.understudy.scene import Scene, read
from actors.ports.model import Completion, ModelFailed
from actors.roleplay.model import Prompt
from actors.roleplay.speech import Line, clean, normalise

NAME: Final = "understudy"
HEARD_LINES: Final = 12  # of others that it must not repeat: two rounds of a full cast
CANDIDATES_MAX: Final = 300  # the rest would be other pairs of the same texts
OWN_LINES: Final = 6  # one more than what may not be repeated, as one may be merged of two


class Understudy:
    """Speaks for every character, from its card alone. Holds nothing, so one serves all."""

    @property
    def label(self) -> str:
        return f"the {NAME} (no model is set: it picks from the cards' example lines)"

    @property
    def models(self) -> tuple[str, ...]:
        return (NAME,)

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion | ModelFailed:
        """Choose a line. It fails as `empty` only if all that it can say has just been said."""
        await anyio.lowlevel.checkpoint()
        line = line_for(prompt)
        return Completion(line, model=NAME) if line else ModelFailed("empty")


def line_for(prompt: Prompt) -> str:
    """The line for this prompt; empty where everything would repeat somebody."""
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
    """`text` as it can be said; empty if it is (nearly) one of its own last lines, or no line at all."""
    others = tuple({line.name for line in scene.heard[-HEARD_LINES:]})
    result = clean(text, name=scene.name, others=others, own_last_lines=scene.own[-OWN_LINES:], cut_by_length=False)
    return result.text if isinstance(result, Line) else ""


def _compared(text: str) -> str:
    return normalise(text).casefold()
