"""The rules of lore, case by case: `cases.yaml` has which entries fire, in which order and where, and why not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from actors.roleplay.lore.activation import activate
from actors.roleplay.lore.model import (
    Activation,
    Book,
    Fired,
    LoreEntry,
    Pattern,
    Place,
    State,
    Timer,
    Verdict,
    Why,
)
from actors.roleplay.lore.reading import book_of, read_book
from actors.roleplay.macros import substitute

CASES: Final[list[dict[str, Any]]] = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
IDS: Final = [case["case"] for case in CASES]


@dataclass
class Maren:
    def key(self, text: str) -> str:
        return substitute(text, char="Maren", user="Robin")

    def text(self, book: Book, text: str) -> str:
        return substitute(text, char="Maren", user="Robin")


def match(pattern: Pattern, text: str) -> Verdict:
    flags = re.IGNORECASE if "i" in pattern.flags else re.NOFLAG
    try:
        return Verdict.FOUND if re.search(pattern.source, text, flags) else Verdict.ABSENT
    except re.error:
        return Verdict.WRONG


def books_of(case: dict[str, Any]) -> list[Book]:
    if "file" in case:
        return [read_book(json.dumps(case["file"]).encode(), book_id="b0")[0]]
    written = case["books"] if "books" in case else [case["book"]]
    return [book_of(each, book_id=f"b{number}")[0] for number, each in enumerate(written)]


def entry_in(books: list[Book], name: str) -> tuple[Book, LoreEntry]:
    return next((book, entry) for book in books for entry in book.entries if entry.name == name)


def timer(books: list[Book], name: str, age: int, fingerprint: str = "") -> Timer:
    book, entry = entry_in(books, name)
    return Timer(book.id, entry.id, fingerprint or entry.fingerprint, entry.sticky, entry.cooldown, age)


def played(case: dict[str, Any], timers: list[dict[str, Any]]) -> Activation:
    books = books_of(case)
    state = State(
        window_tokens=case.get("window", 6000),
        messages=len(case["said"]),
        replies=case.get("replies", 0),
        greeting=case.get("greeting"),
        timers=tuple(timer(books, each["entry"], each["age"], each.get("fingerprint", "")) for each in timers),
        slow_keys=frozenset(case.get("slow", ())),
    )
    return activate(books, case["said"], state, seed="s1/7", match=match, fill=Maren())


def words(fired: Fired) -> str:
    entry = fired.entry
    where = str(entry.place)
    if entry.place is Place.AT_DEPTH:
        where += f" {entry.depth} as {entry.role}"
    if entry.place is Place.OUTLET:
        where += f" {entry.outlet}"
    later = f" in pass {fired.passed}" if fired.passed > 1 else ""
    return f"{entry.name} by {fired.by} {where}{later}"


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_lore(case: dict[str, Any]) -> None:
    if "over_ages" in case:
        return
    found = played(case, case.get("timers", []))
    assert [words(each) for each in found.fired] == case.get("fired", [])
    assert {each.entry.name: each.why.name for each in found.missed} == case.get("missed", {})
    texts = {each.entry.name: each.text for each in found.fired}
    assert {name: texts[name] for name in case.get("texts", {})} == case.get("texts", {})
    assert found.disabled_prompts == set(case.get("disables", ()))
    assert {key: str(verdict) for key, verdict in found.keys.items()} == case.get("unanswered", unanswered(case))
    if "placed" in case:
        assert [each.entry.name for each in found.at(*Place)] == case["placed"]
    if "remembers" in case:
        books = books_of(case)
        wanted = {(each, *times) for each, times in case["remembers"].items()}
        assert {(named(books, each), each.sticky, each.cooldown) for each in found.timers} == wanted


def unanswered(case: dict[str, Any]) -> dict[str, str]:
    return {"/(lamp/": str(Verdict.WRONG)} if "/(lamp/" in json.dumps(case) else {}


def named(books: list[Book], timer: Timer) -> str:
    return next(
        each.name for book in books for each in book.entries if (book.id, each.id) == (timer.book_id, timer.entry_id)
    )


@pytest.mark.parametrize("case", [case for case in CASES if "over_ages" in case], ids=lambda case: case["case"])
def test_timers_by_their_age(case: dict[str, Any]) -> None:
    found = {age: played(case, [{"entry": "a", "age": age}]) for age in case["over_ages"]}
    assert {age: by(each) for age, each in found.items()} == case["over_ages"]


def by(found: Activation) -> str:
    return found.fired[0].by if found.fired else found.missed[0].why.name


def test_every_reason_has_its_case() -> None:
    written = {name for case in CASES for name in case.get("missed", {}).values()}
    written |= {word for case in CASES for word in case.get("over_ages", {}).values()}
    assert {why.name for why in Why} - written == {"TOO_MUCH"}  # test_bounds.py
    assert len(CASES) >= 30
