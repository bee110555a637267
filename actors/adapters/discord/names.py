"""Converts character names to webhook names that Discord accepts, and back.

A webhook's name must not contain some words; Discord publishes no list and changes it. A hair space inside the
word, as other bots use it, keeps the look of the name; it is removed when the name is read back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from actors.roleplay.invisible import is_blank

NAME_MAX: Final = 80
"""https://discord.com/developers/docs/resources/webhook#create-webhook"""
HAIR_SPACE: Final = "\u200a"
NAMELESS: Final = "Ensemble"
TITLE_MARK: Final = "💬 "
TITLE_MAX: Final = 256
"""https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""
REFUSED_WORDS: Final = frozenset({"clyde", "discord"})
"""Refused anywhere in a name, according to Discord's reference; other words are learnt from refusals."""
REFUSED_NAMES: Final = frozenset({"everyone", "here"})
"""Refused as the whole name."""
WORD_MIN: Final = 2
"""A single letter cannot be split."""

_NAMED_WORD: Final = re.compile(r'cannot (?:be|contain) "([^"]+)"', re.IGNORECASE)
_PAIR: Final = re.compile(r"(\w\w)(?=\w)")
_INSIDE: Final = re.compile(rf"(?<=\w){HAIR_SPACE}(?=\w)")


def spellings(name: str, words: Iterable[str] = ()) -> tuple[str, ...]:
    """Return possible webhook names for `name`, most similar first: only refused words split, then every word split.

    Names over NAME_MAX are left out: a truncated name could not be recognised when it is read back.
    """
    plain = shown_name(name)
    whole = REFUSED_NAMES & {plain.casefold()}
    broken = _broken_up(plain, {*REFUSED_WORDS, *whole, *words})
    in_pairs = _PAIR.sub(rf"\1{HAIR_SPACE}", broken)
    return tuple(each for each in dict.fromkeys((broken, in_pairs)) if len(each) <= NAME_MAX)


def shown_name(name: str) -> str:
    """`name`, or NAMELESS if it is invisible."""
    return NAMELESS if is_blank(name) else name.strip()


def refused_word(words: str, name: str) -> str | None:
    """The refused word that Discord's error text names; None if `name` does not contain it."""
    named = _NAMED_WORD.search(words)
    word = "" if named is None else named[1].casefold()
    return word if len(word) >= WORD_MIN and word in name.casefold() else None


def name_of_webhook(shown: str) -> str:
    """The character's name, from the name that one of our webhooks shows."""
    return _INSIDE.sub("", shown)


def embed_title(name: str) -> str:
    return f"{TITLE_MARK}{shown_name(name)}"[:TITLE_MAX]


def name_in_title(title: str | None) -> str | None:
    """The character's name in the title of a line's embed; None if the embed is not a line."""
    if title is None or not title.startswith(TITLE_MARK):
        return None
    return title.removeprefix(TITLE_MARK)


def _broken_up(name: str, words: Iterable[str]) -> str:
    """`name` with a hair space after the first letter of each of `words` in it."""
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.sub(pattern, lambda found: f"{found[0][0]}{HAIR_SPACE}{found[0][1:]}", name, flags=re.IGNORECASE)
