"""Answers from the character's own examples, as a `Model` without a language model.

    Prompt ─► Scene ─► the examples' answers, best first ─────┐
                   └─► replies and gestures with a question ──┴─► the first that repeats nobody ─► typed for a second

The same prompt and seed give the same line. Each line has passed the cleaning that a model's text must pass, so
it is never refused. Somebody always answers: it never returns an empty line.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import Final

import anyio

from actors.adapters.understudy import stock
from actors.adapters.understudy.choice import Chooser
from actors.adapters.understudy.scene import Scene, read
from actors.ports.language_model import Completion
from actors.roleplay.model import Prompt
from actors.roleplay.speech import Line, clean, normalise

NAME: Final = "understudy"
HEARD_LINES: Final = 12  # lines of others that it must not repeat: two rounds of a full cast
CANDIDATES_MAX: Final = 300  # further ones only pair the same texts differently
OWN_LINES: Final = 6  # one more than the lines that must not be repeated, as one may be merged from two
TYPED_SHARE_MIN: Final = 0.8
TYPED_SHARE_MAX: Final = 2.0
TYPED_CHARACTERS: Final = 80  # a line of this length takes `typing_s`


class Understudy:
    """Speaks for every character from its card alone. It has no state, so one instance serves all.

    It types a line of average length for `typing_s`, a short one for 0.8 of it, a long one for twice as long, so that
    people see that somebody is typing. 0 means no wait.
    """

    def __init__(self, *, typing_s: float = 0.0) -> None:
        self._typing_s = typing_s

    @property
    def label(self) -> str:
        return f"the {NAME} (no model is set: it picks from the cards' lines; to set one, see docs/models.md)"

    @property
    def models(self) -> tuple[str, ...]:
        return (NAME,)

    def window_tokens(self, model: str) -> int | None:
        return None

    async def complete(self, prompt: Prompt) -> Completion:
        """Choose a line and type it. Never fails."""
        line = line_for(prompt)
        await anyio.sleep(typed_s(line, self._typing_s))
        return Completion(line, model=NAME)


def typed_s(line: str, typing_s: float) -> float:
    """Return for how long a line is typed."""
    return typing_s * min(max(len(line) / TYPED_CHARACTERS, TYPED_SHARE_MIN), TYPED_SHARE_MAX)


def line_for(prompt: Prompt) -> str:
    """Return the line for this prompt; never empty."""
    scene = read(prompt)
    chooser = Chooser.of(scene, prompt.seed)
    heard = {_compared(line.text) for line in scene.heard[-HEARD_LINES:]}
    own = {_compared(line) for line in scene.own}
    candidates = chain(
        chooser.answers(),
        islice(chooser.compositions(), CANDIDATES_MAX),
        islice(chooser.compositions(dealt=False), CANDIDATES_MAX),
    )
    fresh = (line for text in candidates if (line := _fresh(text, scene)) and _compared(line) not in heard)
    second_best = ""
    for line in fresh:
        if _compared(line) not in own:
            return line
        second_best = second_best or line
    return second_best or stock.LAST


def _fresh(text: str, scene: Scene) -> str:
    """Clean `text`; empty if it (nearly) repeats one of the character's last lines, or is not a line."""
    others = tuple({line.name for line in scene.heard[-HEARD_LINES:]})
    result = clean(text, name=scene.name, others=others, own_last_lines=scene.own[-OWN_LINES:], cut_by_length=False)
    return result.text if isinstance(result, Line) else ""


def _compared(text: str) -> str:
    return normalise(text).casefold()
