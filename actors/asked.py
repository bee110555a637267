"""What a model was asked and what it answered, as it is kept beside the move that came of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors.ports import Asked, AskedMessage, AskedTexts, Completion, Exchange, ModelFailed
from actors.roleplay.prompt import Built
from machines.facts import Fact, Generated

PROMPT_CHARACTERS_MAX: Final = 200_000
"""Ten times what CONTEXT_TOKENS allows by default; of a longer prompt the end is not kept."""

RAW_CHARACTERS_MAX: Final = 50_000
"""Ten times what RESPONSE_TOKENS allows by default; a server need not keep to it."""


def asked(
    built: Built, lines: int, attempt: int, answer: Completion | ModelFailed, fact: Fact, duration_s: float
) -> Exchange:
    """The exchange of one try whose answer became `fact`; the history had `lines`."""
    prompt = built.prompt
    completion = answer if isinstance(answer, Completion) else Completion("")
    cleaned = "\n".join(fact.texts) if isinstance(fact, Generated) else ""
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
        outcome=getattr(fact, "reason", "ok"),
        duration_s=duration_s,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        is_cut_by_length=completion.cut_by_length,
        raw_characters=len(completion.text),
    )
    messages = _bounded((each.content for each in prompt.messages), PROMPT_CHARACTERS_MAX)
    texts = AskedTexts(messages, completion.text[:RAW_CHARACTERS_MAX], cleaned)
    return Exchange(asked=without_text, texts=texts)


def _bounded(texts: Iterable[str], characters_max: int) -> tuple[str, ...]:
    """`texts` as far as there is room; what finds none is empty."""
    kept: list[str] = []
    for text in texts:
        kept.append(text[: max(0, characters_max)])
        characters_max -= len(text)
    return tuple(kept)
