"""What the next request to a model looks like, as a pure function of what went wrong before.

    journalled reasons ─► next_request ─► Plan ─► prompt ─► model ─► failure ─► judge ─► Verdict
             ▲                                                                              │
             └──────────────────────── its reason, in the journal ──────────────────────────┘

The journal holds reasons only, so a process that takes a response up plans exactly as its predecessor did.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

RATE_LIMIT: Final = "rate_limit"
RATE_LIMIT_LONG: Final = "rate_limit_long"
"""Journalled in place of `rate_limit` where the wait was too long and another model takes over."""

RETRY_AFTER_S_MAX: Final = 30.0  # people who wait longer for a line believe that the bot is gone
ROOM_FACTOR_MAX: Final = 4  # 4 × 700 tokens: reasoning that needs more will not end either
TRIMMED_SHARE: Final = 0.5  # servers do not say by how much a prompt is too large

_NEEDS_ROOM: Final = frozenset({"length", "empty"})  # both: reasoning ate the budget, cut off or not
_FINAL: Final = frozenset({"credentials", "bad_request"})
_NOTES: Final = {
    "repeat": "[Say something new: no sentence of an earlier line again.]",
    "refusal": "[Stay in the story: write only what the character says and does, nothing about yourself.]",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """The next request. `context_share` of the prompt's budget may be used; `note` ends the prompt."""

    model: str
    completion_tokens_max: int
    context_share: float = 1.0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failure means: the reason to journal, the least wait, and whether another try can help."""

    reason: str
    retry_after_s: float = 0.0
    final: bool = False


def next_request(
    reasons: Sequence[str], models: Sequence[str], response_tokens: int, *, avoid: Collection[str] = ()
) -> Plan:
    """Plan the request after `reasons` (oldest first).

    `models` in the order of preference, never empty. A model in `avoid` (its breaker is open) is taken
    only where no other is left.
    """
    missing, limited = _lost(reasons, models)
    failures_for_room = sum(reason in _NEEDS_ROOM for reason in reasons)
    return Plan(
        model=_pick(models, missing, limited, avoid) or models[0],
        completion_tokens_max=response_tokens * min(2**failures_for_room, ROOM_FACTOR_MAX),
        context_share=TRIMMED_SHARE if "too_large" in reasons else 1.0,
        note=" ".join(note for reason, note in _NOTES.items() if reason in reasons),
    )


def judge(reasons: Sequence[str], reason: str, models: Sequence[str], *, retry_after_s: float = 0.0) -> Verdict:
    """Say what `reason`, which came after `reasons`, means for the response.

    A rate limit above RETRY_AFTER_S_MAX moves on to a model that is neither missing nor limited, with no
    wait; where there is none it waits as told.
    """
    missing, limited = _lost(reasons, models)
    current = _pick(models, missing, limited)
    match reason:
        case "rate_limit" if retry_after_s > RETRY_AFTER_S_MAX and set(models) - missing - limited - {current}:
            return Verdict(RATE_LIMIT_LONG)
        case "model_missing":
            return Verdict(reason, final=set(models) <= missing | {current})
        case "too_large":
            return Verdict(reason, retry_after_s, final=reason in reasons)
        case _:
            return Verdict(reason, retry_after_s, final=reason in _FINAL)


def _lost(reasons: Sequence[str], models: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The models that are missing, and those that are limited for long, after `reasons`."""
    missing: frozenset[str] = frozenset()
    limited: frozenset[str] = frozenset()
    for reason in reasons:
        current = _pick(models, missing, limited)
        if current is None:
            break
        if reason == "model_missing":
            missing |= {current}
        elif reason == RATE_LIMIT_LONG:
            limited |= {current}
    return missing, limited


def _pick(
    models: Sequence[str], missing: Collection[str], limited: Collection[str], avoid: Collection[str] = ()
) -> str | None:
    """The best model that is left: free, else free but to be avoided, else limited; None if all are missing."""
    left = [model for model in models if model not in missing]
    free = [model for model in left if model not in limited]
    ready = [model for model in free if model not in avoid]
    return next(iter(ready or free or left), None)
