"""Character names as Discord takes them, and back."""

from __future__ import annotations

import re
from typing import Final

NAME_MAX: Final = 80
"""https://discord.com/developers/docs/resources/webhook#create-webhook"""
HAIR_SPACE: Final = "\u200a"
NAMELESS: Final = "Ensemble"
TITLE_MARK: Final = "💬 "
TITLE_MAX: Final = 256
"""https://discord.com/developers/docs/resources/message#embed-object-embed-limits"""

_REFUSED: Final = re.compile("(c)(lyde)|(d)(iscord)", re.IGNORECASE)
_MENDED: Final = re.compile(f"(?<=c){HAIR_SPACE}(?=lyde)|(?<=d){HAIR_SPACE}(?=iscord)", re.IGNORECASE)


def webhook_name(name: str) -> str:
    """`name` in 1–80 characters, with a hair space in the words that Discord refuses."""
    mended = _REFUSED.sub(lambda word: HAIR_SPACE.join(filter(None, word.groups())), name.strip())
    return mended[:NAME_MAX].strip() or NAMELESS


def name_of_webhook(shown: str) -> str:
    """The character's name behind the one that a webhook of ours shows."""
    return _MENDED.sub("", shown)


def embed_title(name: str) -> str:
    return f"{TITLE_MARK}{name}"[:TITLE_MAX]


def name_in_title(title: str | None) -> str | None:
    """The character named by a line's embed; None where the title is no line's."""
    if title is None or not title.startswith(TITLE_MARK):
        return None
    return title.removeprefix(TITLE_MARK)
