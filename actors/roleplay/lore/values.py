"""Reads the values of an entry's JSON leniently: what is of an odd type is as good as missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")  # no database and no UTF-8 takes these
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,15}\s*")
_DECIMAL: Final = re.compile(r"\s*[+-]?[0-9]{1,15}(?:\.[0-9]{0,15})?\s*")


class Fields:
    """An entry's fields, each under several names, and in `extensions`, where SillyTavern keeps its own in a card."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self._extensions = self.inner("extensions")

    def of(self, *names: str) -> Any:  # noqa: ANN401 # JSON of a stranger
        """The first value that is there, in the extensions last; None if there is none."""
        for place in (self.raw, self._extensions):
            for name in names:
                if place.get(name) is not None:
                    return place[name]
        return None

    def extension(self, name: str) -> Any:  # noqa: ANN401 # JSON of a stranger
        return self._extensions.get(name)

    def inner(self, *names: str) -> Mapping[str, Any]:
        """The object at this path; empty if there is none."""
        found: Any = self.raw
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}


def text(value: object) -> str:
    """A text without what cannot be stored; everything else is empty."""
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """A list of texts; a single text is split at its commas."""
    if isinstance(value, str):
        return tuple(each.strip() for each in text(value).split(","))
    return tuple(text(each) for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def digits(value: object) -> str:
    """A whole number as it is written, for an id."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15 else ""


def flag(value: object, *, default: bool = False) -> bool:
    """True, false, or what a number or a word means."""
    if isinstance(value, bool | int | float):
        return bool(value)
    if isinstance(value, str):
        return value.strip().lower() in ("true", "1", "yes", "on")
    return default


def whole(value: object, least: int, most: int) -> int | None:
    """A whole number, brought between `least` and `most`; None if it is none."""
    found = number(value) if not isinstance(value, str) or _INTEGER.fullmatch(value) else None
    return None if found is None else int(min(max(found, least), most))


def choice(value: object, count: int) -> int | None:
    """A whole number from 0 to `count` - 1; None if it is none of these."""
    found = number(value)
    return None if found is None or found not in range(count) else int(found)


def number(value: object) -> float | None:
    """A finite number, also one that is written as a text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else None
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
