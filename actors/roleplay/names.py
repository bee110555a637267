"""Names of participants, safe to put in front of a line of the prompt."""

import re
import unicodedata
from functools import lru_cache

from actors.roleplay.invisible import HIDDEN, is_blank

NAME_CHARACTERS_MAX = 32  # Discord's limit of a display name; a longer one only costs prompt
NAMELESS = "Someone"
COLONS = ":\u02d0\u02f8\u05c3\u1361\u2236\ua789\ufe13\ufe55\uff1a"  # and what passes for one; inside of a class
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
