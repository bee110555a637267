"""A model that declines, and a character that says no or says what it is."""

import pytest

from actors.roleplay.refusals import is_machine, is_refusal


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t continue with this roleplay.",
        "*I'm sorry, but I can't continue this conversation.*",
        "Sorry, I can't assist with that request.",
        "I cannot create explicit content.",
        "I won't write that scenario.",
        "Unfortunately, I am unable to engage in this chat.",
    ],
)
@pytest.mark.parametrize("of_machine", [True, False])
def test_an_assistant_that_declines_is_a_refusal_whoever_it_plays(text: str, of_machine: bool) -> None:
    assert is_refusal(text, of_machine=of_machine)


@pytest.mark.parametrize(
    "text",
    [
        "I can't continue this conversation, Robin. Not here.",
        "I won't continue this discussion. Leave my lamp alone.",
        "I'm sorry, Robin, but I can't continue this conversation.",
        "I can't help you, lad.",
        "I'm sorry, but I can't leave the lamp tonight.",
        "I cannot write with a broken hand.",
    ],
)
def test_b42_a_character_s_own_no_is_none(text: str) -> None:
    assert not is_refusal(text)


OPEN = ["I am an AI, captain. I was built to keep this lamp.", "As an artificial intelligence, I never sleep."]


@pytest.mark.parametrize("text", OPEN)
def test_b42_who_is_an_ai_may_say_so_and_nobody_else(text: str) -> None:
    assert not is_refusal(text, of_machine=True)
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "As a large language model, I have no lamp.",
        "As an AI language model, I can't help with that.",
        "I'm an AI assistant, so I cannot write such content.",
    ],
)
def test_b42_an_ai_that_declines_as_an_assistant_is_a_refusal(text: str) -> None:
    assert is_refusal(text, of_machine=True)


@pytest.mark.parametrize(
    "text",
    [
        "The ship's computer of the Meridian, an artificial intelligence.",
        "A battered android from Europa.",
        "She is an A.I. who runs the station",
        "A robot that gardens.",
        "The station computer.",
        "Eine KI an Bord.",
        "艦の人工知能。",
        "корабельный ИИ",
    ],
)
def test_b42_a_card_says_that_its_character_is_a_machine(text: str) -> None:
    assert is_machine(["", text])


@pytest.mark.parametrize(
    "text",
    [
        "She works at a computer.",
        "Ai, a master of ki.",
        "A quiet smuggler.",
        "The keeper said aye.",
        "She sails the Aiken straits.",
        "",
    ],
)
def test_b42_people_are_no_machines(text: str) -> None:
    assert not is_machine([text])
