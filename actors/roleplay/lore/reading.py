"""Reads books of lore: those of cards (V2, V3), `lorebook_v3` files, and SillyTavern's world info.

    JSON ─► the object with `entries` ─► each entry in either spelling ─► Book
                                                                    └─► doubts: a clause each

Books come from strangers: every size is limited. A file that is no book raises LoreError; an odd value of an entry is
read as if it were missing. Sources: Character Card V2 and V3 specifications; SillyTavern's world info.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from actors.roleplay.card_fields import JSON_BYTES_MAX, UnreadableError, load
from actors.roleplay.lore.decorators import parted
from actors.roleplay.lore.expressions import translated
from actors.roleplay.lore.keys import pattern_of
from actors.roleplay.lore.model import DEPTH, WEIGHT, Book, Conditions, Logic, LoreEntry, Pattern, Place, Role
from actors.roleplay.lore.values import Fields, choice, digits, flag, number, text, texts, whole
from actors.roleplay.names import shown_on_one_line

FILE_BYTES_MAX: Final = JSON_BYTES_MAX
ENTRIES_MAX: Final = 2_000
"""Entries of one book; the largest that are shared have about a thousand."""

KEYS_MAX: Final = 50
"""Keys, and secondary keys, of one entry."""

KEY_CHARACTERS_MAX: Final = 500
TEXT_CHARACTERS_MAX: Final = 20_000
"""Of one entry: more than a window holds."""

SCAN_DEPTH_MAX: Final = 1_000
"""SillyTavern's limit."""

TIMES_MAX: Final = 10_000
"""Messages, tokens and weights: more is as good as for ever."""

HINT: Final = "Give SillyTavern's world info, a `lorebook_v3` file, or a character card with a lorebook, as JSON."

_PLACES: Final = (
    Place.BEFORE_CHARACTER,
    Place.AFTER_CHARACTER,
    Place.NOTE_TOP,
    Place.NOTE_BOTTOM,
    Place.AT_DEPTH,
    Place.BEFORE_EXAMPLES,
    Place.AFTER_EXAMPLES,
    Place.OUTLET,
)
"""In SillyTavern's numbers."""

_ROLES: Final[tuple[Role, ...]] = ("system", "user", "assistant")
_WORDS: Final[Mapping[str, Place]] = {
    "before_char": Place.BEFORE_CHARACTER,
    "after_char": Place.AFTER_CHARACTER,
}


class LoreError(ValueError):
    """A file that is no book of lore. The message is for the user: what is wrong, and what to do."""


def read_book(data: bytes, *, book_id: str, name: str = "") -> tuple[Book, tuple[str, ...]]:
    """Return the book in a file, and the doubts about it. Raises LoreError, nothing else.

    `name` is its name where the file has none.
    """
    if len(data) > FILE_BYTES_MAX:
        raise LoreError(f"The file is larger than {FILE_BYTES_MAX // 1024**2} MB. Leave some entries out.")
    try:
        found = load(data).whole
    except UnreadableError as error:
        raise LoreError(f"The file is no lorebook: {_clause(error)}. {HINT}") from error
    inner = _book_in(found)
    if inner is None:
        raise LoreError(f"The file is no lorebook: it has no `entries`. {HINT}")
    return book_of(inner, book_id=book_id, name=name)


def book_of(whole_book: Mapping[str, Any], *, book_id: str, name: str = "") -> tuple[Book, tuple[str, ...]]:
    """Return the book in an object that has `entries`, and the doubts about it; entries that are none are left out."""
    written = whole_book.get("entries")
    raw = list(written.values()) if isinstance(written, dict) else written if isinstance(written, list) else []
    entries = [each for each in raw[:ENTRIES_MAX] if isinstance(each, dict)]
    read = _entries(entries)
    extensions = Fields(whole_book).inner("extensions", "ensemble")
    book = Book(
        id=book_id,
        name=shown_on_one_line(text(whole_book.get("name"))) or name,
        entries=tuple(read),
        scan_depth=whole(whole_book.get("scan_depth"), 0, SCAN_DEPTH_MAX),
        token_budget=whole(whole_book.get("token_budget"), 1, 1_000_000),
        is_recursive=flag(whole_book.get("recursive_scanning")),
        min_activations=whole(extensions.get("min_activations"), 0, 100) or 0,
    )
    return book, tuple(_doubts(raw, entries, book))


