"""What must follow from what was committed: who answers a turn, and what a prompt shows."""

from __future__ import annotations

import re
from typing import Final

from actors.cast import member_of
from actors.ports import NextMessages
from actors.roleplay.model import Prompt, Purpose, SessionRecord
from actors.roleplay.quotation import FURTHER
from actors.roleplay.tokens import CUT_MARK, prompt_tokens, text_tokens
from actors.roleplay.turns import draw

TOKEN: Final = re.compile(r"#[a-z]\d+")
"""The mark that makes each text of a simulation unique, so that it can be found in a prompt."""

NAME_MAX: Final = "x" * 24
"""As long as the longest name before a line in a prompt."""


def drawn_by(session: SessionRecord, waiting: NextMessages, cause_id: int) -> tuple[str, ...]:
    """Who answers what waits, drawn once more."""
    cast, seed = tuple(map(member_of, session.cast)), f"{session.id}/{cause_id}"
    return draw(session.order, cast, waiting.messages, waiting.before, seed=seed).speakers


def shows(prompt: Prompt, texts: tuple[str, ...], *, tokens_max: int) -> bool:
    """Whether a prompt shows these texts; if they do not all fit, the newest of them.

    If even the newest alone is too long, its middle is cut out.
    """
    of_history = [message for message in prompt.messages if message.purpose is Purpose.HISTORY]
    found = [token for message in of_history for token in TOKEN.findall(message.content)]
    expected = [token for text in texts for token in TOKEN.findall(text)]
    if found == expected:
        return True
    others = prompt_tokens(message for message in prompt.messages if message.purpose is not Purpose.HISTORY)
    is_blank = not found and bool(TOKEN.findall(texts[-1]))  # a text that is only `\o/` has no token
    said = (f"{NAME_MAX}: {text}".replace("\n", f"\n{FURTHER}") for text in texts)
    if is_blank or others + sum(map(text_tokens, said)) <= tokens_max:
        return False  # all would have fitted
    if CUT_MARK in of_history[-1].content:
        rest = iter(TOKEN.findall(texts[-1]))
        return all(token in rest for token in found)
    return any(found == expected[start:] for start in range(len(expected) + 1))
