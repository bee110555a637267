"""Builds the record of a request to a model and its answer, stored with the move that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.lore import lore_record
from actors.observed import Observed
from actors.ports import Asked, AskedMessage, AskedTexts, Completion, Exchange, ModelFailed
from actors.roleplay.prompt import Built
from machines.facts import Generated

PROMPT_CHARACTERS_MAX: Final = 200_000
"""Ten times what CONTEXT_TOKENS allows by default; the end of a longer prompt is cut."""

RAW_CHARACTERS_MAX: Final = 50_000
"""Ten times what RESPONSE_TOKENS allows by default; a server may ignore that limit."""


def asked(
    built: Built, lines: int, attempt: int, answer: Completion | ModelFailed, told: Observed, duration_s: float
) -> Exchange:
    """The exchange of one attempt and its result; `lines` is the length of the history."""
    prompt = built.prompt
    completion = answer if isinstance(answer, Completion) else Completion("")
    cleaned = "\n".join(told.fact.texts) if isinstance(told.fact, Generated) else ""
    without_text = Asked(
        model=prompt.model,
        attempt=attempt,
        messages=tuple(
            AskedMessage(each.role, each.purpose, len(each.content), each.purpose in built.shortened)
            for each in prompt.messages
        ),
        tokens=built.tokens,
        lines=lines,
        lines_kept=built.entries_kept,
        completion_tokens_max=prompt.completion_tokens_max,
        outcome=getattr(told.fact, "reason", "ok"),
        duration_s=duration_s,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        is_cut_by_length=completion.cut_by_length or told.is_shortened,
        raw_characters=len(completion.text),
        lore=lore_record(built.lore),
    )
    messages = _bounded((each.content for each in prompt.messages), PROMPT_CHARACTERS_MAX)
    texts = AskedTexts(messages, completion.text[:RAW_CHARACTERS_MAX], cleaned)
    return Exchange(asked=without_text, texts=texts)


def _bounded(texts: Iterable[str], characters_max: int) -> tuple[str, ...]:
    """Keep `characters_max` characters of `texts` in all; a text after that is empty."""
    kept: list[str] = []
    for text in texts:
        kept.append(text[: max(0, characters_max)])
        characters_max -= len(text)
    return tuple(kept)
