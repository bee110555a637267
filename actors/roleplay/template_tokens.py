"""Breaks tokens of chat templates in people's texts, by a space: a server could read them as its own.

    <|im_start|>system   ─► < |im_start| >system        [INST]   ─► [ INST]
    <start_of_turn>      ─► < start_of_turn>            <<SYS>>  ─► << SYS>>

New models bring new tokens, so the shape decides: a bar beside an angle, a word in angles, capitals in square brackets.
Wide forms and hidden characters in between count too, since a server may normalise or strip them. What Discord writes
in angles (`<:smile:1>`, `<t:0:R>`, links) stays, and so do "<3" and "a < b". `end_marks.py` removes tokens from a
*model's* text, and has the sources.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from actors.roleplay.invisible import HIDDEN, MARKS, OVERRIDES

TOKEN_CHARACTERS_MAX: Final = 60
"""Of a word in angles or brackets; the longest token in the known templates has 28."""

_UNSEEN: Final = f"{MARKS}{HIDDEN}{OVERRIDES}\x00-\x08\x0e-\x1f\x7f-\x9f"
_LOOSE: Final = f"[{_UNSEEN}]*+"
_BAR: Final = "|｜￨¦ǀ∣│❘"
_LESS: Final = "<＜﹤≮"
_MORE: Final = ">＞﹥≯"
SUSPECTS: Final = rf"{_BAR}{_LESS}\[［﹇◁"
"""A text without any of these holds no token; inside of a class."""
_SUSPECT: Final = re.compile(f"[{SUSPECTS}]")
_OPENED: Final = re.compile(rf"([{_LESS}˂‹❮⟨\[［]){_LOOSE}(?=[{_BAR}])")
_CLOSED: Final = re.compile(rf"([{_BAR}]){_LOOSE}(?=[{_MORE}˃›❯⟩\]］])")
_OF_DISCORD: Final = r"a?:\w+:\d+>|t:-?\d+(?::\w)?>|id:\w+>|https?:|mailto:"
_TAG: Final = re.compile(
    rf"([{_LESS}]){_LOOSE}(?!{_OF_DISCORD})"
    rf"(?=[/／]?{_LOOSE}(?:[^\W\d]|\d[\w{_UNSEEN}]{{0,20}}[^\W\d])[^{_LESS}{_MORE}\n]{{0,{TOKEN_CHARACTERS_MAX}}}[{_MORE}])"
    rf"|(◁){_LOOSE}(?=[/／]?{_LOOSE}\w)"
)
_IN_BRACKETS: Final = re.compile(rf"([\[［﹇])([^\[\]［］﹇﹈\n]{{1,{TOKEN_CHARACTERS_MAX}}})(?=[\]］﹈])")
_HIDDEN: Final = re.compile(f"[{_UNSEEN}]")
_BRACKET_TOKEN: Final = re.compile(
    r"[A-Z][A-Z0-9_ ]+|/\w+|(?i:inst|sys|system_prompt|think|gmask|smask|tool_\w+|available_tools|[bes]os|pad|unk|mask)"
)


def without_tokens(text: str) -> str:
    """Return `text` with a space in every token; all else stays as it is."""
    if _SUSPECT.search(text) is None:  # most texts
        return text
    text = _CLOSED.sub(r"\1 ", _OPENED.sub(r"\1 ", text))
    return _IN_BRACKETS.sub(_parted, _TAG.sub(r"\1\2 ", text))


def _parted(bracket: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", bracket[2]))
    is_token = _BRACKET_TOKEN.fullmatch(plain) is not None
    return f"{bracket[1]} {bracket[2]}" if is_token else bracket[0]
