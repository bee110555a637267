"""Thoughts in every dialect: only what comes after them is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.roleplay.thoughts import without_thoughts

SAID = "The lamp turns, and I with it."


@pytest.mark.parametrize(
    "text",
    [
        f"<think>plan</think>{SAID}",
        f"<THINK>plan</Think>{SAID}",
        f"< think >plan</ think >{SAID}",
        f"<thinking budget='1'>plan</thinking>{SAID}",
        f"<thought>plan</thought>{SAID}",
        f"<reasoning>\nplan\n</reasoning>{SAID}",
        f"<reflection>plan</reflection>{SAID}",
        f"<seed:think>plan</seed:think>{SAID}",
        f"[THINK]plan[/THINK]{SAID}",
        f"◁think▷plan◁/think▷{SAID}",
        f"<|think|>plan<|/think|>{SAID}",
        f"<|begin_of_thought|>plan<|end_of_thought|><|begin_of_solution|>{SAID}",
        f"<|START_THINKING|>plan<|END_THINKING|><|START_RESPONSE|>{SAID}",
        f"<|channel>thought\nplan\n<channel|>{SAID}",
        f"<unused94>thought\nplan<unused95>{SAID}",
        f"```thinking\nplan\n```\n{SAID}",
        f"Here is my thought process: plan. Here is my response: {SAID}",
        f"plan [BEGIN FINAL RESPONSE]{SAID}[END FINAL RESPONSE] more",
        f"<think>plan</think><answer>{SAID}</answer>",
        f"<response>{SAID}",
        f"[thinking]plan[/thinking]{SAID}",
        f"[REASONING]plan[/REASONING]{SAID}",
        f'<details type="reasoning" done="true"><summary>Thought</summary>plan</details>{SAID}',
        f"<chain_of_thought>plan</chain_of_thought>{SAID}",
        f"<inner_thoughts>plan</inner_thoughts>{SAID}",
        f"<planning>plan</planning>{SAID}",
    ],
)
def test_b04_each_dialect_s_thoughts_are_taken_out(text: str) -> None:
    assert without_thoughts(text).strip() == SAID


@pytest.mark.parametrize(
    "text",
    [
        f"plan</think>{SAID}",
        f"plan</think>more plan</think>{SAID}",
        f"plan[/THINK]{SAID}",
        f"plan[/thinking]{SAID}",
        f"plan<channel|>{SAID}",
        f"<think>a<think>b</think>c</think>{SAID}",
        f"<think><think>plan</think>{SAID}",
        f"<think>a</think><think>b</think>{SAID}",
        f"<think>a[THINK]b[/THINK]c</think>{SAID}",
        f"{SAID}<think>and now",
    ],
)
def test_b04_thoughts_may_be_half_marked_nested_and_several(text: str) -> None:
    assert without_thoughts(text) == SAID


@pytest.mark.parametrize("text", ["<think>plan", "<think>plan<think>plan", "[THINK]", "<|channel>thought\nplan"])
def test_b04_a_thought_that_never_ends_is_nothing_said(text: str) -> None:
    assert without_thoughts(text) == ""


FINAL = f"<|channel|>final<|message|>{SAID}"


@pytest.mark.parametrize(
    "text",
    [
        f"<|channel|>analysis<|message|>plan<|end|><|start|>assistant{FINAL}",
        f"<|channel|>analysis<|message|>plan<|end|><|start|>assistant{FINAL}<|return|>",
        f"plan<|end|><|start|>assistant{FINAL}",
        f"<|channel|>commentary to=play <|constrain|>json<|message|>{{}}<|call|><|start|>assistant{FINAL}",
        f"<|channel|>final<|message|>An older one.<|end|><|start|>assistant{FINAL}",
        FINAL.upper().replace(SAID.upper(), SAID),
        f"final<|message|>{SAID}",
        f"<|start|>assistant<|message|>{SAID}<|end|>",
        f"<|channel|>final {SAID}",
        f"<|channel|>analysis<|message|>plan<|end|>{SAID}",
        f"analysisWe need a line.assistantfinal{SAID}",
    ],
)
def test_b04_of_harmony_the_last_final_channel_is_said(text: str) -> None:
    assert without_thoughts(text).strip() == SAID


@pytest.mark.parametrize("text", ["<|channel|>analysis<|message|>plan", "<|channel|>analysis plan", "<|message|>"])
def test_b04_harmony_without_a_final_channel_says_nothing(text: str) -> None:
    assert without_thoughts(text) == ""


@pytest.mark.parametrize("text", [SAID, "I think. <3", "[thinking] Hm.", "1 < 2 > 0", "The final word is said."])
def test_a_text_without_thoughts_stays_as_it_is(text: str) -> None:
    assert without_thoughts(text) == text


PIECES = st.sampled_from(
    (
        *("<think>", "</think>", "[THINK]", "[/THINK]", "<|channel|>", "final", "analysis", "<|message|>", "<|end|>"),
        *("<answer>", "<|start|>assistant", "<|channel>", "<channel|>", "```think\n", "```", "Aye. ", "\n", "<"),
        "assistantfinal",
    )
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_b04_it_only_takes_characters_away(text: str) -> None:
    left = iter(text)
    assert all(character in left for character in without_thoughts(text))
