"""Tests a model for `doctor`: requests one short line from it, as a scene does.

request ─► a parameter is refused ─► learnt ─► request ─► …        two refused parameters: three requests
   └───► a line, or the failure with its meaning and hint
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio

from actors.adapters.groq.listing import Check
from actors.ports.language_model import Completion, ModelFailed
from actors.roleplay.model import ChatMessage, Prompt, Purpose
from actors.roleplay.model_reasons import MEANINGS
from actors.roleplay.speech import Line, clean

TRIES_MAX: Final = 6
"""Each refused parameter costs one attempt, and five parameters are optional (knowledge.OPTIONAL)."""

SHOWN_MAX: Final = 60
"""Characters of the line that are shown."""

SPEAKER, OTHER = "Maren", "Robin"

Ask = Callable[[Prompt], Awaitable[Completion | ModelFailed]]


async def try_out(ask: Ask, model: str, response_tokens: int, known: Callable[[], Sequence[str]]) -> Check:
    """Request a line from `model` and report the result; `known` returns what was learnt about the model."""
    prompt = _prompt(model, response_tokens)
    began = anyio.current_time()
    outcome = await ask(prompt)
    for _ in range(TRIES_MAX - 1):
        if isinstance(outcome, Completion) or outcome.reason != "unsupported":
            break
        began = anyio.current_time()
        outcome = await ask(prompt)
    notes = "".join(f"; it {each}" for each in known())
    if isinstance(outcome, ModelFailed):
        return _failed(model, outcome, notes)
    return _said(model, outcome, f" in {anyio.current_time() - began:.1f} s{notes}.")


def _prompt(model: str, response_tokens: int) -> Prompt:
    messages = (
        ChatMessage("system", f"You are {SPEAKER}, who keeps a lighthouse. Answer in one short line.", Purpose.CARD),
        ChatMessage("user", f"{OTHER}: Is anybody there?", Purpose.HISTORY),
        ChatMessage("system", f"[Write {SPEAKER}'s next line only.]", Purpose.INSTRUCTION),
    )
    return Prompt(SPEAKER, model, messages, (f"\n{OTHER}:",), response_tokens, seed="doctor")


def _said(model: str, completion: Completion, rest: str) -> Check:
    line = clean(
        completion.text,
        name=SPEAKER,
        others=(OTHER,),
        own_last_lines=(),
        cut_by_length=completion.cut_by_length,
    )
    if isinstance(line, Line):
        text = " ".join(line.text.split())
        short = text if len(text) <= SHOWN_MAX else f"{text[:SHOWN_MAX]}…"
        return Check("ok", f"{model} said “{short}”{rest}")
    meaning = MEANINGS[line.reason]
    return Check("no_line", f"{model} answered, but wrote no line: {meaning.name} ({line.reason}){rest}", meaning.hint)


def _failed(model: str, failed: ModelFailed, notes: str) -> Check:
    meaning = MEANINGS[failed.reason]
    words = f", in the server's words: {failed.words}" if failed.words else ""
    end = "" if words.endswith(".") and not notes else "."
    return Check("no_line", f"{model} wrote no line: {meaning.name} ({failed.reason}){words}{notes}{end}", meaning.hint)
