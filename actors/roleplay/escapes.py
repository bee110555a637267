"""Escapes what people wrote for the bot's own messages, so that it can be read and does nothing.

    a name, an argument, an error ─► plain ─► one line, short, every sign of Markdown escaped
    an id, a word in backticks    ─► code  ─► the same between backticks, where a backslash escapes nothing
    a line of the history         ─► quoted ─► escaped, every further line of it behind a `>`

Without this, a message of the bot could carry a link under another text, a mention, an invitation, or a notice or a
character's line that never was. Sources: Discord's reference ("Message Formatting"), its help page "Markdown Text 101".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from actors.roleplay.invisible import OVERRIDES, is_blank
from actors.roleplay.names import shown_on_one_line

ECHO_CHARACTERS_MAX: Final = 40
"""How much of a typed text an answer repeats: enough to recognise it."""

CODE_CHARACTERS_MAX: Final = 100
"""The same for ids and models, which cannot be recognised by their beginning."""

ERROR_CHARACTERS_MAX: Final = 300
"""The same for an error's words, which only authorised persons read."""

LISTED_MAX: Final = 40
"""Names in one answer: all of a scene, and the first of a long list."""

TYPED_MAX: Final = 5
"""Typed words that one answer repeats."""

QUOTED_LINES_MAX: Final = 12
"""Lines of one entry that `!history` shows."""

NOTHING: Final = "?"
"""Shown in place of an invisible text."""

_ELLIPSIS: Final = "…"
# Of a dot only one within a word: `discord.gg/abc` is an invitation even without `https://`.
_SIGNS: Final = re.compile(r"[\\*_~`|>#\[\]()<]|:(?![\w\s]|\Z)|\.(?=\S)")
_BLOCK: Final = re.compile(r"\A([ \t]*\d{0,9})([-+.])(?=[ \t]|\Z)")  # begins an item of a list
_UNSEEN: Final = re.compile(f"[{OVERRIDES}\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_NEWLINES: Final = re.compile("[ \t]*(?:\r\n?|[\n\x0b\x0c\x85\u2028\u2029])")
_SPOILER: Final = re.compile(r"\|\|(?!\|)(.+?)\|\|", re.DOTALL)


def plain(words: str, characters_max: int = ECHO_CHARACTERS_MAX) -> str:
    """Return `words` on one line of at most so many characters, with every sign of Markdown escaped."""
    line = _on_one_line(words)
    short = line if len(line) <= characters_max else line[: characters_max - 1].rstrip() + _ELLIPSIS
    return NOTHING if is_blank(line) else _escaped(short)


def plain_name(name: str) -> str:
    """Return a whole name, escaped: none is longer than Discord's 80 characters."""
    return _escaped(shown_on_one_line(name)) or NOTHING


def plain_names(names: Iterable[str]) -> str:
    """Return names with commas between them; of many, the first ones and the number of the others."""
    return _listed(names, plain_name, LISTED_MAX)


def plain_words(words: Iterable[str], words_max: int = TYPED_MAX) -> str:
    """Return typed words in the same form."""
    return _listed(words, plain, words_max)


def code(words: str, characters_max: int = CODE_CHARACTERS_MAX) -> str:
    """Return `words` as code: ids and models are copied as they are, so nothing is escaped and no backtick is kept."""
    line = _on_one_line(words.replace("`", ""))[:characters_max].rstrip()
    return f"`{NOTHING if is_blank(line) else line}`"


def with_code(words: str) -> str:
    """Return our own words, with the parts in backticks as code."""
    parts = words.split("`")
    return "".join(code(part) if at % 2 else _escaped(part.replace("\n", " ")) for at, part in enumerate(parts))


def quoted(name: str, text: str, characters_max: int) -> str:
    """Return an entry of the history, shortened: its further lines are quoted, so that none looks like another entry.

    Text in a spoiler stays hidden.
    """
    head = f"**{plain_name(name)}**: "
    kept = min(len(text), characters_max)
    while len(shown := head + _quoted_text(text[:kept], is_cut=kept < len(text))) > characters_max and kept:
        kept -= max(1, kept // 16)
    return shown


def newest_fitted(rows: list[str], characters_max: int) -> str:
    """Return the newest whole rows that fit into one message, oldest first."""
    room, first = characters_max, len(rows)
    while first and len(rows[first - 1]) + 1 <= room:
        first -= 1
        room -= len(rows[first]) + 1
    return "\n".join(rows[first:])


def _listed(words: Iterable[str], shown: Callable[[str], str], words_max: int) -> str:
    known = list(words)
    more = f" and {len(known) - words_max} more" if len(known) > words_max else ""
    return ", ".join(map(shown, known[:words_max])) + more


def _quoted_text(text: str, *, is_cut: bool) -> str:
    if is_cut:
        text += _ELLIPSIS + ("||" if text.count("||") % 2 else "")
    lines = _NEWLINES.sub("\n", _SPOILER.sub(lambda spoiler: _on_one_line(spoiler[0]), text)).split("\n")
    rows = [shown for line in lines if (shown := _with_spoilers(_UNSEEN.sub("", line)).strip())]
    if len(rows) > QUOTED_LINES_MAX:
        rows[QUOTED_LINES_MAX:] = [_ELLIPSIS]
    return "\n> ".join(rows) or NOTHING


def _on_one_line(words: str) -> str:
    return " ".join(_UNSEEN.sub("", " ".join(words.split())).split())


def _with_spoilers(line: str) -> str:
    """A line escaped around its spoilers and within them, so that what they hide is hidden still."""
    pieces = _SPOILER.split(line)
    return "".join(f"||{_escaped(piece)}||" if at % 2 else _escaped(piece) for at, piece in enumerate(pieces))


def _escaped(line: str) -> str:
    r"""A line without a meaning: `\` before each sign; an `@` is parted too, for the server reads an escaped one."""
    signs = _SIGNS.sub(r"\\\g<0>", line)
    return _BLOCK.sub(r"\1\\\2", signs).replace("@", "\\@\u200b")
