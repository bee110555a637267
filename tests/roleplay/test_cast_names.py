"""`!start` finds characters without quotes, by the beginning of a name, and with commas."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.cast_names import Ambiguous, Unknown, cast_of


@dataclass(frozen=True)
class Somebody:
    name: str


ILSE, MAREN, MARIUS, FITCH, ROSE, ROSEMARY, MARY = (
    Somebody(name)
    for name in ("Captain Ilse Brandt", "Maren", "Marius", "Fitch, the Fence", "Rose", "Rosemary", "Mary Jane O'Neill")
)
EVERYBODY = (ILSE, MAREN, MARIUS, FITCH, ROSE, ROSEMARY, MARY)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["Captain", "Ilse", "Brandt"], [ILSE]),
        (["captain", "ilse", "brandt,", "maren"], [ILSE, MAREN]),
        (["Maren,", "Captain", "Ilse", "Brandt,", "Rose"], [MAREN, ILSE, ROSE]),
        (["Captain Ilse Brandt", "Maren"], [ILSE, MAREN]),
        (["Ilse"], [ILSE]),
        (["Capt", "mare"], [ILSE, MAREN]),
        (["Fitch,", "the", "Fence", "Maren"], [FITCH, MAREN]),
        (["Fitch,", "Maren"], [FITCH, MAREN]),
        (["mary", "jane", "oneill"], [MARY]),
        (["Mary", "Jane", "Rosemary"], [MARY, ROSEMARY]),
        (["Rose"], [ROSE]),
        (["Roses"], [Unknown("Roses")]),
        (["Mar"], [Ambiguous("Mar", ("Maren", "Marius", "Mary Jane O'Neill"))]),
        (["Maren", "Nobody,", "Rose"], [MAREN, Unknown("Nobody"), ROSE]),
        (["Nobody Here", "Rose"], [Unknown("Nobody Here"), ROSE]),
        (["--turn", "Rose"], [Unknown("--turn"), ROSE]),
        ([","], [Unknown(",")]),
        ([], []),
    ],
)
def test_words_name_characters(words: list[str], found: list[Somebody | Unknown | Ambiguous]) -> None:
    assert cast_of(words, EVERYBODY) == found


@given(st.lists(st.sampled_from(EVERYBODY), max_size=8), st.sampled_from(["", ","]))
def test_full_names_are_found_in_any_order_without_quotes(cast: list[Somebody], between: str) -> None:
    words = f"{between} ".join(each.name for each in cast).split()
    assert cast_of(words, EVERYBODY) == cast


@given(st.lists(st.text("0123456789", min_size=1), max_size=8))
def test_words_that_begin_no_name_are_each_named_as_unknown(words: list[str]) -> None:
    assert cast_of(words, EVERYBODY) == [Unknown(word) for word in words]
