"""Where a text is cut at somebody else's name, and at whose."""

from __future__ import annotations

import pytest

from actors.roleplay.speech import Line, clean, is_headed, next_heading

TEXTS = {
    "Good evening.\nFitch: Aye.": "Fitch: Aye.",
    "Maren: Good evening.\n**Fitch:** Aye.\nRobin: Hm.": "**Fitch:** Aye.",
    "Good evening.": "",
    "Fitch: Aye.\nMaren: Good evening.": "",  # what stands before is another's, and no hand-over
    "<think>Fitch: me?</think>Good evening.\nRobin: Hm.": "Robin: Hm.",
    "": "",
}


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_cut_at_the_first_heading_of_another_behind_its_own_words(text: str) -> None:
    assert next_heading(text, name="Maren", others=("Fitch", "Robin")) == TEXTS[text]


@pytest.mark.parametrize("text", [text for text in TEXTS if TEXTS[text]])
def test_the_cleaned_line_ends_there(text: str) -> None:
    line = clean(text, name="Maren", others=("Fitch", "Robin"), own_last_lines=(), cut_by_length=False)
    assert line == Line("Good evening.")


def test_a_heading_is_that_of_whoever_it_names() -> None:
    assert is_headed("**Fitch:** Aye.", ("Fitch", "the lamplighter"))
    assert is_headed("The Lamplighter: Aye.", ("Fitch", "the lamplighter"))
    assert not is_headed("Robin: Hm.", ("Fitch",))
    assert not is_headed("Fitch says aye.", ("Fitch",))
    assert not is_headed("Fitch: Aye.", ())
