"""The lore of a prompt in words: what fired and by what, and what was missed and why."""

from __future__ import annotations

from actors.ports import LoreFired, LoreMissed, LoreRecord


def lore_rows(lore: LoreRecord | None, rows_max: int) -> list[str]:
    """One row for each of the first entries that fired, and of those that were missed; none without books."""
    if lore is None:
        return []
    fired = [_fired(each) for each in lore.fired[:rows_max]]
    missed = [_missed(each) for each in lore.missed[:rows_max]]
    return [
        f"Lore: {lore.fired_count} of {lore.fired_count + lore.missed_count} entries fired.",
        *fired,
        *_more(lore.fired_count - len(fired), "fired"),
        *missed,
        *_more(lore.missed_count - len(missed), "did not"),
        *(f"Key {key}: {why}." for key, why in lore.keys[:rows_max]),
    ]


def _fired(each: LoreFired) -> str:
    return f"+ {each.entry} ({each.book}), {each.place}, by {each.by}: {each.tokens} tokens"


def _missed(each: LoreMissed) -> str:
    return f"- {each.entry} ({each.book}): {each.why}"


def _more(count: int, what: str) -> list[str]:
    return [f"… and {count} more {what}"] if count > 0 else []
