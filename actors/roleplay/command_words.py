"""Recognises commands, and words that are nearly one: `!strat` is answered with `!start`, and not played.

prefix ─► word ─► known: a command
   │          ├─► one slip away from a known one: a command that is only answered
   │          └─► else it belongs to the play ("!!! Look out!")
   └ none: a slash and a word, such as "/start", is only answered too: Discord sent it as a text, not as a command
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

COMMANDS: Final = ("start", "end", "pause", "resume", "status", "cast", "history", "retry", "missing", "lore", "help")
"""Every word that the message commands know."""

REPLACED_FROM: Final = 5
"""Letters from which on one wrong letter is a slip: "!Hell, no" is not `!help`, "!stsrt" is `!start`."""


SLASH: Final = "/"

_TYPED: Final = re.compile(r"/([a-z][a-z_-]+)(?=\s|$)", re.IGNORECASE)
"""A slash command as a text: one word of two letters or more. "/home/user" and "/ or" are none."""


@dataclass(frozen=True, slots=True)
class Command:
    """`word` is one of COMMANDS, `rest` what stands behind it; `is_slip`: another word was written, nearly this one.

    A typed slash command is a slip too; its `word` is empty if it is near to none.
    """

    word: str
    rest: str = ""
    is_slip: bool = False


def command_of(text: str, prefix: str) -> Command | None:
    """The command that `text` is, in any case; None for what is none. An empty prefix turns commands off."""
    said = text.strip()
    if not prefix:
        return None
    typed = _TYPED.match(said)
    if typed and prefix != SLASH:
        return Command(_nearest(typed[1].lower()), said[typed.end() :].lstrip(), is_slip=True)
    behind = said[len(prefix) :]
    if said[: len(prefix)].casefold() != prefix.casefold() or not behind.strip():
        return None
    written, *rest = behind.split(maxsplit=1)
    word = written.lower()
    if word in COMMANDS:
        return Command(word, "".join(rest))
    nearest = _nearest(word)
    return Command(nearest, "".join(rest), is_slip=True) if nearest else None


def _nearest(word: str) -> str:
    """The known word that `word` is or nearly is; empty if there is none."""
    return next((known for known in COMMANDS if word == known or _is_slip(word, known)), "")


def _is_slip(word: str, command: str) -> bool:
    """Whether one letter is too many or missing, two neighbours are swapped, or in a longer word one is wrong."""
    if abs(len(word) - len(command)) > 1:
        return False
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(word, command, strict=False))))
    written, meant = word[same:], command[same:]
    if written[:2] == meant[1::-1] and written[2:] == meant[2:]:
        return True
    if not same:
        return False  # hardly anybody mistypes the first letter: "!Send help" is not `!end`
    is_replaced = len(command) >= REPLACED_FROM and written[1:] == meant[1:]
    return is_replaced or written[1:] == meant or written == meant[1:]
