"""Names of participants, safe to put in front of a line of the prompt."""

import re
import unicodedata

NAME_CHARACTERS_MAX = 32  # Discord's limit of a display name; a longer one only costs prompt
NAMELESS = "Someone"
_COLONS = re.compile("[:\u02d0\u02f8\u05c3\u1361\u2236\ua789\ufe13\ufe55\uff1a]")  # and what passes for one
_INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


def clean_name(name: str) -> str:
    """Return `name` on one line, without colons and invisible characters; never empty.

    A name with a newline or a colon in it could forge another speaker's line in the prompt.
    """
    spaced = _COLONS.sub("", " ".join(name.split()))
    visible = "".join(c for c in spaced if unicodedata.category(c) not in _INVISIBLE)
    folded = " ".join(unicodedata.normalize("NFC", visible).split())
    return folded[:NAME_CHARACTERS_MAX].strip() or NAMELESS
