"""What small models write around a line: our own notes, labels, remarks."""

import pytest

from actors.roleplay.asides import noted, without_asides

SAID = "The lamp turns, and I with it."
NOTES = noted(
    [
        "Maren is terse and dry.\n[Write Maren's next line only. Never speak or act for Fitch, or anyone else.]\n"
        "[Say something new: no sentence of an earlier line again.]",
        "[The story so far:]",
    ]
)


def without(text: str) -> str:
    return without_asides(text, ("Maren", "Maren Holt"), NOTES).strip()


@pytest.mark.parametrize(
    "before",
    [
        "Maren's next line: ",
        "Maren’s next line:\n",
        "**Maren's next line:** ",
        "Maren's Line: ",
        "Maren Holt's response: ",
        "[Maren's next line] ",
        "[Maren's next line:] ",
        "Next line: ",
        "The next line is: ",
        "Sure! Here is Maren's next line: ",
        "Sure, here's the next line:\n\n",
        "Here's my next response as Maren:\n",
        "Certainly! Here's a response as Maren:\n",
        "Response from Maren: ",
        "Response:\n",
        "Maren's next line: Maren's next line: ",
    ],
)
def test_c1_a_label_before_the_line_is_taken_away(before: str) -> None:
    assert without(before + SAID) == SAID


@pytest.mark.parametrize(
    "note",
    [
        "[Write Maren's next line only. Never speak or act for Fitch, or anyone else.]\n",
        "[Write Maren's next line only.] ",
        "Write Maren's next line only, as she would.\n",
        "(Write Maren's next line only. Never speak.)\n",
        "[The story so far:]\n",
        "Maren is terse and dry.\n",
        "[Say something new: no sentence of an earlier line again.]\n",
    ],
)
def test_c1_our_own_notes_are_taken_away_wherever_they_stand(note: str) -> None:
    assert without(note + SAID) == SAID
    assert without(f"{SAID}\n{note}") == SAID


@pytest.mark.parametrize(
    "remark",
    [
        "\n(Note: I kept it short.)",
        " (Note: I kept it short.)",
        "\n\n[OOC: shall we go on?]",
        "\n*(Out of character: fine?)*",
        "\n(Word count: 12)",
        "\n(End of response)",
    ],
)
def test_c1_remarks_about_the_work_are_taken_away(remark: str) -> None:
    assert without(SAID + remark) == SAID


@pytest.mark.parametrize(
    "text",
    [
        SAID,
        "Maren's line snaps: the boat drifts.",
        "My answer: no.",
        "The line: hold it!",
        "Sure, here is the rope: take it.",
        "(Nobody answers.)",
        "*notes the dust* (note the dust)",
        "Note: the oil is low.",
        "Next: the stairs.",
        "Write it down.",
    ],
)
def test_a_line_of_the_play_stays_as_it_is(text: str) -> None:
    assert without(text) == text
