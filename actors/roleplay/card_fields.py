"""Reads the fields of a card's JSON leniently: a value of an odd type is a doubt, never an error.

    JSON text ─► whole object ─► its fields (`data` since V2, everything in V1) ─► texts and lists of texts
                                                                              └─► doubts: a clause each

The JSON text is kept beside them, so that an export gives back what was left out here.
Sources: Character Card V2 and V3 specifications; where they set no limit, ours is a named constant here.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

JSON_BYTES_MAX: Final = 4 * 1024 * 1024  # the largest lorebooks in use are near 2 MB
FIELD_BYTES_MAX: Final = 100 * 1024  # more than any model here reads at once
LIST_ITEMS_MAX: Final = 200  # tags and greetings are read by people
EXPORT_AGAIN: Final = "Export it again from the program that made it, as PNG or JSON."

TEXT_FIELDS: Final = (
    "name",
    "description",
    "personality",
    "scenario",
    "first_mes",
    "mes_example",
    "creator_notes",
    "system_prompt",
    "post_history_instructions",
    "creator",
    "character_version",
)
LIST_FIELDS: Final = ("alternate_greetings", "group_only_greetings", "tags")
_V1_NAMES: Final = {  # what the oldest writers called them
    "name": "char_name",
    "description": "char_persona",
    "scenario": "world_scenario",
    "first_mes": "char_greeting",
    "mes_example": "example_dialogue",
}
_FRAME: Final = ("spec", "spec_version", "data")  # what stands around the fields since V2
_OTHER_TYPES: Final = (  # of what is kept and exported, and shown nowhere yet
    ("extensions", dict),
    ("character_book", dict),
    ("assets", list),
    ("creator_notes", str),
    ("character_version", str),
)
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")  # no database and no UTF-8 takes these


class UnreadableError(ValueError):
    """One clear clause about what is wrong, and what to do."""

    def __init__(self, clause: str, hint: str = EXPORT_AGAIN) -> None:
        super().__init__(f"{clause}.")
        self.clause = clause
        self.hint = hint


def too_large(what: str, bytes_max: int, hint: str) -> UnreadableError:
    return UnreadableError(f"{what} is larger than {size(bytes_max)}", hint)


def size(bytes_max: int) -> str:
    """The limit in words: `10 MB`."""
    return f"{bytes_max // 1024**2} MB" if bytes_max >= 1024**2 else f"{bytes_max // 1024} KB"


@dataclass(frozen=True, slots=True)
class CardJson:
    """A card's JSON: the text as it was found, what it says, and what is odd about it so far."""

    raw: str
    whole: dict[str, Any]
    doubts: tuple[str, ...]


def load(data: bytes, kind_of_list: Callable[[list[Any]], UnreadableError | None] = lambda values: None) -> CardJson:
    """Read JSON that is an object; `kind_of_list` may say what a list is. Raises UnreadableError.

    NaN and numbers too large, which Python reads and no other reader would, become null, in the text as well.
    """
    if len(data) > JSON_BYTES_MAX:
        raise too_large("its JSON", JSON_BYTES_MAX, "Make its lorebook, or the picture in it, smaller.")
    try:
        raw = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("its text is not UTF-8") from error
    numbers = _Numbers()
    try:
        whole = json.loads(raw, parse_constant=numbers.note, parse_float=numbers.finite)
        if numbers.are_odd:
            raw = json.dumps(whole)
    except (ValueError, RecursionError) as error:
        raise UnreadableError("it is neither a PNG, a CHARX nor valid JSON") from error
    if not isinstance(whole, dict):
        found = kind_of_list(whole) if isinstance(whole, list) else None
        raise found or UnreadableError("its JSON is not an object")
    odd = ("it holds NaN or a number too large to be kept: these are empty now",) if numbers.are_odd else ()
    return CardJson(raw, whole, odd)


@dataclass(slots=True)
class _Numbers:
    are_odd: bool = False

    def note(self, _constant: str) -> None:
        self.are_odd = True

    def finite(self, number: str) -> float | None:
        value = float(number)
        if math.isfinite(value):
            return value
        self.are_odd = True
        return None


def renamed(card: CardJson, name: str) -> CardJson:
    """The card under this name; everything else stays. Raises UnreadableError."""
    data = card.whole.get("data")
    whole = card.whole | {"name": name} if "name" in card.whole or not isinstance(data, dict) else dict(card.whole)
    if isinstance(data, dict):
        whole["data"] = data | {"name": name}
    try:
        return CardJson(json.dumps(whole), whole, card.doubts)
    except RecursionError as error:
        raise UnreadableError("its JSON is nested too deep") from error


