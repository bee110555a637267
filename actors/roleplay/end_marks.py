"""Removes marks of chat templates from a text, and ends the line where its turn ends.

    <|im_start|>assistant\\nAye.<|im_end|>\\n<|im_start|>user\\nAnd then?     ─►     Aye.

A server that does not know the template of its model prints the marks and lets the model write the next turn, which is
nobody's. Marks that open the model's own turn are taken away at the beginning; at any other mark the line ends.

Sources: the templates of ChatML, Llama 2 to 4, Gemma, Phi, Zephyr, Mistral, DeepSeek, Command, Granite, OpenChat,
Alpaca, Vicuna, InternLM, EXAONE, Seed-OSS, ERNIE, Hunyuan, Apertus and gpt-oss.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

_TAGS: Final = (
    "(?i:eos|bos|end_of_turn|start_of_turn|end_of_text|endoftext|end_of_sentence|end_of_utterance|eos_token|bos_token"
    r"|eot|eod|eom|eoh|eoa|sep|sop|eop|pad|unk|seed:eos|seed:bos|extra_id_\d+|special_\d+|reserved_\d+|turn_end|unused\d+)"
)
_BRACKETS: Final = (
    r"INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK|UNUSED_TOKEN_\d+|ARGS|CALL_ID"
)
_MARK: Final = (
    r"<[|｜][ ]?/?[\w▁]"  # <|im_end|>, <|eot_id|>, <｜User｜>, <|turn>: nothing else is written so
    r"|<\w{1,30}[|｜]>"  # <turn|>
    rf"|</?(?:{_TAGS})>|</s>"
    rf"|\[/?(?:{_BRACKETS})\]|<</?SYS>>|\[\|/?\w{{1,20}}\|\]"
)
_HEADING: Final = (
    r"^[ \t]*#{2,4}[ \t]?(?:Instructions?|Input|Response|Human|User|Assistant|System|Question|Answer|Output)[ \t]*"
    r"(?::[^\n]*|$)"
)
_ROLE: Final = (
    r"^[ \t]*(?:USER|User|HUMAN|Human|ASSISTANT|Assistant|BEGINNING OF CONVERSATION"
    r"|GPT4(?: Correct)? (?:User|Assistant))[ \t]*[:：]"
)
_ROLES: Final = frozenset({"user", "human", "assistant"})
_ENDS: Final = re.compile(f"{_MARK}|{_HEADING}|{_ROLE}", re.MULTILINE)
_ENDS_BUT_ROLES: Final = re.compile(f"{_MARK}|{_HEADING}", re.MULTILINE)
_SPEAKS: Final = r"(?:assistant|model|bot|chatbot|gpt)"
_WHOLE_MARK: Final = (
    rf"<[|｜][^<>|｜\n]{{1,40}}[|｜]>|<[|｜]\w{{1,30}}>|<\w{{1,30}}[|｜]>|</?(?:{_TAGS}|s)>"
    rf"|\[/?(?:{_BRACKETS})\]|<</?SYS>>|\[\|/?\w{{1,20}}\|\]"
)
_OPENING: Final = re.compile(
    rf"\s*(?:(?:{_WHOLE_MARK})(?:{_SPEAKS}(?=\s*\n|\s*<))?"
    r"|\#{2,4}[ \t]?(?:Response|Assistant|Answer|Output)[ \t]*:?[ \t]*(?=\n|\Z)|\#{2,4}[ \t]?(?:Response|Assistant):"
    r"|(?:ASSISTANT|Assistant|GPT4(?: Correct)? Assistant)[ \t]*[:：])",
)
_ANOTHERS: Final = re.compile(r"user|human|system|instruction|tool|observation|prompter", re.IGNORECASE)
_ROLE_BEHIND: Final = re.compile(r"\s*(?:user|human|system|tool)\b", re.IGNORECASE)

_LITERALS: Final = (
    *("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|end_of_text|>", "<|endoftext|>", "<|end|>", "<|user|>"),
    *("<|assistant|>", "<end_of_turn>", "<start_of_turn>", "</s>", "<eos>", "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>"),
    *("<｜end▁of▁sentence｜>", "<｜User｜>", "<think>", "</think>", "<thinking>", "</thinking>"),
    *("[/INST]", "[INST]", "[THINK]", "[/THINK]"),
)
_HALF_MIN: Final = 3
_HALF_SIGNS: Final = frozenset({"<|", "</", "[/", "<｜"})
_HALF_MAX: Final = max(map(len, _LITERALS))


def before_end(text: str, own: Collection[str] = ()) -> str:
    """Return the text before the first mark that ends the turn, without the marks that opened it.

    `own` are the speaker's names in small letters: a character may be called Human.
    """
    while (opening := _OPENING.match(text)) and not _opens_anothers(text, opening):
        text = text[opening.end() :]
    ends = _ENDS_BUT_ROLES if _ROLES & set(own) else _ENDS
    end = ends.search(text)
    return _without_half(text[: end.start()] if end else text)


def _opens_anothers(text: str, opening: re.Match[str]) -> bool:
    return bool(_ANOTHERS.search(opening[0]) or _ROLE_BEHIND.match(text, opening.end()))


def _without_half(text: str) -> str:
    """Without the marks that were cut in the middle, at the very end."""
    while (at := _half_at(text)) is not None:
        text = text[:at].rstrip()
    return text


def _half_at(text: str) -> int | None:
    at = max(text.rfind("<", -_HALF_MAX), text.rfind("[", -_HALF_MAX))
    half = text[at:] if at >= 0 else ""
    is_half = half in _HALF_SIGNS or (len(half) >= _HALF_MIN and any(mark.startswith(half) for mark in _LITERALS))
    return at if is_half else None
