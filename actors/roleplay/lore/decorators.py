"""Reads the decorators at the beginning of an entry's text: lines `@@name value`, with fallbacks `@@@name value`.

A decorator that is unknown, or whose value is malformed, is left out, and the first of its fallbacks that can be read
stands for it. The first of a name counts. Source: Character Card V3 specification, "Decorators".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from actors.roleplay.lore.model import Place

NUMBER_MAX: Final = 1_000_000
LINES_MAX: Final = 200
"""Lines of decorators of one entry that are read; there are some twenty names."""

_LINE: Final = re.compile(r"@@(@?)([a-z_]+)(?:[ \t]+(.*))?", re.DOTALL)
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
_PLACES: Final[Mapping[str, Place]] = {
    "before_desc": Place.BEFORE_CHARACTER,
    "after_desc": Place.AFTER_CHARACTER,
    "personality": Place.PERSONALITY,
    "scenario": Place.SCENARIO,
}
_ROLES: Final = frozenset({"system", "user", "assistant"})
_PROMPTS: Final = frozenset({"system_prompt", "post_history_instructions"})

Decorators = Mapping[str, Any]
"""The value of each name."""


def parted(content: str) -> tuple[Decorators, str]:
    """Return the decorators of a content, and its text without them."""
    lines = content.replace("\r\n", "\n").split("\n")
    end = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("@@")), len(lines))
    written = [line for line in lines[:end] if line.strip()]
    if not written:
        return {}, content
    return _read(written[:LINES_MAX]), "\n".join(lines[end:]).strip("\n")


def _read(lines: list[str]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for chained in _chains(lines):
        for name, value in chained:
            read = _READERS.get(name)
            found = None if read is None else read(value)
            if found is not None:
                known.setdefault(name, found)
                break
    return known


def _chains(lines: list[str]) -> Iterator[list[tuple[str, str]]]:
    """A decorator with its fallbacks, in their order; a fallback of nothing is left out."""
    chained: list[tuple[str, str]] = []
    for line in chain(lines, ("@@",)):
        found = _LINE.fullmatch(line.rstrip())
        if found and found[1]:
            if chained:
                chained.append((found[2], (found[3] or "").strip()))
            continue
        if chained:
            yield chained
        # A line that is no decorator at all still takes the fallbacks behind it.
        chained = [(found[2], (found[3] or "").strip())] if found else [("", "")]


def _number(least: int) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        if not _NUMBER.fullmatch(value):
            return None
        return min(int(value), NUMBER_MAX) if int(value) >= least else None

    return read


def _flag(value: str) -> bool | None:
    return True if value in ("", "true") else None


def _list(value: str) -> tuple[str, ...] | None:
    return tuple(each.strip() for each in value.split(",") if each.strip()) or None


def _depth(value: str) -> int | None:
    """A depth below 1 stands behind the newest message."""
    number = _number(-NUMBER_MAX)(value)
    return None if number is None else max(0, number)


_READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "activate": _flag,
    "dont_activate": _flag,
    "activate_only_after": _number(0),
    "activate_only_every": _number(1),
    "keep_activate_after_match": _flag,
    "dont_activate_after_match": _flag,
    "is_greeting": _number(0),
    "additional_keys": _list,
    "exclude_keys": _list,
    "ignore_on_max_context": _flag,
    "depth": _depth,
    "role": lambda value: value if value in _ROLES else None,
    "scan_depth": _number(0),
    "position": _PLACES.get,
    "disable_ui_prompt": lambda value: value if value in _PROMPTS else None,
}
