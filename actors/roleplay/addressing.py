"""Finds the characters that a message addresses: by a reply to a line of theirs, and by their names in its text.

    reply ─► its character        full name, nickname, alias ─► as whole words, in any case
                                  one word of a name ─► as it is written, where nobody else has it

Case, width and accents do not matter. Scripts without spaces (Chinese, Japanese, Thai …) have a word for each letter.
A name inside of a longer one is the longer one: "Rose Miller" addresses nobody who is called Rose.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

WORD_LETTERS_MIN: Final = 3
"""Letters of a single word of a name that addresses its owner."""

_TITLES: Final = (
    "the of and von van der den del des de la le du da di al el bin ibn san santa saint mister mrs miss madam sir"
    " dame madame lady lord king queen prince princess duke duchess count countess baron baroness captain general"
    " colonel major sergeant lieutenant admiral doctor professor father mother brother sister master mistress old young"
    " little big great herr frau monsieur señor señora don doña signor signora"
)
"""Words of names that say who somebody is, and not which one."""

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Addressee:
    """A character by all its names: the full name first, then nickname and aliases."""

    id: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """A message of a turn: its present text, and the character to whose line it is a reply, if any."""

    message_id: int
    text: str
    replies_to: str | None = None


def addressed(messages: Iterable[Heard], cast: Sequence[Addressee]) -> tuple[str, ...]:
    """Return the characters that the messages address, each once, in the order in which they are addressed."""
    present = {each.id for each in cast}
    found: dict[str, None] = {}
    for message in messages:
        if message.replies_to in present:
            found[str(message.replies_to)] = None
        found |= dict.fromkeys(_named(message.text, cast))
    return tuple(found)


def _named(text: str, cast: Sequence[Addressee]) -> list[str]:
    """The characters that a text names: each by its whole names, or else by a single word of one."""
    words = _words(text)
    folded = [_folded(word) for word in words]
    places = _whole_names(folded, cast)
    inside = {at for first, length, _ in places for at in range(first, first + length)}
    whole = {character for _, _, character in places}
    alone = _single_words(cast)
    for at, word in enumerate(words):
        character = alone.get(folded[at]) if at not in inside and not word[0].islower() else None
        if character is not None and character not in whole:
            places.append((at, 1, character))
    return [character for _, _, character in sorted(places, key=lambda place: place[0])]


def _whole_names(folded: list[str], cast: Sequence[Addressee]) -> list[tuple[int, int, str]]:
    """(first word, number of words, character) of each name in the text; of overlapping ones, the longer."""
    names = {(tuple(map(_folded, _words(name))), each.id) for each in cast for name in each.names}
    found: list[tuple[int, int, str]] = []
    taken: dict[int, tuple[str, ...]] = {}
    for name, character in sorted(names, key=lambda pair: (-len(pair[0]), pair)):
        for first in _places(name, folded):
            span = range(first, first + len(name))
            if all(taken.get(at, name) == name for at in span):  # two characters may have one name
                taken |= dict.fromkeys(span, name)
                found.append((first, len(name), character))
    order = {each.id: at for at, each in enumerate(cast)}
    return sorted(found, key=lambda place: (place[0], order[place[2]]))


def _places(name: tuple[str, ...], among: list[str]) -> Iterator[int]:
    ends = range(len(among) - len(name) + 1) if name else ()
    return (first for first in ends if tuple(among[first : first + len(name)]) == name)


def _single_words(cast: Sequence[Addressee]) -> dict[str, str]:
    """The words of names that address their owner alone, folded."""
    by_owner = {each.id: {word for name in each.names for word in _words(name)} for each in cast}
    owners = Counter(word for words in by_owner.values() for word in set(map(_folded, words)))
    return {
        _folded(word): owner
        for owner, words in by_owner.items()
        for word in words
        if _can_stand_alone(word) and owners[_folded(word)] == 1
    }


def _can_stand_alone(word: str) -> bool:
    is_title = _folded(word) in _FOLDED_TITLES
    return sum(map(str.isalpha, word)) >= WORD_LETTERS_MIN and not word[0].islower() and not is_title


def _words(text: str) -> list[str]:
    """The words of a text, without accents, in their case."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(unicodedata.normalize("NFKC", plain))


def _folded(word: str) -> str:
    return word.casefold()


_FOLDED_TITLES: Final = frozenset(map(_folded, _words(_TITLES)))
