"""Records of lore: books and entries, what a rule reads beside them, and what became of each entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import Final, Literal, Protocol

Role = Literal["system", "user", "assistant"]

DEPTH: Final = 4
"""SillyTavern's depth of an entry that names none, and of the author's note."""

WEIGHT: Final = 100
"""SillyTavern's weight in a group of an entry that names none."""


class Place(StrEnum):
    """Where the text of an entry stands in the prompt; the values are words for people."""

    BEFORE_CHARACTER = "before the character"
    AFTER_CHARACTER = "after the character"
    PERSONALITY = "in the personality"
    SCENARIO = "in the scenario"
    BEFORE_EXAMPLES = "before the examples"
    AFTER_EXAMPLES = "after the examples"
    NOTE_TOP = "above the note"
    NOTE_BOTTOM = "below the note"
    AT_DEPTH = "at depth"
    OUTLET = "in the outlet"


class Logic(IntEnum):
    """What the secondary keys ask for, in SillyTavern's numbers (`selectiveLogic`)."""

    AND_ANY = 0
    NOT_ALL = 1
    NOT_ANY = 2
    AND_ALL = 3


class Why(StrEnum):
    """Why an entry did not fire; the values are words for people."""

    DISABLED = "it is disabled"
    DELAY = "the scene has too few messages yet"
    COOLDOWN = "it cools down"
    WAITS = "it waits for another entry"
    NOT_BY_ENTRIES = "entries may not set it off"
    DONT_ACTIVATE = "@@dont_activate"
    MATCHED_BEFORE = "it fired before (@@dont_activate_after_match)"
    TOO_FEW_REPLIES = "too few lines of characters (@@activate_only_after)"
    OTHER_REPLY = "not at this line (@@activate_only_every)"
    OTHER_GREETING = "the scene began with another greeting (@@is_greeting)"
    EXCLUDED = "an excluded key was said (@@exclude_keys)"
    NO_ADDITIONAL = "no additional key was said (@@additional_keys)"
    NO_KEY = "no key was said"
    SECONDARY = "its secondary keys do not allow it"
    GROUP = "another entry of its group fired"
    CHANCE = "the draw was against it"
    EMPTY = "it has no text"
    BUDGET = "the budget was used up"
    TOO_MUCH = "there was too much to search"


class Verdict(StrEnum):
    """What became of a regular expression."""

    FOUND = "found"
    ABSENT = "absent"
    WRONG = "it is no regular expression"
    TIMED_OUT = "it took too long"
    NO_TIME = "no time was left for it"
    SKIPPED = "it took too long before"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression of a key; `flags` are JavaScript's."""

    source: str
    flags: str = ""

    def __str__(self) -> str:
        return f"/{self.source}/{self.flags}"


Match = Callable[[Pattern, str], Verdict]
"""Looks for a regular expression in a text, within a time that it sets itself."""


class Fill(Protocol):
    """Fills the macros of keys and texts."""

    def key(self, text: str) -> str: ...

    def text(self, book: Book, text: str) -> str: ...


class Plain:
    """Leaves keys and texts as they are."""

    def key(self, text: str) -> str:
        return text

    def text(self, book: Book, text: str) -> str:
        return text


@dataclass(frozen=True, slots=True)
class Conditions:
    """The decorators of an entry that decide whether it fires (Character Card V3)."""

    activate: bool = False
    dont_activate: bool = False
    keep_after_match: bool = False
    not_after_match: bool = False
    after_replies: int | None = None
    every_replies: int | None = None
    greeting: int | None = None
    additional_keys: tuple[str, ...] = ()
    exclude_keys: tuple[str, ...] = ()
    ignore_on_max_context: bool = False

    @property
    def count_replies(self) -> bool:
        return self.after_replies is not None or self.every_replies is not None

    @property
    def are_of_matches(self) -> bool:
        return self.keep_after_match or self.not_after_match


