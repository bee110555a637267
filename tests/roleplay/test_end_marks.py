"""End-of-turn marks that come as letters, in the dialects of the common chat templates."""

import pytest

from actors.roleplay.end_marks import before_end

SAID = "The lamp turns, and I with it."


@pytest.mark.parametrize(
    "rest",
    [
        "<|im_end|>\n<|im_start|>user\nAnd then?",
        "</s><s>[INST] And then? [/INST]",
        "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nAnd then?",
        "<|eot|><|header_start|>user<|header_end|>",
        "<end_of_turn>\n<start_of_turn>user\nAnd then?",
        "<turn|>\n<|turn>user\nAnd then?",
        "<|end|>\n<|user|>\nAnd then?",
        "\n<|user|>\nAnd then?",
        "\n<|system|>",
        "<|endoftext|>Human: And then?",
        "<|end_of_text|>",
        "<|end_of_turn|>GPT4 Correct User: And then?",
        "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
        "<|end_of_role|>",
        "<｜end▁of▁sentence｜><｜User｜>And then?",
        "<｜User｜>And then?",
        "<eos>",
        "<EOS_TOKEN>",
        "<seed:eos>",
        "<eoa>",
        "[/INST] And then?",
        "\n[INST] And then?",
        "<<SYS>>",
        "[|endofturn|]\n[|user|]",
        "<extra_id_1>User",
        "\n### Instruction:\nSay more",
        "\n### Human: And then?",
        "\n## User:\nAnd then?",
        "\nUSER: And then?",
        "\nHuman: And then?",
        "\nGPT4 Correct User: And then?",
        "<|im_e",
        "<end_of_tu",
        "<|",
        "</",
        "[/INS",
    ],
)
def test_b12_a_line_ends_at_the_mark_and_the_next_turn_is_nobody_s(rest: str) -> None:
    assert before_end(SAID + rest).strip() == SAID


@pytest.mark.parametrize(
    "before",
    [
        "<|im_start|>assistant\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<start_of_turn>model\n",
        "<|assistant|>\n",
        "<｜Assistant｜>",
        "[/INST] ",
        "</s>",
        "<s>",
        "### Response:\n",
        "ASSISTANT: ",
        "GPT4 Correct Assistant: ",
    ],
)
def test_b12_marks_that_open_the_own_turn_are_taken_away(before: str) -> None:
    assert before_end(f"{before}{SAID}<|im_end|>").strip() == SAID


@pytest.mark.parametrize(
    "text", ["<|im_start|>user\nAnd then?", "<|user|>\nAnd then?", "USER: And then?", "<|im_end|>"]
)
def test_b12_a_text_that_begins_with_another_s_turn_says_nothing(text: str) -> None:
    assert before_end(text).strip() == ""


@pytest.mark.parametrize(
    "text",
    [
        "I love you <3",
        "a < b",
        "<<Ahoy!>>",
        "||a secret||",
        "<||x||",
        "[nods] Aye",
        "### The harbour",
        "He used: a rope",
    ],
)
def test_signs_of_people_are_no_marks(text: str) -> None:
    assert before_end(text) == text


def test_a_character_may_be_called_as_a_role_is() -> None:
    assert before_end("Aye.\nHuman: I am one.", {"human"}) == "Aye.\nHuman: I am one."
