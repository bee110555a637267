"""Estimates without a tokenizer how many tokens a text costs: rather too many than too few."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from actors.roleplay.model import ChatMessage

BYTES_PER_TOKEN: Final = 3  # four characters a token holds for English alone; Japanese and emoji cost 2–3 × more
MESSAGE_TOKENS: Final = 4  # what a chat template puts around each message
RATIO_MIN: Final = 0.5
RATIO_MAX: Final = 2.0  # bounds: one odd count of a server must not empty the prompts that follow
_RATIO_WEIGHT: Final = 0.2  # of the newest count in the running ratio
CUT_MARK: Final = " […] "

CHARACTERS_PER_TOKEN_MAX: Final = 7  # on average over a text; the best tokenizers hold 4.8 of English, fewer of others
DENSE_PER_TOKEN_MAX: Final = 2.5  # the same of Chinese, Japanese and Korean
_DENSE: Final = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


def text_tokens(text: str) -> int:
    """Estimate one message with this content."""
    return _tokens(len(text.encode()))


def prompt_tokens(messages: Iterable[ChatMessage]) -> int:
    """Estimate a whole prompt, uncorrected."""
    return sum(text_tokens(message.content) for message in messages)


def tokens_at_least(messages: Iterable[ChatMessage]) -> int:
    """Return a lower bound of the tokens of these messages: each word is at least one."""
    return sum(_tokens_at_least(message.content) for message in messages)


def next_ratio(ratio: float, *, estimated: int, counted: int) -> float:
    """Follow the running ratio of counted to estimated tokens; a count of 0 says nothing."""
    if estimated <= 0 or counted <= 0:
        return ratio
    return bounded_ratio(ratio + _RATIO_WEIGHT * (counted / estimated - ratio))


def bounded_ratio(ratio: float) -> float:
    return min(max(ratio, RATIO_MIN), RATIO_MAX)


def cut_to(text: str, tokens_max: int) -> str:
    """Return `text` so that a message of it costs at most `tokens_max`, its middle left out with a mark.

    The beginning names things and the end asks, so both matter more than the middle.
    """
    room = (tokens_max - MESSAGE_TOKENS) * BYTES_PER_TOKEN
    coded = text.encode()
    if len(coded) <= room:
        return text
    kept = max(0, room - len(CUT_MARK.encode()))
    head, tail = coded[: kept - kept // 2], coded[len(coded) - kept // 2 :]
    return head.decode(errors="ignore").rstrip() + CUT_MARK + tail.decode(errors="ignore").lstrip()


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN) + MESSAGE_TOKENS


def _tokens_at_least(text: str) -> int:
    sparse, dense = _DENSE.subn(" ", text)  # the scripts without blanks have no words to count
    return int(dense / DENSE_PER_TOKEN_MAX + max(len(sparse.split()), (len(text) - dense) / CHARACTERS_PER_TOKEN_MAX))
