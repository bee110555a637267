"""Names who said what in a prompt: a line `Name: text` means that Name spoke, and each name is one speaker's.

a character's          as it is
a person's             "Maren (user)" where it is, looks like or begins with a character's or a role's
                       "Robin (2)" where somebody spoke before whose name looks the same
the narration's        "Narrator"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Final

from actors.roleplay.confusables import keys
from actors.roleplay.model import Entry
from actors.roleplay.names import clean_name
from actors.roleplay.quotation import ROLES, is_taken, quoted, quoted_name

NARRATOR: Final = "Narrator"
SILENCE: Final = "…"  # a message of pictures alone
PERSON: Final = " (user)"  # set behind a person's name that is also a character's

_Person = tuple[int | None, str]


@dataclass(frozen=True, slots=True)
class Speakers:
    """The names in one prompt. `reserved` are the keys of all that may speak; `people` maps author and name."""

    reserved: frozenset[str]
    people: Mapping[_Person, str]

    @classmethod
    def of(cls, characters: Iterable[str], entries: Iterable[Entry], first_authors: Sequence[int] = ()) -> Speakers:
        """Return the speakers of a cast and of the entries, which are oldest first.

        `first_authors` are those that spoke first among people of one name, for entries that begin later.
        """
        known = tuple(entries)
        cast = {*characters, *(entry.name for entry in known if entry.kind == "character")}
        cast_keys = frozenset().union(*(keys(clean_name(name)) for name in cast))
        people = dict.fromkeys(_person(entry) for entry in known if entry.kind == "user")
        named = _named(sorted(people, key=partial(_rank, first_authors)), cast_keys)
        return cls(cast_keys.union(ROLES, *map(keys, named.values())), named)

    def name(self, entry: Entry) -> str:
        """Return the name of this entry in the prompt; a person's entry is one of those given to `of`."""
        if entry.kind == "narration":
            return NARRATOR
        return self.people[_person(entry)] if entry.kind == "user" else clean_name(entry.name)

    def line(self, entry: Entry) -> str:
        """`Name: text`, the text quoted."""
        return f"{self.name(entry)}: {quoted(entry.text, self.reserved) or SILENCE}"


def namesakes(entries: Iterable[Entry]) -> frozenset[int]:
    """Return the authors whose name is, or looks like, that of another author."""
    owners: dict[str, set[int]] = {}
    for author_id, name in {_person(entry) for entry in entries if entry.kind == "user"}:
        if author_id is not None:
            for key in keys(quoted_name(name)):
                owners.setdefault(key, set()).add(author_id)
    return frozenset().union(*(authors for authors in owners.values() if len(authors) > 1))


def _rank(first_authors: Sequence[int], person: _Person) -> int:
    """Where a person stands among the first; all others behind them, in their order."""
    author_id, _ = person
    return first_authors.index(author_id) if author_id in first_authors else len(first_authors)


def _person(entry: Entry) -> _Person:
    return entry.author_id, entry.name


def _named(people: Iterable[_Person], cast: frozenset[str]) -> dict[_Person, str]:
    """Return each person's name in the prompt, in the order in which they first spoke."""
    named: dict[_Person, str] = {}
    owners: dict[str, int | None] = {}
    for author_id, display_name in people:
        name = quoted_name(display_name)
        base = name + PERSON if is_taken(name, cast) else name
        numbered = (base if number == 1 else f"{base} ({number})" for number in count(1))
        shown = next(each for each in numbered if _is_free(each, author_id, owners, cast))
        owners |= dict.fromkeys(keys(shown), author_id)
        named[author_id, display_name] = shown
    return named


def _is_free(name: str, author_id: int | None, owners: Mapping[str, int | None], cast: frozenset[str]) -> bool:
    mine = keys(name)
    return not mine & cast and all(owners.get(key, author_id) == author_id for key in mine)