def _book_in(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object with the entries: the file itself, its `data`, or the book of a card."""
    data = found.get("data")
    inner = data if isinstance(data, dict) else {}
    for each in (found, inner, inner.get("character_book"), found.get("character_book")):
        if isinstance(each, dict) and isinstance(each.get("entries"), list | dict):
            return each
    return None


def _doubts(raw: Sequence[Any], entries: Sequence[Any], book: Book) -> list[str]:
    doubts = []
    if len(raw) > ENTRIES_MAX:
        doubts.append(f"it has {len(raw)} entries: only the first {ENTRIES_MAX} are played")
    if len(entries) < min(len(raw), ENTRIES_MAX):
        doubts.append(f"{min(len(raw), ENTRIES_MAX) - len(entries)} of its entries are no objects: they are left out")
    mute = sum(not each.text.strip() for each in book.entries)
    if mute:
        doubts.append(f"{mute} of its entries have no text: they never fire")
    refused = sum(_is_refused(key, entry) for entry in book.entries for key in (*entry.keys, *entry.secondary_keys))
    if refused:
        doubts.append(f"{refused} of its keys are no regular expressions that may be asked: they never match")
    if not book.entries:
        doubts.append("it has no entries")
    return doubts


def _is_refused(key: str, entry: LoreEntry) -> bool:
    """Whether a regular expression holds what JavaScript does not know, or repeats too much."""
    pattern = Pattern(key) if entry.uses_regex and pattern_of(key) is None else pattern_of(key)
    return pattern is not None and translated(pattern) is None


def _entries(written: Sequence[Mapping[str, Any]]) -> list[LoreEntry]:
    """Read the entries, each with an id of its own."""
    taken: set[str] = set()
    read = []
    for index, each in enumerate(written):
        wanted = each.get("uid", each.get("id"))
        entry_id = digits(wanted) or text(wanted)[:40] or str(index)
        if entry_id in taken:
            entry_id = f"{entry_id}.{index}"
        taken.add(entry_id)
        read.append(_entry(Fields(each), entry_id))
    return read


def _entry(fields: Fields, entry_id: str) -> LoreEntry:
    decorators, content = parted(text(fields.of("content"))[:TEXT_CHARACTERS_MAX])
    uses_regex = flag(fields.of("use_regex"))
    entry = LoreEntry(
        id=entry_id,
        name=shown_on_one_line(text(fields.of("comment")) or text(fields.of("name"))),
        keys=_keys(fields.of("keys", "key")),
        secondary_keys=() if uses_regex else _secondary(fields),
        logic=Logic(choice(fields.of("selectiveLogic"), len(Logic)) or 0),
        text=content,
        is_enabled=flag(fields.of("enabled"), default=True) and not flag(fields.of("disable")),
        is_constant=flag(fields.of("constant")) and not uses_regex,
        uses_regex=uses_regex,
        is_case_sensitive=flag(fields.of("case_sensitive", "caseSensitive")),
        whole_words=flag(fields.of("match_whole_words", "matchWholeWords"), default=True),
        order=_or(whole(fields.of("insertion_order", "order"), -TIMES_MAX, TIMES_MAX), WEIGHT),
        priority=number(fields.of("priority")),
        probability=_chance(fields),
        ignores_budget=flag(fields.of("ignore_budget", "ignoreBudget")),
    )
    return _decorated(_recursive(_grouped(_placed(entry, fields), fields), fields), decorators)


def _secondary(fields: Fields) -> tuple[str, ...]:
    """The secondary keys; without `selective` they are not asked for."""
    is_asked = flag(fields.of("selective"), default="keysecondary" in fields.raw)
    return _keys(fields.of("secondary_keys", "keysecondary")) if is_asked else ()


def _placed(entry: LoreEntry, fields: Fields) -> LoreEntry:
    return replace(
        entry,
        place=_place(fields),
        depth=_or(whole(fields.of("depth"), 0, TIMES_MAX), DEPTH),
        role=_ROLES[choice(fields.of("role"), len(_ROLES)) or 0],
        outlet=text(fields.of("outlet_name", "outletName")).strip()[:KEY_CHARACTERS_MAX],
    )


def _place(fields: Fields) -> Place:
    """An extension's number goes before the card's word, as in SillyTavern."""
    for written in (fields.extension("position"), fields.raw.get("position")):
        at = choice(written, len(_PLACES))
        if at is not None:
            return _PLACES[at]
        if isinstance(written, str) and written in _WORDS:
            return _WORDS[written]
    return Place.BEFORE_CHARACTER if "key" in fields.raw else Place.AFTER_CHARACTER


def _grouped(entry: LoreEntry, fields: Fields) -> LoreEntry:
    groups = (each.strip() for each in text(fields.of("group"))[:KEY_CHARACTERS_MAX].split(","))
    return replace(
        entry,
        groups=tuple(dict.fromkeys(each for each in groups if each)),
        is_override=flag(fields.of("group_override", "groupOverride")),
        weight=_or(whole(fields.of("group_weight", "groupWeight"), 0, TIMES_MAX), WEIGHT),
        is_scored=flag(fields.of("use_group_scoring", "useGroupScoring")),
    )


def _recursive(entry: LoreEntry, fields: Fields) -> LoreEntry:
    level = fields.of("delay_until_recursion", "delayUntilRecursion")
    return replace(
        entry,
        scan_depth=whole(fields.of("scan_depth", "scanDepth"), 0, SCAN_DEPTH_MAX),
        prevents_recursion=flag(fields.of("prevent_recursion", "preventRecursion")),
        excludes_recursion=flag(fields.of("exclude_recursion", "excludeRecursion")),
        delay_level=int(flag(level)) if isinstance(level, bool) else whole(level, 0, 100) or 0,
        sticky=whole(fields.of("sticky"), 0, TIMES_MAX) or 0,
        cooldown=whole(fields.of("cooldown"), 0, TIMES_MAX) or 0,
        delay=whole(fields.of("delay"), 0, TIMES_MAX) or 0,
    )


def _decorated(entry: LoreEntry, found: Mapping[str, Any]) -> LoreEntry:
    if not found:
        return entry
    place, depth = entry.place, found.get("depth")
    if "position" in found:
        place = found["position"]
    elif depth is not None:
        place = Place.AT_DEPTH
    conditions = Conditions(
        activate="activate" in found,
        dont_activate="dont_activate" in found,
        keep_after_match="keep_activate_after_match" in found,
        not_after_match="dont_activate_after_match" in found,
        after_replies=found.get("activate_only_after"),
        every_replies=found.get("activate_only_every"),
        greeting=found.get("is_greeting"),
        additional_keys=_keys(found.get("additional_keys")),
        exclude_keys=() if entry.uses_regex else _keys(found.get("exclude_keys")),
        ignore_on_max_context="ignore_on_max_context" in found,
    )
    return replace(
        entry,
        place=place,
        depth=entry.depth if depth is None else depth,
        role=found.get("role", entry.role),
        scan_depth=min(found["scan_depth"], SCAN_DEPTH_MAX) if "scan_depth" in found else entry.scan_depth,
        conditions=conditions,
        disabled_prompt=found.get("disable_ui_prompt", ""),
    )


def _keys(value: object) -> tuple[str, ...]:
    """The first keys that are not blank."""
    kept = (each[:KEY_CHARACTERS_MAX] for each in texts(value))
    return tuple(each for each in kept if each.strip())[:KEYS_MAX]


def _chance(fields: Fields) -> float:
    if not flag(fields.of("useProbability"), default=True):
        return 100
    chance = number(fields.of("probability"))
    return 100 if chance is None else min(max(chance, 0), 100)


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


def _clause(error: UnreadableError) -> str:
    return "it is not valid JSON" if "valid JSON" in error.clause else error.clause