def fields_of(whole: Mapping[str, Any], doubts: list[str]) -> Mapping[str, Any]:
    """The object that holds the fields; of a card whose `data` has no name, the older fields beside it too."""
    old = {key: value for key, value in whole.items() if key not in _FRAME}
    old |= {name: whole[odd] for name, odd in _V1_NAMES.items() if odd in whole and not whole.get(name)}
    data = whole.get("data")
    if not isinstance(data, dict):
        if "spec" in whole or data is not None:
            doubts.append(f"its 'data' is {_kind(data)}: the fields beside it were read, as of V1")
        return old
    if data.get("name") or not old.get("name"):
        return data
    doubts.append("its 'data' has no name: what is missing in it was taken from the older fields beside it")
    return old | {key: value for key, value in data.items() if value not in (None, "")}


class FieldReader:
    """Reads the fields as what they should be, and notes what they are instead."""

    def __init__(self, fields: Mapping[str, Any], doubts: list[str]) -> None:
        self._fields = fields
        self._doubts = doubts

    def note_types(self) -> None:
        """Note the fields whose type no other method looks at."""
        for key, kind in _OTHER_TYPES:
            value = self._fields.get(key)
            is_text = kind is str and _is_number(value)  # versions are often written as bare numbers
            if value is not None and not isinstance(value, kind) and not is_text:
                self._note(key, f"is {_kind(value)}, not {_KINDS[kind]}", "left out")

    def text(self, key: str) -> str:
        """A text; numbers as they are written, lists of texts joined, everything else left out."""
        value = self._fields.get(key)
        if value is None:
            return ""
        if isinstance(value, str):
            return self._bounded(value, key)
        if _is_number(value):
            self._note(key, "is a number, not text", "taken as it is written")
            return self._bounded(json.dumps(value), key)
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            self._note(key, "is a list, not text", "its entries were joined")
            return self._bounded("\n".join(value), key)
        self._note(key, f"is {_kind(value)}, not text", "left out")
        return ""

    def texts(self, key: str, *, separator: str = "") -> tuple[str, ...]:
        """A list of texts; a single text is split at the `separator` if there is one, else the only entry."""
        value = self._fields.get(key)
        if value is None:
            return ()
        if isinstance(value, str):
            if value.strip():
                self._note(key, "is text, not a list", "split at its commas" if separator else "taken as one entry")
            value = [each.strip() for each in (value.split(separator) if separator else [value]) if each.strip()]
        if not isinstance(value, list):
            self._note(key, f"is {_kind(value)}, not a list", "left out")
            return ()
        if len(value) > LIST_ITEMS_MAX:
            self._note(key, f"has more than {LIST_ITEMS_MAX} entries", "the others were left out")
        return self._entries(value[:LIST_ITEMS_MAX], key)

    def talkativeness(self) -> float | None:
        """SillyTavern's 0 (shy) to 1 (chatty), or None when it is absent or unreadable."""
        extensions = self._fields.get("extensions")
        value = extensions.get("talkativeness") if isinstance(extensions, dict) else None
        if value is None or value == "":
            return None
        number = _number(value)
        if number is not None and 0 <= number <= 1:
            return number
        self._note("talkativeness", "is not a number from 0 to 1", "left out")
        return None

    def aliases(self) -> tuple[str, ...]:
        """Our own extension: other names of the character."""
        extensions = self._fields.get("extensions")
        ours = extensions.get("ensemble") if isinstance(extensions, dict) else None
        reader = FieldReader(ours if isinstance(ours, dict) else {}, self._doubts)
        return tuple(filter(None, map(str.strip, reader.texts("aliases", separator=","))))

    def _entries(self, values: list[Any], key: str) -> tuple[str, ...]:
        kept = [json.dumps(each) if _is_number(each) else each for each in values]
        texts = [each for each in kept if isinstance(each, str)]
        if len(texts) < len(values):
            self._note(key, f"has {len(values) - len(texts)} of {len(values)} entries that are no text", "left out")
        if any(map(_is_number, values)):
            self._note(key, "has numbers in it", "taken as they are written")
        return tuple(self._bounded(each, key) for each in texts)

    def _bounded(self, text: str, key: str) -> str:
        clean = _UNSTORABLE.sub("", text).replace("\r\n", "\n")
        encoded = clean.encode()
        if len(encoded) <= FIELD_BYTES_MAX:
            return clean
        self._note(key, f"is larger than {size(FIELD_BYTES_MAX)}", "only its beginning is used")
        return encoded[:FIELD_BYTES_MAX].decode(errors="ignore")

    def _note(self, key: str, what: str, so: str) -> None:
        doubt = f"its '{key}' {what}: {so}"
        if doubt not in self._doubts:
            self._doubts.append(doubt)


_KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    type(None): "missing",
}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "of an odd type")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None
