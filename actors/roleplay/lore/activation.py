"""Decides which entries of lore fire for a prompt: pure, by the seed, with bounded work.

    pass ─► filters ─► sticky first, then higher order ─► groups ─► chance ─► text ─► budget ─► fired
      ▲                                                                                           │
      └── their texts are searched too (recursion) ◄── next delay level ◄── a greater depth ◄─────┘

Sources: SillyTavern's world info, Character Card V3 specification. What differs on purpose: whole words are the rule,
and the budget drops the lowest priority first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from actors.roleplay.lore.budget import Budget, rank
from actors.roleplay.lore.candidates import Candidate, Chosen
from actors.roleplay.lore.draws import draw
from actors.roleplay.lore.filters import CONSTANT, Asked, is_plain, judged, look_of, score
from actors.roleplay.lore.groups import losers
from actors.roleplay.lore.keys import Scan, hidden_keys
from actors.roleplay.lore.model import (
    Activation,
    Book,
    Fill,
    Fired,
    Match,
    Missed,
    Pattern,
    Plain,
    State,
    Timer,
    Verdict,
    Why,
)
from actors.roleplay.tokens import BYTES_PER_TOKEN, MESSAGE_TOKENS

PASSES_MAX: Final = 1_100
"""More than the depth can be widened, with some for recursion."""

CANDIDATES_MAX: Final = 4_000
"""Entries of all books of a scene; those behind them are missed."""


def no_patterns(_pattern: Pattern, _text: str) -> Verdict:
    """Match nothing: for places without an adapter for regular expressions."""
    return Verdict.NO_TIME


def activate(
    books: Sequence[Book],
    messages: Sequence[str],
    state: State,
    *,
    seed: str,
    match: Match = no_patterns,
    fill: Fill | None = None,
) -> Activation:
    """Return what became of each entry of `books`; `messages` are `Name: text`, oldest first.

    The same arguments give the same result. An entry with neither keys nor a constant flag never fires by itself.
    """
    return _Run(books, messages, state, seed, match, fill or Plain()).result()


def fitted(activation: Activation, window_tokens: int) -> Activation:
    """The activation in a smaller window: what its budgets do not hold is missed."""
    budget, fired = Budget(window_tokens), activation.fired
    dropped = budget.enter(fired, lambda each: each.book, lambda each: each.entry, lambda each: each.tokens)
    return _without(activation, dropped)


def cut(activation: Activation, is_message: Callable[[Fired], bool], tokens_max: int) -> Activation:
    """The activation whose entries that are messages of their own cost at most `tokens_max`."""
    fired = activation.fired
    costs = {at: each.tokens + 2 * MESSAGE_TOKENS for at, each in enumerate(fired) if is_message(each)}
    dropped: set[int] = set()
    for at in sorted(costs, key=lambda at: (*rank(fired[at].entry), -at)):
        if sum(costs.values()) <= tokens_max:
            break
        dropped.add(at)
        del costs[at]
    return _without(activation, dropped)


def _without(activation: Activation, dropped: Collection[int]) -> Activation:
    """The activation without the fired entries at these positions: they are missed, and set no timers."""
    if not dropped:
        return activation
    lost = [activation.fired[at] for at in sorted(dropped)]
    gone = {(each.book.id, each.entry.id) for each in lost}
    return replace(
        activation,
        fired=tuple(each for at, each in enumerate(activation.fired) if at not in dropped),
        missed=(*activation.missed, *(Missed(each.book, each.entry, Why.BUDGET) for each in lost)),
        timers=tuple(each for each in activation.timers if (each.book_id, each.entry_id) not in gone),
    )


class _Pass(Enum):
    FIRST = auto()
    RECURSION = auto()
    DEEPER = auto()


class _Run:
    """One activation."""

    def __init__(
        self, books: Sequence[Book], messages: Sequence[str], state: State, seed: str, match: Match, fill: Fill
    ) -> None:
        self._state = state
        self._seed = seed
        self._fill = fill
        self._scan = Scan(messages, match, fill, state.slow_keys)
        self._budget = Budget(state.window_tokens)
        every = list(_candidates(books, state.timers))
        self._candidates = sorted(every[:CANDIDATES_MAX], key=lambda each: (-each.entry.order, each.index))
        self._missed = {each: Missed(each.book, each.entry, Why.TOO_MUCH) for each in every}
        self._settled: set[Candidate] = set()
        self._fired: list[tuple[Candidate, Fired]] = []
        self._levels = sorted({each.entry.delay_level for each in every if each.entry.delay_level})
        self._level = self._levels.pop(0) if self._levels else 0
        self._wider = 0

    def result(self) -> Activation:
        kind: _Pass | None = _Pass.FIRST
        for number in range(1, PASSES_MAX + 1):
            if kind is None or self._scan.is_spent:
                break
            is_fed = self._pass(kind, number)
            kind = self._next(is_fed=is_fed)
        return Activation(
            fired=tuple(fired for _, fired in self._fired),
            missed=tuple(self._missed[each] for each in sorted(self._missed, key=lambda each: each.index)),
            timers=tuple(_timers(self._fired)),
            keys=self._scan.unanswered,
        )

    def _pass(self, kind: _Pass, number: int) -> bool:
        """Carry out a pass; return whether there are new texts to search."""
        chosen = [each for candidate in self._candidates if (each := self._chosen(candidate, kind))]
        chosen.sort(key=lambda each: not each.candidate.is_sticky)
        is_fed = False
        for each in self._affordable(self._worded(self._lucky(self._grouped(chosen, kind)))):
            candidate = each.candidate
            book, entry = candidate.book, candidate.entry
            fixed = each.by == CONSTANT and is_plain(candidate)
            self._fired.append((candidate, Fired(book, entry, each.text, each.by, number, each.tokens, fixed)))
            self._settled.add(candidate)
            del self._missed[candidate]
            if book.is_recursive and not entry.prevents_recursion:
                self._scan.add(f"{each.text}\n{hidden_keys(entry.text)}")
                is_fed = True
        return is_fed

    def _next(self, *, is_fed: bool) -> _Pass | None:
        if is_fed:
            return _Pass.RECURSION
        if self._wider < self._scan.depth and self._wanting():
            self._wider += 1
            return _Pass.DEEPER
        if self._levels:
            self._level = self._levels.pop(0)
            return _Pass.RECURSION
        return None

    def _wanting(self) -> set[str]:
        """The books of which too few entries fired."""
        books = {each.book.id: each.book for each in self._candidates if each.book.min_activations}
        counts = {book_id: sum(fired.book.id == book_id for _, fired in self._fired) for book_id in books}
        return {book_id for book_id, book in books.items() if counts[book_id] < book.min_activations}

    def _asked(self, candidate: Candidate, kind: _Pass) -> Asked:
        book = candidate.book
        return Asked(
            state=self._state,
            scan=self._scan,
            look=look_of(candidate, self._wider, with_texts=book.is_recursive and kind is not _Pass.DEEPER),
            is_recursion=kind is _Pass.RECURSION,
            level=self._level,
        )

    def _chosen(self, candidate: Candidate, kind: _Pass) -> Chosen | None:
        if candidate in self._settled:
            return None
        self._scan.note_look()
        verdict = judged(candidate, self._asked(candidate, kind))
        if isinstance(verdict, str):
            return Chosen(candidate, verdict)
        self._missed[candidate] = verdict
        return None

    def _grouped(self, chosen: list[Chosen], kind: _Pass) -> list[Chosen]:
        taken = frozenset(group for _, fired in self._fired for group in fired.entry.groups)
        lost = losers(
            chosen,
            taken,
            seed=self._seed,
            score=lambda each: score(each.entry, self._scan, self._asked(each, kind).look),
        )
        for candidate, group in lost.items():
            self._miss(candidate, Why.GROUP, group)
        return [each for each in chosen if each.candidate not in lost]

    def _lucky(self, chosen: list[Chosen]) -> list[Chosen]:
        """Draw; a failed draw holds for the whole generation."""
        lucky = []
        for each in chosen:
            if self._is_lucky(each.candidate):
                lucky.append(each)
            else:
                self._miss(each.candidate, Why.CHANCE, f"{each.candidate.entry.probability:g} %", is_final=True)
        return lucky

    def _is_lucky(self, candidate: Candidate) -> bool:
        entry = candidate.entry
        if candidate.is_sticky or entry.probability >= 100:
            return True
        return draw(self._seed, "chance", candidate.book.id, entry.id) * 100 < entry.probability

    def _worded(self, chosen: list[Chosen]) -> list[Chosen]:
        """Fill the texts; an empty one adds nothing."""
        worded = []
        for each in chosen:
            text = self._fill.text(each.candidate.book, each.candidate.entry.text).strip()
            if text:
                worded.append(replace(each, text=text, tokens=-(-len(text.encode()) // BYTES_PER_TOKEN)))
            else:
                self._miss(each.candidate, Why.EMPTY, is_final=True)
        return worded

    def _affordable(self, chosen: list[Chosen]) -> list[Chosen]:
        dropped = self._budget.enter(
            chosen, lambda each: each.candidate.book, lambda each: each.candidate.entry, lambda each: each.tokens
        )
        for at in dropped:
            self._miss(chosen[at].candidate, Why.BUDGET, is_final=True)
        return [each for at, each in enumerate(chosen) if at not in dropped]

    def _miss(self, candidate: Candidate, why: Why, detail: str = "", *, is_final: bool = False) -> None:
        self._missed[candidate] = Missed(candidate.book, candidate.entry, why, detail)
        if is_final:
            self._settled.add(candidate)


def _candidates(books: Sequence[Book], timers: Sequence[Timer]) -> Iterator[Candidate]:
    """Each entry with what its timers say; those of an entry that was changed meanwhile are void."""
    known: dict[tuple[str, str], list[Timer]] = {}
    for timer in timers:
        known.setdefault((timer.book_id, timer.entry_id), []).append(timer)
    index = 0
    for book in books:
        for entry in book.entries:
            found = known.get((book.id, entry.id), ())
            valid = [each for each in found if each.fingerprint == entry.fingerprint]
            yield Candidate(
                book,
                entry,
                index,
                is_sticky=any(each.is_sticky for each in valid),
                is_cooling=any(each.is_cooling for each in valid),
                has_matched=bool(valid),
            )
            index += 1


def _timers(fired: Sequence[tuple[Candidate, Fired]]) -> Iterator[Timer]:
    """New timers; an entry that is sticky already, or only remembered as having fired, gets no second one."""
    for candidate, each in fired:
        entry = each.entry
        is_new = (entry.sticky or entry.cooldown) and not candidate.is_sticky
        if is_new or (entry.conditions.are_of_matches and not candidate.has_matched):
            yield Timer(each.book.id, entry.id, entry.fingerprint, entry.sticky, entry.cooldown)
