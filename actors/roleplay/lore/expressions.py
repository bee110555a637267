"""Translates the regular expressions of keys, which are JavaScript's, for Python's `regex`.

What only `regex` knows is no expression: fuzzy matches, recursion, named lists. What would need much memory before any
text is read is none either: `(a{1000}){1000}` is a million copies of `a`.
Sources: MDN, "Regular expressions"; the documentation of `regex`.
"""

from __future__ import annotations

import re
from typing import Final

from actors.roleplay.lore.model import Pattern

COPIES_MAX: Final = 20_000
"""Characters of an expression times its repetitions: some 30 ms and 5 MB to prepare."""

_TOKEN: Final = re.compile(
    r"(?P<named>\\[pPN]\{[^{}]*\}|\\u\{(?P<code>[0-9a-fA-F]{1,6})\})"
    r"|(?P<back>\\k<)"
    r"|(?P<list>\\L<|\\g<)"
    r"|(?P<escaped>\\.)"
    r"|(?P<any>\[\^\])"
    r"|(?P<none>\[\])"
    r"|\{(?P<least>[0-9]{1,9})(?:,(?P<most>[0-9]{0,9}))?\}"
    r"|(?P<brace>\{)"
    r"|(?P<group>\(\?(?!:|=|!|<[=!]|<[A-Za-z_]|[ims]{1,3}\)))"
    r"|(?P<text>[^\\\[{(]+|.)",
    re.DOTALL,
)


def translated(pattern: Pattern) -> str | None:
    """Return the source for `regex`; None if the pattern is no expression that may be asked."""
    parts: list[str] = []
    copies = max(1, len(pattern.source))
    for token in _TOKEN.finditer(pattern.source):
        if token.lastgroup in ("group", "list"):
            return None
        if token["least"]:
            copies *= max(1, int(token["least"]))
        if copies > COPIES_MAX:
            return None
        parts.append(_part(token))
    return "".join(parts)


def _part(token: re.Match[str]) -> str:
    if token["code"]:
        return f"\\U{token['code']:0>8}"
    if token["back"]:
        return "\\g<"
    if token["any"]:
        return "[\\s\\S]"
    if token["none"]:
        return "(?!)"
    return "\\{" if token["brace"] else token[0]