@dataclass(frozen=True, slots=True)
class LoreEntry:
    """One entry of a book; `id` is unique in the book, `text` has no decorators and still holds its macros.

    `order` decides the place among others, the higher the nearer to the end; `priority` what the budget drops first
    (None: the order). `delay_level` is 0 for an entry that waits for no other. `sticky`, `cooldown` and `delay` count
    messages. `probability` is in percent.
    """

    id: str
    name: str = ""
    keys: tuple[str, ...] = ()
    secondary_keys: tuple[str, ...] = ()
    logic: Logic = Logic.AND_ANY
    text: str = ""
    is_enabled: bool = True
    is_constant: bool = False
    uses_regex: bool = False
    is_case_sensitive: bool = False
    whole_words: bool = True
    order: int = WEIGHT
    priority: float | None = None
    place: Place = Place.BEFORE_CHARACTER
    depth: int = DEPTH
    role: Role = "system"
    outlet: str = ""
    probability: float = 100
    groups: tuple[str, ...] = ()
    is_override: bool = False
    weight: int = WEIGHT
    is_scored: bool = False
    scan_depth: int | None = None
    prevents_recursion: bool = False
    excludes_recursion: bool = False
    delay_level: int = 0
    sticky: int = 0
    cooldown: int = 0
    delay: int = 0
    ignores_budget: bool = False
    conditions: Conditions = Conditions()
    disabled_prompt: str = ""

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or (self.keys[0] if self.keys else f"entry {self.id}")

    @property
    def fingerprint(self) -> str:
        """Changes with anything about the entry: its timers are then void."""
        return blake2b(repr(self).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Book:
    """A book of lore. `id` is unique among the books of a scene; `is_typed`: a member gave it, not the operator.

    `token_budget` None is a share of the window. `min_activations` widens the depth until so many entries fired.
    """

    id: str
    name: str
    entries: tuple[LoreEntry, ...] = ()
    scan_depth: int | None = None
    token_budget: int | None = None
    is_recursive: bool = False
    min_activations: int = 0
    is_typed: bool = False


@dataclass(frozen=True, slots=True)
class Timer:
    """An entry fired for a line `age` messages ago, that line among them; its times are in messages."""

    book_id: str
    entry_id: str
    fingerprint: str
    sticky: int = 0
    cooldown: int = 0
    age: int = 0

    @property
    def is_sticky(self) -> bool:
        return 0 < self.age < self.sticky

    @property
    def is_cooling(self) -> bool:
        """The cooldown begins when the entry is not sticky any more."""
        return self.age > 0 and self.sticky <= self.age < self.sticky + self.cooldown


@dataclass(frozen=True, slots=True)
class State:
    """What the rules read beside books and messages; `messages` and `replies` (of characters) count the whole scene.

    `greeting` is the index of the greeting that the scene began with, None if that is not known.
    `slow_keys` are the regular expressions that took too long before.
    """

    window_tokens: int
    messages: int
    replies: int = 0
    greeting: int | None = None
    timers: tuple[Timer, ...] = ()
    slow_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry that fired, its text filled; `by` says by what: its key, or a word such as `constant`.

    `passed` counts the passes from 1. `is_fixed`: nothing but the book decides that it is there.
    """

    book: Book
    entry: LoreEntry
    text: str
    by: str
    passed: int
    tokens: int
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """An entry that did not fire; `detail` may name a key, a group or a verdict."""

    book: Book
    entry: LoreEntry
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Activation:
    """What became of each entry: fired in their order of firing, and missed in the order of the books.

    `timers` are new, with age 0. `keys` are the regular expressions without an answer, as written, and why.
    """

    fired: tuple[Fired, ...] = ()
    missed: tuple[Missed, ...] = ()
    timers: tuple[Timer, ...] = ()
    keys: Mapping[str, Verdict] = field(default_factory=dict)

    def at(self, *places: Place, is_fixed: bool | None = None) -> tuple[Fired, ...]:
        """The fired entries of these places in the order of the prompt; fixed ones only, or all others only."""
        found = [
            each
            for each in self.fired
            if each.entry.place in places and (is_fixed is None or each.is_fixed == is_fixed)
        ]
        return tuple(sorted(found, key=lambda each: (places.index(each.entry.place), each.entry.order)))

    def outlets(self) -> dict[str, str]:
        """The text of each outlet."""
        texts: dict[str, list[str]] = {}
        for each in self.at(Place.OUTLET):
            texts.setdefault(each.entry.outlet, []).append(each.text)
        return {name: "\n".join(found) for name, found in texts.items()}

    @property
    def disabled_prompts(self) -> frozenset[str]:
        """The prompts of the card that are left out: `system_prompt`, `post_history_instructions`."""
        return frozenset(each.entry.disabled_prompt for each in self.fired if each.entry.disabled_prompt)
