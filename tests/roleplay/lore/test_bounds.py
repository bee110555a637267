"""Lore from strangers: any file is a book or a LoreError, and no book makes a prompt large, slow or random."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.roleplay.lore.activation import CANDIDATES_MAX, _Run, activate, fitted
from actors.roleplay.lore.budget import SHARE, WHOLE_SHARE
from actors.roleplay.lore.keys import CHARACTERS_MAX, LOOK, WORK_MAX, Scan
from actors.roleplay.lore.model import Activation, Book, LoreEntry, Pattern, Plain, State, Verdict, Why
from actors.roleplay.lore.reading import (
    ENTRIES_MAX,
    FILE_BYTES_MAX,
    HINT,
    KEY_CHARACTERS_MAX,
    KEYS_MAX,
    TEXT_CHARACTERS_MAX,
    LoreError,
    book_of,
    read_book,
)

WORDS: Final = ("lamp", "wick", "storm", "/l.mp/i", "old gate", "", "{{char}}")
odd = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}))
keys = st.lists(st.sampled_from(WORDS), max_size=3)
NAMES: Final = (
    *("keys", "key", "secondary_keys", "keysecondary", "selective", "selectiveLogic", "constant", "enabled", "disable"),
    *("order", "priority", "position", "depth", "role", "group", "groupOverride", "groupWeight", "useGroupScoring"),
    *("probability", "useProbability", "scanDepth", "sticky", "cooldown", "delay", "preventRecursion"),
    *("excludeRecursion", "delayUntilRecursion", "ignoreBudget", "use_regex", "uid", "extensions", "comment", "name"),
    *("content"),
)
DECORATED: Final = st.sampled_from(
    ("@@activate\n", "@@depth 2\n", "@@keep_activate_after_match\n", "@@x\n@@@depth 1\n")
)
content = st.builds(str.__add__, st.one_of(st.just(""), DECORATED), st.sampled_from(("A lamp.", "wick " * 20, "")))
numbers = st.integers(0, 9)
sound = st.fixed_dictionaries(
    {"keys": keys, "content": content},
    optional={
        "constant": st.booleans(),
        "priority": numbers,
        "insertion_order": numbers,
        "selective": st.booleans(),
        "secondary_keys": keys,
        "extensions": st.fixed_dictionaries(
            {},
            optional={
                "probability": st.integers(0, 100),
                "group": st.sampled_from(("a", "a, b")),
                "ignore_budget": st.booleans(),
                "delay_until_recursion": st.integers(0, 3),
                "sticky": numbers,
            },
        ),
    },
)
books = st.fixed_dictionaries(
    {"entries": st.lists(sound, max_size=8), "recursive_scanning": st.booleans()},
    optional={"token_budget": st.integers(1, 60), "scan_depth": numbers},
)
said = st.lists(st.sampled_from(("Robin: the lamp", "Maren: a storm", "Robin: ...")), max_size=5)


def match(pattern: Pattern, text: str) -> Verdict:
    return Verdict.FOUND if "lamp" in text else Verdict.ABSENT


def played(written: list[dict[str, Any]], messages: list[str], *, seed: str = "s", window: int = 400) -> Activation:
    read = [book_of(each, book_id=f"b{number}")[0] for number, each in enumerate(written)]
    return activate(read, messages, State(window, len(messages)), seed=seed, match=match)


@settings(max_examples=50)
@given(st.lists(books, max_size=3), said, st.text(max_size=3))
def test_the_same_seed_gives_the_same_lore(written: list[dict[str, Any]], messages: list[str], seed: str) -> None:
    assert played(written, messages, seed=seed) == played(written, messages, seed=seed)


@settings(max_examples=50)
@given(st.lists(books, max_size=3), said, st.integers(8, 400), st.integers(8, 400))
def test_the_budgets_hold(written: list[dict[str, Any]], messages: list[str], window: int, later: int) -> None:
    whole = played(written, messages, window=window)
    for found, size in ((whole, window), (fitted(whole, later), later)):
        entered = [each for each in found.fired if not each.entry.ignores_budget]
        spent = Counter[str]()
        for each in entered:
            spent[each.book.id if each.book.token_budget else "others"] += each.tokens
        limits = {each.book.id: each.book.token_budget for each in entered}
        assert sum(spent.values()) <= size // WHOLE_SHARE
        assert all(cost <= (limits.get(pool) or size // SHARE) for pool, cost in spent.items())


@settings(max_examples=50)
@given(st.lists(books, max_size=3), said)
def test_each_entry_fires_or_is_missed_once(written: list[dict[str, Any]], messages: list[str]) -> None:
    found = fitted(played(written, messages), 40)
    told = [(each.book.id, each.entry.id) for each in found.fired]
    told += [(each.book.id, each.entry.id) for each in found.missed]
    assert len(told) == len(set(told)) == sum(len(each["entries"]) for each in written)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(NAMES), st.one_of(odd, keys)), max_size=4), odd)
def test_odd_values_make_an_entry_that_can_be_played(entries: list[dict[str, Any]], other: object) -> None:
    book, _ = book_of({"entries": entries, "scan_depth": other, "extensions": other}, book_id="b")
    assert len({each.id for each in book.entries}) == len(book.entries)
    activate([book], ["Robin: lamp"], State(400, 1), seed="s", match=match)


files = st.recursive(odd, lambda inner: st.dictionaries(st.sampled_from(("entries", "data", "spec", "0")), inner))


@settings(max_examples=50)
@given(st.one_of(st.binary(max_size=40), files.map(lambda value: json.dumps(value).encode())))
def test_any_file_is_a_book_or_refused_in_words(data: bytes) -> None:
    refusal = ""
    try:
        read_book(data, book_id="b")
    except LoreError as error:
        refusal = str(error)
    assert not refusal or HINT in refusal


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"spec": "lorebook_v3"}', b'{"entries": 5}', b"\xff", b'{"name": "Maren", "data": {}}'],
)
def test_a_file_without_entries_is_refused_with_what_to_give(data: bytes) -> None:
    with pytest.raises(LoreError, match=r"^The file is no lorebook: .*Give SillyTavern's world info"):
        read_book(data, book_id="b")


def test_a_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(LoreError, match="larger than 4 MB"):
        read_book(b" " * (FILE_BYTES_MAX + 1), book_id="b")


def test_a_card_gives_its_book() -> None:
    card = {"spec": "chara_card_v3", "data": {"name": "Maren", "character_book": {"name": "Coast", "entries": []}}}
    book, doubts = read_book(json.dumps(card).encode(), book_id="b")
    assert book.name == "Coast"
    assert doubts == ("it has no entries",)


def test_only_so_many_entries_keys_and_characters_are_read() -> None:
    entry = {"keys": ["k" * 9999] * 9999, "content": "x" * 99_999}
    book, doubts = book_of({"entries": [entry, *[{"content": "x"}] * ENTRIES_MAX]}, book_id="b")
    assert len(book.entries) == ENTRIES_MAX
    assert doubts == (f"it has {ENTRIES_MAX + 1} entries: only the first {ENTRIES_MAX} are played",)
    assert len(book.entries[0].keys) == KEYS_MAX
    assert len(book.entries[0].keys[0]) == KEY_CHARACTERS_MAX
    assert len(book.entries[0].text) == TEXT_CHARACTERS_MAX


def hostile(count: int) -> Book:
    """Entries whose keys are nearly there at each place of a long text, which also set off each other."""
    keys = tuple("a" * 400 + f".{key}" for key in range(KEYS_MAX))
    entries = tuple(LoreEntry(str(at), keys=keys, text="a" * 900, scan_depth=at % 60) for at in range(count))
    return Book("b", "b", entries, is_recursive=True, min_activations=100)


def test_the_work_of_plain_keys_is_bounded() -> None:
    book = hostile(CANDIDATES_MAX + 10)
    run = _Run([book], ["Robin: " + "a" * 2000] * 60, State(6000, 60), "s", match, Plain())
    found = run.result()
    assert len(found.missed) == CANDIDATES_MAX + 10
    assert {each.why for each in found.missed} == {Why.NO_KEY, Why.TOO_MUCH}
    assert found.missed[-1].why is Why.TOO_MUCH
    assert run._scan.work <= WORK_MAX + 2 * CHARACTERS_MAX * LOOK


def test_a_search_ends_with_its_work() -> None:
    scan = Scan(["x"], match, Plain(), frozenset())
    while not scan.is_spent:
        scan.note_look()
    assert scan.work <= WORK_MAX + LOOK
