"""The filters of a pass, in their order: what an entry fires by, or why it does not.

disabled, delay, cooldown, recursion, decorators, constant, sticky, primary keys, secondary keys
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actors.roleplay.lore.candidates import Candidate
from actors.roleplay.lore.keys import Look, Scan
from actors.roleplay.lore.model import Logic, LoreEntry, Missed, State, Why

SCAN_DEPTH: Final = 2
"""SillyTavern's scan depth where neither entry nor book names one."""

CONSTANT: Final = "constant"
STICKY: Final = "sticky"
ACTIVATE: Final = "@@activate"
KEPT: Final = "@@keep_activate_after_match"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the filters read in one pass; `level` is the highest delay level that is open."""

    state: State
    scan: Scan
    look: Look
    is_recursion: bool
    level: int


def look_of(candidate: Candidate, wider: int, *, with_texts: bool) -> Look:
    """Where the entry's keys are looked for: its depth, else the book's, which `wider` widens for some books."""
    book, entry = candidate.book, candidate.entry
    depth = SCAN_DEPTH if book.scan_depth is None else book.scan_depth
    depth += wider if book.min_activations else 0
    return Look(
        depth if entry.scan_depth is None else entry.scan_depth,
        with_texts=with_texts,
        whole_words=entry.whole_words,
        is_case_sensitive=entry.is_case_sensitive,
        uses_regex=entry.uses_regex,
    )


def judged(candidate: Candidate, asked: Asked) -> str | Missed:
    """Return by what the entry fires, or why it does not."""
    why = _held_back(candidate, asked)
    if why is None and candidate.entry.conditions.activate:
        return ACTIVATE
    why = why or _by_decorators(candidate, asked)
    if why is not None:
        return Missed(candidate.book, candidate.entry, why)
    if candidate.entry.conditions.keep_after_match and candidate.has_matched:
        return KEPT
    if candidate.entry.is_constant:
        return CONSTANT
    return STICKY if candidate.is_sticky else _by_keys(candidate, asked)


def is_plain(candidate: Candidate) -> bool:
    """Whether a constant entry depends on nothing that changes from prompt to prompt."""
    entry = candidate.entry
    counts = entry.sticky or entry.cooldown or entry.delay or entry.delay_level or entry.groups
    return not counts and entry.probability >= 100 and _has_no_conditions(entry)


def score(entry: LoreEntry, scan: Scan, look: Look) -> int:
    """How many of the entry's keys are there; secondary ones only where they are asked for, as in SillyTavern."""
    primary = scan.count(entry.keys, look)
    if not entry.keys or not entry.secondary_keys:
        return primary
    secondary = scan.count(entry.secondary_keys, look)
    if entry.logic is Logic.AND_ANY:
        return primary + secondary
    is_whole = entry.logic is Logic.AND_ALL and secondary == len(entry.secondary_keys)
    return primary + secondary if is_whole else primary


def _held_back(candidate: Candidate, asked: Asked) -> Why | None:
    entry, is_sticky = candidate.entry, candidate.is_sticky
    if not entry.is_enabled:
        return Why.DISABLED
    if asked.state.messages < entry.delay:
        return Why.DELAY
    if candidate.is_cooling and not is_sticky:
        return Why.COOLDOWN
    if entry.delay_level and not is_sticky and not (asked.is_recursion and entry.delay_level <= asked.level):
        return Why.WAITS
    if asked.is_recursion and candidate.book.is_recursive and entry.excludes_recursion and not is_sticky:
        return Why.NOT_BY_ENTRIES
    return None


def _by_decorators(candidate: Candidate, asked: Asked) -> Why | None:
    asks = candidate.entry.conditions
    if asks.dont_activate:
        return Why.DONT_ACTIVATE
    if asks.not_after_match and candidate.has_matched:
        return Why.MATCHED_BEFORE
    if asks.keep_after_match and candidate.has_matched:
        return None
    if asks.after_replies is not None and asked.state.replies < asks.after_replies:
        return Why.TOO_FEW_REPLIES
    if asks.every_replies and asked.state.replies % asks.every_replies:
        return Why.OTHER_REPLY
    if asks.greeting is not None and asked.state.greeting not in (None, asks.greeting):
        return Why.OTHER_GREETING
    return _by_decorated_keys(candidate, asked)


def _by_decorated_keys(candidate: Candidate, asked: Asked) -> Why | None:
    asks, scan = candidate.entry.conditions, asked.scan
    if asks.exclude_keys and scan.first(asks.exclude_keys, asked.look) is not None:
        return Why.EXCLUDED
    is_needed = asks.additional_keys and not candidate.entry.uses_regex
    if is_needed and scan.first(asks.additional_keys, asked.look) is None:
        return Why.NO_ADDITIONAL
    return None


def _by_keys(candidate: Candidate, asked: Asked) -> str | Missed:
    entry, scan = candidate.entry, asked.scan
    # With regular expressions, additional keys are further ones (Character Card V3).
    keys = entry.keys + entry.conditions.additional_keys if entry.uses_regex else entry.keys
    found = scan.first(keys, asked.look)
    if found is None:
        why = Why.TOO_MUCH if scan.is_spent else Why.NO_KEY
        return Missed(candidate.book, entry, why)
    if not entry.secondary_keys or _allows(entry, scan, asked.look):
        return found
    return Missed(candidate.book, entry, Why.SECONDARY, entry.logic.name)


def _allows(entry: LoreEntry, scan: Scan, look: Look) -> bool:
    there = scan.count(entry.secondary_keys, look)
    match entry.logic:
        case Logic.AND_ANY:
            return there > 0
        case Logic.NOT_ALL:
            return there < len(entry.secondary_keys)
        case Logic.NOT_ANY:
            return there == 0
        case _:
            return there == len(entry.secondary_keys)


def _has_no_conditions(entry: LoreEntry) -> bool:
    asks = entry.conditions
    numbers = (asks.after_replies, asks.every_replies, asks.greeting)
    keys = asks.additional_keys or asks.exclude_keys
    return not (keys or asks.dont_activate or asks.are_of_matches or asks.activate) and numbers == (None, None, None)
