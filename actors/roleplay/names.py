"""Names of participants: as shown, as used in the prompt, and as typed."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from actors.roleplay.invisible import HIDDEN, is_blank

NAME_CHARACTERS_MAX = 80  # Discord's limit of a webhook's name, under which a character speaks
NAMELESS = "Someone"
COLONS = ":\u02d0\u02f8\u05c3\u1361\u2236\ua789\ufe13\ufe55\uff1a"  # and what passes for one; inside of a class
WORD_LETTERS_MIN = 3  # of a part of a name that stands for its owner
_PARTICLES = frozenset({"the", "of", "von", "van", "der", "den", "del", "des", "and", "mrs", "miss"})
_COLONS = re.compile(f"[{COLONS}]")
_HIDDEN = re.compile(f"[{HIDDEN}]")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_QUOTES: Final = (
    "\"'`\u00b4\u02b9\u02bb\u02bc\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2032\u2033\u00ab\u00bb\u2039\u203a"
)
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_TYPED: Final = str.maketrans({**dict.fromkeys(_QUOTES, ""), **dict.fromkeys(_DASHES, "-")})


class Named(Protocol):
    """Whatever has a name, such as a character."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def shown_on_one_line(name: str) -> str:
    """Return `name` as it was written, on one line of at most 80 characters; empty if nothing of it can be seen."""
    visible = "".join(c for c in _HIDDEN.sub("", " ".join(name.split())) if unicodedata.category(c) not in _INVISIBLE)
    short = " ".join(unicodedata.normalize("NFC", visible).split())[:NAME_CHARACTERS_MAX].strip()
    return "" if is_blank(short) else short


@lru_cache(maxsize=1024)  # asked for each line of each prompt, and people are few
def clean_name(name: str) -> str:
    """Return `name` on one line, without colons and invisible characters; never empty.

    A name with a newline or a colon in it could forge another speaker's line in the prompt.
    """
    return shown_on_one_line(_COLONS.sub("", name)) or NAMELESS


def name_key(name: str) -> str:
    """Return the key of a name: a card with the same key replaces the other."""
    return clean_name(name).casefold()


def typed_key(name: str) -> str:
    """Return a key that does not depend on the keyboard: quotes, dashes, colons, width and accents' forms are alike."""
    plain = unicodedata.normalize("NFKC", clean_name(name)).casefold().translate(_TYPED)
    return " ".join(_COLONS.sub("", plain).split())


def find_named(name: str, among: Iterable[N]) -> N | None:
    """Return the one of this name: as it is written, else as it is cleaned, else as a keyboard may write it."""
    known = tuple(among)
    keys: tuple[Callable[[str], str], ...] = (str, name_key, typed_key)
    for key in keys:
        wanted = key(name)
        found = next((each for each in known if wanted and key(each.name) == wanted), None)
        if found is not None:
            return found
    return None


def short_names(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return the first and the last word of each of the `names`, where no one of the `others` has it in a name.

    Models shorten names: "Ilse:" stands for Captain Ilse Brandt, and so does "Ilse Brandt:".
    """
    taken = {word.casefold() for other in others for word in other.split()}
    found: dict[str, None] = {}
    for name in names:
        words = name.split()
        parts = (words[0], words[-1], " ".join(words[1:])) if len(words) > 1 else ()
        found |= {part: None for part in parts if _can_stand_alone(part) and part.casefold() not in taken}
    return tuple(found)


def _can_stand_alone(part: str) -> bool:
    return len(part) >= WORD_LETTERS_MIN and part[:1].isupper() and part.casefold() not in _PARTICLES
