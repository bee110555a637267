"""Removes a model's thoughts from its text: the line comes after them.

    <think>…</think>said        [THINK]…[/THINK]said        <|channel>thought … <channel|>said
    …</think>said               the template opened the thought, so only its end is left
    <|channel|>analysis<|message|>…<|end|> … <|channel|>final<|message|>said      harmony: the last final channel

Thoughts may be several, nested, written in any case, and never closed. Sources: the chat templates of DeepSeek R1,
Qwen 3, Magistral, Seed-OSS, gpt-oss (harmony), Gemma, Kimi-VL, Command A, OpenThinker, Granite and Apriel.
"""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = (
    r"(?:\w{1,12}[:_])?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflect(?:ion)?|analysis|scratchpad|deliberation"
    r"|inner_?monologue|plan(?:ning)?|scratch_pad)(?:_(?:process|trace))?"
)
_MARK: Final = re.compile(
    rf"""
      (?P<close>
          <\s*/\s*{_TAG}\s*> | \[/THINK\] | ◁/{_TAG}▷ | <\|/{_TAG}\|> | <\|end_of_thought\|> | <\|END_THINKING\|>
        | <\|{_TAG}_end\|> | <channel\|> | <unused95>
      )
    | (?P<open>
          <\s*{_TAG}(?:\s[^<>]{{0,80}})?> | \[THINK\] | ◁{_TAG}▷ | <\|{_TAG}\|> | <\|begin_of_thought\|>
        | <\|START_THINKING\|> | <\|{_TAG}_start\|> | <\|channel>\s*\w* | <unused94>\w*
      )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_FENCE: Final = re.compile(rf"```{_TAG}[ \t]*\n.*?(?:```|\Z)", re.IGNORECASE | re.DOTALL)
_BRACKETED: Final = re.compile(
    r"\[(?P<tag>thinking|thoughts?|reasoning|reason)\].*?\[/(?P=tag)\]"  # alone, "[thinking]" is a stage direction
    r"|\A.*\[/(?:thinking|thoughts?|reasoning|reason)\]"
    r"|<details\b[^<>]{0,60}\breasoning\b[^<>]{0,60}>.*?</details>",
    re.IGNORECASE | re.DOTALL,
)
_HARMONY: Final = re.compile(r"(<\|(?:start|end|return|call|channel|message|constrain)\|>)", re.IGNORECASE)
_HARMONY_MARK: Final = re.compile(r"<\|(?:channel|message)\|>", re.IGNORECASE)
_SAID_IN: Final = frozenset({"final", "assistant", ""})
"""Channels whose messages belong to the line; the others are `analysis` and `commentary`."""
_LEAKED: Final = re.compile(r"\A.*assistant\s{0,2}final(?=[A-Z\"“*(])", re.DOTALL)
"""Servers that drop harmony's marks and keep their names: `analysis…assistantfinalAye.`"""

_SECTIONS: Final = (
    re.compile(r"\A.*\bHere(?: is|'s) my response:", re.IGNORECASE | re.DOTALL),
    re.compile(r"\A.*\[BEGIN FINAL RESPONSE\]", re.IGNORECASE | re.DOTALL),
    re.compile(r"\[END FINAL RESPONSE\].*\Z", re.IGNORECASE | re.DOTALL),
    re.compile(r"\A.*<\|begin_of_solution\|>", re.IGNORECASE | re.DOTALL),
    re.compile(r"\A.*<\|START_RESPONSE\|>", re.IGNORECASE | re.DOTALL),
)
"""Headings that stand between thoughts and what is said."""

_WRAPPED: Final = re.compile(
    r"\A\s*<(?P<tag>answer|response|final|final_answer|output|reply)>(?P<said>.*?)(?:</(?P=tag)>.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)


def without_thoughts(text: str) -> str:
    """Return the text without thoughts; empty if all of it is a thought. It only removes characters."""
    if "assistant" in text and (leaked := _LEAKED.match(text)):
        text = text[leaked.end() :]
    if _HARMONY_MARK.search(text):
        text = _final_channel(text)
    if "[/" in text or "</details" in text:
        text = _BRACKETED.sub("", text)
    text = _outside(_FENCE.sub("", text) if "```" in text else text)
    for section in _SECTIONS:
        text = section.sub("", text)
    wrapped = _WRAPPED.match(text)
    return wrapped["said"] if wrapped else text


def _final_channel(text: str) -> str:
    """Return the last message of harmony's final channel; empty if there is none."""
    finals: list[str] = []
    header, opened_by = "", ""
    for piece in _HARMONY.split(text):
        match mark := piece.lower():
            case "<|start|>" | "<|channel|>" | "<|end|>" | "<|return|>" | "<|call|>":
                header, opened_by = "", mark
            case "<|message|>":
                opened_by = mark
            case "<|constrain|>":
                pass
            case _ if opened_by != "<|message|>":
                header = header or piece
            case _ if (header.split() or [""])[0].lower() in _SAID_IN and piece.strip():
                finals.append(piece)
    if finals or opened_by == "<|message|>":
        return finals[-1] if finals else ""
    # A channel without a message, or a text behind the end of a thought.
    return header.removeprefix("final") if opened_by == "<|end|>" or header.startswith("final") else ""


def _outside(text: str) -> str:
    """Return the text outside of all marks. A closing mark without an opening one closes everything before it."""
    kept: list[str] = []
    depth, at = 0, 0
    after_close: int | None = None
    for mark in _MARK.finditer(text):
        if depth == 0:
            kept.append(text[at : mark.start()])
        if mark["open"]:
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        at = mark.end()
        after_close = at if mark["close"] else after_close
    if depth == 0:
        kept.append(text[at:])
    said = "".join(kept)
    if said.strip() or after_close is None:
        return said
    # Opened twice and closed once: what follows the last end is said, unless another thought begins there.
    return _outside(text[after_close:])
