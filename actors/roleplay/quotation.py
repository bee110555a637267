"""Quotes what people write in a prompt, so that it can look like nothing else there: the only door for their words.

    a message, another's line     `Name: text`, each further line behind `> `, blank ones too
    a scene that somebody typed   the same below its heading
    a name                        one line without brackets and colons, with nothing of ours at its beginning
    what a card's macro puts in   as a text, with round brackets everywhere: it may stand inside of ours

So a line that begins with neither is ours or the card's, in every dialect (`actors/adapters/groq/wire.py` puts our last
instruction into a person's message where a model takes no system messages at the end). Within a text, tokens of
templates are broken, and no line begins like a heading, a bracketed instruction or somebody who speaks.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

from actors.roleplay.confusables import FOLDED_MAX, keys
from actors.roleplay.invisible import BLANK_LETTERS
from actors.roleplay.names import COLONS, NAMELESS, clean_name
from actors.roleplay.template_tokens import SUSPECTS, without_tokens

FURTHER: Final = "> "
"""Before each line of a text but the first."""

_ROLE_NAMES: Final = (
    *("narrator", "system", "assistant", "developer", "user", "human", "ai", "model", "bot", "chatbot", "gpt", "gpt4"),
    *("tool", "function", "instruction", "instructions", "prompt", "ensemble"),
)
_HEADING_NAMES: Final = ("scene", "personality", "input", "response", "question", "answer", "output")

ROLES: Final = frozenset().union(*map(keys, _ROLE_NAMES))
"""Speakers of prompts, as keys: nobody has their names, and no line begins with them and a colon."""

ROLE_WORDS_MAX: Final = 4
"""Of what stands before a colon behind a role: `System note:`, `GPT4 Correct User:`; more words are a sentence."""

_HEADINGS: Final = ROLES.union(*map(keys, _HEADING_NAMES))
"""Words that may follow a single `#` without a space; `#1` and `#storm` stay."""

_NAME_COLON: Final = f"{COLONS}\u0589\u0703\u0704\u1365\u1366\u16ec\u1803\u1809\u205a\u205d\u2237\u2982\ua4fd\ufe30"
_COLON: Final = f"{_NAME_COLON}\u0903\u0a83"  # vowel signs: in a name they belong to it
"""Whatever passes for a colon at a line's beginning (UTS 39); inside of a class."""

# What stands in front of a colon: of the first one, and of the first one behind any signs. Both are linear.
_HEAD: Final = re.compile(f"([^{_COLON}]++)[{_COLON}]")
_HEAD_BEHIND_SIGNS: Final = re.compile(rf"([\W_{BLANK_LETTERS}]*+[^{_COLON}]++)[{_COLON}]")
_NAME_COLONS: Final = re.compile(f"[{_NAME_COLON}]")
_SIGNS: Final = re.compile(rf"[\W_{BLANK_LETTERS}]*+")
_NAMED: Final = re.compile(rf"[\W_{BLANK_LETTERS}]*+([^,;(){{}}\[\]<>*/|~\"“”…、，；（）【】「」]++)")
"""The beginning of a head, up to what is added to a name: `Maren, laughing`, `Maren (whispers)`."""
_WORDS: Final = re.compile(r"[^\W_]+")

_OPENING: Final = "[［﹇【〔〖〘〚⟦⟬⦗⦋⦍⦏❲⁅﹝︹︻⌈⌊"
_CLOSING: Final = "]］﹈】〕〗〙〛⟧⟭⦘⦌⦎⦐❳⁆﹞︺︼⌉⌋"
_ROUND: Final = str.maketrans(dict.fromkeys(_OPENING, "(") | dict.fromkeys(_CLOSING, ")"))
_CLOSED: Final = re.compile(f"[{re.escape(_CLOSING)}]")
_HASHES: Final = re.compile(r"[#＃﹟]+[ \t]?")
_NAME_SIGNS: Final = re.compile(r"[#＃﹟>＞﹥]+\s*")
_HASH: Final = "#＃﹟"
_OURS: Final = _HASH + re.escape(_OPENING + _CLOSING)
_ODD: Final = re.compile(rf"[\W_{BLANK_LETTERS}]*?[{_OURS}]")
_LINE_BREAKS: Final = r"\n\r\v\f\x1c-\x1e\x85\u2028\u2029"  # of str.splitlines
_PLAIN: Final = re.compile(f"[^{_OURS}{_COLON}{_LINE_BREAKS}{SUSPECTS}]*+")


