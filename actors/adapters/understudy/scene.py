"""Extracts from a Prompt the character's examples, its own lines and the lines that it heard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from actors.adapters.understudy.pronouns import Pronouns, pronouns_of
from actors.adapters.understudy.stances import stems
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from actors.roleplay.quotation import FURTHER

_NAMED: Final = re.compile(r"([^\n:]{1,40}): (.*)")  # the form of everybody else's lines in the prompt
_OTHERS: Final = re.compile(r"Never speak or act for (.+), or anyone else\.\]")  # the prompt's instruction
_GESTURE: Final = re.compile(r"\*[^*\n]+\*")


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
    """The relevant parts of a Prompt; `own` and `heard` are oldest first, `cast` is sorted and has the speaker too."""

    name: str
    examples: tuple[Example, ...]
    pronouns: Pronouns
    cast: tuple[str, ...]
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
    examples = tuple(_examples(by_purpose[Purpose.EXAMPLE]))
    return Scene(
        name=prompt.character,
        examples=examples,
        pronouns=_pronouns(prompt.character, by_purpose[Purpose.CARD], examples),
        cast=_cast(prompt.character, closing),
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


def _pronouns(name: str, cards: Sequence[ChatMessage], examples: Sequence[Example]) -> Pronouns:
    """Read them from the card without its scene, where others act too, and from its gestures."""
    texts = [message.content.partition(f"# {name}\n")[2] for message in cards]
    return pronouns_of("\n".join((*texts, *(g for example in examples for g in _GESTURE.findall(example.answer)))))


def _cast(name: str, closing: str) -> tuple[str, ...]:
    named = _OTHERS.search(closing)
    return tuple(sorted({name, *(named[1].split(", ") if named else ())}))
