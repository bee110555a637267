"""Extracts from a Prompt the character's examples, its own lines and the lines that it heard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.adapters.understudy.stances import stems
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from actors.roleplay.quotation import FURTHER

_NAMED: Final = re.compile(r"([^\n:]{1,40}): (.*)")  # the form of everybody else's lines in the prompt
_TRAIT: Final = re.compile(r"[a-z][a-z-]{2,15}")
_PERSONALITY: Final = "# Personality\n"


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of another speaker; `is_cast`: the instruction names its speaker."""

    name: str
    text: str
    is_cast: bool


@dataclass(frozen=True, slots=True)
class Example:
    """An example of the card: a line said to the character, and its answer."""

    cue: str
    answer: str


@dataclass(frozen=True, slots=True)
class Scene:
    """The relevant parts of a Prompt; `own` and `heard` are oldest first."""

    name: str
    examples: tuple[Example, ...]
    traits: tuple[str, ...]
    own: tuple[str, ...]
    heard: tuple[Heard, ...]

    @property
    def cue(self) -> Heard:
        """The line to answer: the newest one of a person, else the newest of all."""
        people = [line for line in self.heard if not line.is_cast]
        return (people or self.heard or (Heard("", "", False),))[-1]

    @property
    def named(self) -> frozenset[str]:
        """Stems of everybody's names, which say nothing about a line's topic."""
        return stems(" ".join({self.name, *(line.name for line in self.heard)}))


def read(prompt: Prompt) -> Scene:
    """Parse a Prompt."""
    by_purpose = {purpose: [m for m in prompt.messages if m.purpose == purpose] for purpose in Purpose}
    closing = "\n".join(message.content for message in by_purpose[Purpose.INSTRUCTION])
    history = by_purpose[Purpose.HISTORY]
    return Scene(
        name=prompt.character,
        examples=tuple(_examples(by_purpose[Purpose.EXAMPLE])),
        traits=_traits(by_purpose[Purpose.CARD]),
        own=tuple(message.content for message in history if message.role == "assistant"),
        heard=tuple(line for message in history if message.role == "user" for line in _heard(message, closing)),
    )


def _examples(messages: Sequence[ChatMessage]) -> Iterator[Example]:
    cue = ""
    for message in messages:
        if message.role == "assistant":
            yield Example(cue, message.content)
        named = _NAMED.match(message.content)
        cue = named[2] if named else message.content


def _heard(message: ChatMessage, closing: str) -> Iterator[Heard]:
    name, said = "", ""
    for line in message.content.split("\n"):
        named = None if line.startswith(FURTHER.rstrip()) else _NAMED.fullmatch(line)
        if named is None:
            said += f"\n{line.removeprefix(FURTHER.rstrip()).removeprefix(' ')}"
            continue
        if name:
            yield Heard(name, said, name in closing)
        name, said = named[1], named[2]
    yield Heard(name, said.strip(), bool(name) and name in closing)


def _traits(messages: Sequence[ChatMessage]) -> tuple[str, ...]:
    """The single words of the card's personality, such as `Terse, dry, steady.`"""
    text = "\n".join(message.content for message in messages)
    _, _, personality = text.partition(_PERSONALITY)
    words = (word.strip().lower() for word in re.split(r"[,.;\n]|\band\b", personality.partition("\n\n")[0]))
    return tuple(dict.fromkeys(word for word in words if _TRAIT.fullmatch(word)))
