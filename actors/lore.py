"""Finds the lore that fires for a line: books, what the scene remembers of them, and the rules in a thread."""

from __future__ import annotations

from typing import Final

from actors.ports import Context, LoreFired, LoreMissed, LoreRecord, LoreWrites, Noted, ResponseRecord
from actors.roleplay.lore.activation import activate
from actors.roleplay.lore.cards import book_of_card, book_of_member
from actors.roleplay.lore.model import Activation, Book, Fired, Missed, Place, State, Verdict, Why
from actors.roleplay.lore_places import NO_LORE
from actors.roleplay.model import RecentHistory, SessionRecord
from actors.roleplay.prompt import Speaker, lore_texts
from actors.services import Services
from machines.facts import Fact, Generated

KEPT_MAX: Final = 40
"""Entries that fired, and that were missed, of which the record has the names."""

NAME_MAX: Final = 100
"""Characters of a name or a key in the record."""

SLOW: Final = (
    "A regular expression of a lorebook took longer than 50 ms. It is left out in this scene from now on: {keys}. "
    "Write it without repetitions inside of repetitions."
)
_COMMON: Final = frozenset({Why.NO_KEY, Why.DISABLED})
"""Reasons that nobody asks about: they stand last."""


async def lore_for(
    services: Services,
    session: SessionRecord,
    record: ResponseRecord,
    speaker: Speaker,
    recent: RecentHistory,
    *,
    window_tokens: int,
) -> Activation:
    """Return the lore of a line; each attempt at the line gets the same."""
    books = await _books_of(services, session)
    if not books:
        return NO_LORE
    seed = f"{session.id}/{record.trigger_id}/{record.character.id}"
    fill, said = lore_texts(speaker, recent, seed)
    known = await services.store.lore_memory(
        session.id,
        until=recent.entries[-1].message_ids[-1] if recent.entries else 0,
        counts_replies=any(entry.conditions.count_replies for book in books for entry in book.entries),
    )
    state = State(window_tokens, recent.length, known.replies, timers=known.timers, slow_keys=known.slow_keys)
    return await services.patterns.run(
        lambda match: activate(books, said, state, seed=seed, match=match, fill=fill),
    )


def report_slow(services: Services, context: Context, lore: Activation) -> None:
    """Report the expressions that took too long; those that did so before are not asked again."""
    slow = [key[:NAME_MAX] for key, verdict in lore.keys.items() if verdict is Verdict.TIMED_OUT]
    if slow:
        said = ", ".join(slow)
        words = SLOW.format(keys=said)
        services.trace.publish(Noted("warning", words, context.session_id, response_id=context.response_id, said=said))


def lore_writes(lore: Activation, newest_id: int, fact: Fact) -> LoreWrites | None:
    """What is written of the lore of a request with the fact that it led to."""
    if not (lore.fired or lore.missed):
        return None
    slow = frozenset(key for key, verdict in lore.keys.items() if verdict is Verdict.TIMED_OUT)
    # Without timers too: those of a text that Discord blocked are replaced.
    timers = lore.timers if isinstance(fact, Generated) else None
    return None if timers is None and not slow else LoreWrites(newest_id, timers, slow)


def lore_record(lore: Activation) -> LoreRecord | None:
    """What is kept with the exchange; None if there are no books."""
    if not (lore.fired or lore.missed):
        return None
    telling_first = sorted(lore.missed, key=lambda each: each.why in _COMMON)
    return LoreRecord(
        fired=tuple(_fired(each) for each in lore.fired[:KEPT_MAX]),
        missed=tuple(_missed(each) for each in telling_first[:KEPT_MAX]),
        fired_count=len(lore.fired),
        missed_count=len(lore.missed),
        keys=tuple((key[:NAME_MAX], str(verdict)) for key, verdict in lore.keys.items())[:KEPT_MAX],
    )


async def _books_of(services: Services, session: SessionRecord) -> list[Book]:
    """The books of the cast's cards, then those of the scene and of the server that are on."""
    of_cards = (book_of_card(each.card_json, each.id, each.name) for each in session.cast)
    shelf = await services.store.books(session.id, session.channel_id)
    of_members = (book_of_member(each.content, f"book:{each.id}", each.name) for each in shelf.books if each.is_on)
    return [*(book for book in of_cards if book is not None), *of_members]


def _fired(each: Fired) -> LoreFired:
    entry = each.entry
    where = str(entry.place)
    if entry.place is Place.AT_DEPTH:
        where = f"{where} {entry.depth}"
    if entry.place is Place.OUTLET:
        where = f"{where} {entry.outlet}"
    return LoreFired(
        each.book.name[:NAME_MAX], entry.label[:NAME_MAX], where[:NAME_MAX], each.by[:NAME_MAX], each.tokens
    )


def _missed(each: Missed) -> LoreMissed:
    why = f"{each.why} ({each.detail})" if each.detail else str(each.why)
    return LoreMissed(each.book.name[:NAME_MAX], each.entry.label[:NAME_MAX], why[:NAME_MAX])
