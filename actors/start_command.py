"""Reads the words of `!start`: names, the turn order and the scenario."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Final

from actors.roleplay.turns import TurnOrder, UnknownOrder, choices, order_named


@dataclass(frozen=True, slots=True)
class Start:
    """`order` is None if none was named: it depends on the size of the cast."""

    names: tuple[str, ...]
    order: TurnOrder | None
    scenario: str


_SCENARIO: Final = re.compile(r"(?:^|(?<=\s))--(?:\s|$)")
_CURLY: Final = str.maketrans(dict.fromkeys("“”„‟", '"'))


class BadCommand(ValueError):
    """A wrong command; the message, shown to the user, says what is wrong and how to write it."""


def parse_start(rest: str) -> Start:
    """`NAME… [--turns ORDER] [-- SCENARIO]`; a name in quotes is one word. Raises BadCommand."""
    head, scenario = _parted(rest)
    try:
        words = _words(head)
    except ValueError as error:
        raise BadCommand("A quote is not closed.") from error
    order: TurnOrder | None = None
    if "--turns" in words:
        at = words.index("--turns")
        if at + 1 >= len(words):
            raise BadCommand(f"`--turns` needs an order: {choices()}.")
        order = _order(words[at + 1].lower())
        del words[at : at + 2]
    return Start(tuple(words), order, scenario.strip())


def _order(word: str) -> TurnOrder:
    try:
        return order_named(word)
    except UnknownOrder as error:
        raise BadCommand(str(error)) from error


def _parted(rest: str) -> tuple[str, str]:
    """Split at the first `--` outside quotes: a quoted name may contain `--`."""
    plain = rest.translate(_CURLY)
    for dashes in _SCENARIO.finditer(rest):
        if plain.count('"', 0, dashes.start()) % 2 == 0:
            return rest[: dashes.start()], rest[dashes.end() :]
    return rest, ""


def _words(head: str) -> list[str]:
    """Split into words; a text in double quotes is one word. Raises ValueError for a quote that is not closed.

    Only double quotes count: O'Neill is a name, and a backslash is an ordinary character.
    """
    words = shlex.shlex(head.translate(_CURLY), posix=True, punctuation_chars=False)
    words.whitespace_split, words.quotes, words.escape, words.commenters = True, '"', "", ""
    return list(words)
