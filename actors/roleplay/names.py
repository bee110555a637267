"""Names of participants, safe to put in front of a line of the prompt."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from actors.roleplay.invisible import HIDDEN, is_blank

NAME_CHARACTERS_MAX = 32  # Discord's limit of a display name; a longer one only costs prompt
NAMELESS = "Someone"
COLONS = ":\u02d0\u02f8\u05c3\u1361\u2236\ua789\ufe13\ufe55\uff1a"  # and what passes for one; inside of a class
WORD_LETTERS_MIN = 3  # of a part of a name that stands for its owner
_PARTICLES = frozenset({"the", "of", "von", "van", "der", "den", "del", "des", "and", "mrs", "miss"})
_COLONS = re.compile(f"[{COLONS}]")
_HIDDEN = re.compile(f"[{HIDDEN}]")
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


@lru_cache(maxsize=1024)  # asked for each line of each prompt, and people are few
def clean_name(name: str) -> str:
    """Return `name` on one line, without colons and invisible characters; never empty.

    A name with a newline or a colon in it could forge another speaker's line in the prompt.
    """
    spaced = _HIDDEN.sub("", _COLONS.sub("", " ".join(name.split())))
    visible = "".join(c for c in spaced if unicodedata.category(c) not in _INVISIBLE)
    folded = " ".join(unicodedata.normalize("NFC", visible).split())
    short = folded[:NAME_CHARACTERS_MAX].strip()
    return NAMELESS if is_blank(short) else short


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
