"""Finds the characters that a person names in `!start`: without quotes, by the beginning of a name, with commas.

`Captain Ilse Brandt, Maren`   two characters, by their full names; the longest run of words that is a name counts
`ilse mar`                     the same two: each word begins a word of one name only
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from actors.roleplay.names import N, find_named, typed_key


@dataclass(frozen=True, slots=True)
class Unknown:
    """Words that name nobody."""

    words: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Words that begin several names, all in `names`."""

    words: str
    names: tuple[str, ...]


def cast_of(words: Sequence[str], known: Iterable[N]) -> list[N | Unknown | Ambiguous]:
    """Return what each run of `words` names, in the order written; a word with a space in it was quoted.

    Never a name across a comma, unless the name itself has that comma.
    """
    all_known = tuple(known)
    found: list[N | Unknown | Ambiguous] = []
    left = list(words)
    while left:
        length, named = _first(left, all_known)
        found.append(named)
        left = left[length:]
    return found


def _first(words: Sequence[str], known: tuple[N, ...]) -> tuple[int, N | Unknown | Ambiguous]:
    """The number of words that the first name takes, and what they name."""
    runs = tuple(_runs(words, max((len(each.name.split()) for each in known), default=1)))
    for length, text in runs:
        named = find_named(text, known)
        if named is not None:
            return length, named
    several: tuple[int, Ambiguous] | None = None
    for length, text in runs:
        begun = _begun(text, known)
        if len(begun) == 1:
            return length, begun[0]
        if begun and several is None:
            several = length, Ambiguous(text, tuple(each.name for each in begun))
    return several or (1, Unknown(words[0].rstrip(",") or words[0]))


def _runs(words: Sequence[str], words_max: int) -> Iterator[tuple[int, str]]:
    """Runs of words from the first one on, the longest first; a quoted name stands alone."""
    until = next((at for at, word in enumerate(words) if len(word.split()) > 1), len(words))
    for length in range(min(max(until, 1), words_max), 0, -1):
        yield length, " ".join(words[:length]).rstrip(",")


def _begun(text: str, known: tuple[N, ...]) -> tuple[N, ...]:
    """Those whose name begins with `text`; if there are none, those with a later word that does."""
    wanted = typed_key(text)
    if not wanted or not any(character.isalnum() for character in wanted):
        return ()
    from_start = tuple(each for each in known if typed_key(each.name).startswith(wanted))
    return from_start or tuple(each for each in known if f" {wanted}" in typed_key(each.name))