def quoted(text: str, names: AbstractSet[str]) -> str:
    """Return a text of several lines for the place behind `Name: `; `names` are the keys of all who may speak."""
    if _PLAIN.fullmatch(text):  # most texts
        return text.strip()
    first, *further = text.strip().splitlines() or [""]
    lines = (f"{FURTHER}{_disarmed(line, names)}".rstrip(" ") for line in further)
    # Last: a sign that goes from a line's beginning may have stood within a token.
    return without_tokens("\n".join((_disarmed(first, names), *lines)))


def inserted(text: str, names: AbstractSet[str]) -> str:
    """Return a text for any place in a prompt, such as the middle of a card."""
    return quoted(text, names).translate(_ROUND)


def quoted_name(name: str) -> str:
    """Return a person's display name for the place before a colon; never empty."""
    line = clean_name(_NAME_COLONS.sub("", name)).translate(_ROUND)
    signs = _SIGNS.match(line)
    begins = signs.end() if signs else 0
    return without_tokens((_NAME_SIGNS.sub("", line[:begins]) + line[begins:]).strip()) or NAMELESS


def is_taken(name: str, cast: AbstractSet[str]) -> bool:
    """Whether a person's name is that of the cast or of a role, or begins with it."""
    if keys(name) & (cast | ROLES):
        return True
    words = _WORDS.findall(name)
    beginnings = ("".join(words[:count]) for count in range(1, len(words)))
    return _is_role(words) or any(keys(beginning) & cast for beginning in beginnings)


def heads(line: str) -> tuple[str, ...]:
    """Return the possible speakers of the line: the texts before its first colons."""
    first = _HEAD.match(line)
    if first is None and line[:1] not in _COLON:
        return ()
    behind_signs = _HEAD_BEHIND_SIGNS.match(line)
    if first and behind_signs and first.end() == behind_signs.end():  # most lines
        return (first[1],)
    return tuple(found[1] for found in (first, behind_signs) if found)


def _disarmed(line: str, names: AbstractSet[str]) -> str:
    """A line that begins like no heading, no bracketed instruction and no speaker."""
    if _ODD.match(line) and (signs := _SIGNS.match(line)):
        line = _plain_beginning(signs[0], line[signs.end() :], names)
    for head in heads(line):
        if not _speakers(head).isdisjoint(names):
            return f"{head} –{line[len(head) + 1 :]}"
    return line


def _plain_beginning(signs: str, rest: str, names: AbstractSet[str]) -> str:
    """The line with round brackets at its beginning, and without `#`."""
    opened = sum(map(signs.count, _OPENING)) - sum(map(signs.count, _CLOSING))
    if opened > 0:
        rest = _CLOSED.sub(")", rest, count=opened)
    signs = signs.translate(_ROUND)
    hashes = sum(map(signs.count, _HASH))
    if hashes and (hashes > 1 or not _is_hashtag(signs, rest, names)):
        signs = _HASHES.sub("", signs)
    return signs + rest


def _is_hashtag(signs: str, rest: str, names: AbstractSet[str]) -> bool:
    word = _WORDS.match(rest)
    return signs[-1] in _HASH and word is not None and not keys(word[0]) & (names | _HEADINGS)


@lru_cache(maxsize=FOLDED_MAX)
def _speakers(head: str) -> frozenset[str]:
    """The keys of whoever may be meant by what stands before a colon, with and without what is added to a name."""
    named = _NAMED.match(head)
    if named is None:
        return keys(head)
    words = _WORDS.findall(named[1])
    role = ROLES if 1 < len(words) <= ROLE_WORDS_MAX and _is_role(words) else frozenset[str]()
    whole = keys(head) if _WORDS.search(head, named.end()) else frozenset[str]()
    return keys(named[1]) | whole | role


def _is_role(words: list[str]) -> bool:
    """Whether these words begin with a role: `System`, `The narrator`, `User 2`."""
    named = words[1:] if words[:1] and words[0].casefold() == "the" else words
    return bool(named) and bool(keys(named[0]) & ROLES)
