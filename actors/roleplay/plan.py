"""What the next request to a model looks like, as a pure function of what went wrong before.

    journalled failures ─► next_request ─► Plan ─► prompt ─► model ─► failure ─► judge ─► Verdict
              ▲                                                                              │
              └─────────────────── its reason and its model, in the journal ─────────────────┘

A process that takes a response up plans as its predecessor did, but for the models that it must avoid now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from machines.facts import BLOCKED

RATE_LIMIT: Final = "rate_limit"
RATE_LIMIT_LONG: Final = "rate_limit_long"
"""Journalled in place of `rate_limit` where the wait was too long and another model takes over."""

RETRY_AFTER_S_MAX: Final = 30.0  # people who wait longer for a line believe that the bot is gone
ROOM_FACTOR_MAX: Final = 4  # 4 × 700 tokens: reasoning that needs more will not end either
TRIMMED_SHARE: Final = 0.5  # servers do not say by how much a prompt is too large

TRIES_OF_ONE_MODEL: Final = 2  # a first failure is mostly a hiccup; of three tries, one is left for the next model

_UNAVAILABLE: Final = frozenset({"overloaded", "timeout", "connection", "malformed"})
_NEEDS_ROOM: Final = frozenset({"length", "empty"})  # both: reasoning ate the budget, cut off or not
_FINAL: Final = frozenset({"credentials", "bad_request"})
_NOTES: Final = {
    "repeat": "[Say something new: no sentence of an earlier line again.]",
    BLOCKED: "[Discord blocked your last answer. Write another one, without insults, explicit words and links.]",
    "refusal": "[Stay in the story: write only what the character says and does, nothing about yourself.]",
}


class Failure(NamedTuple):
    """What went wrong with one try, and the model that was asked; empty where none was (a restart, a blocked text)."""

    reason: str
    model: str = ""


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
    failures: Sequence[Failure], models: Sequence[str], response_tokens: int, *, avoid: Collection[str] = ()
) -> Plan:
    """Plan the request after `failures` (oldest first).

    `models` in the order of preference, never empty. A model that was not available TRIES_OF_ONE_MODEL times,
    or that is in `avoid` (its breaker is open), is taken only where no other is left.
    """
    reasons = [failure.reason for failure in failures]
    failures_for_room = sum(reason in _NEEDS_ROOM for reason in reasons)
    return Plan(
        model=_pick(failures, models, avoid),
        completion_tokens_max=response_tokens * min(2**failures_for_room, ROOM_FACTOR_MAX),
        context_share=TRIMMED_SHARE if "too_large" in reasons else 1.0,
        note=" ".join(note for reason, note in _NOTES.items() if reason in reasons),
    )


def judge(
    failures: Sequence[Failure], failure: Failure, models: Sequence[str], *, retry_after_s: float = 0.0
) -> Verdict:
    """Say what `failure`, which came after `failures`, means for the response.

    A rate limit above RETRY_AFTER_S_MAX moves on to a model that is neither missing nor limited, with no
    wait; where there is none it waits as told.
    """
    reason, current = failure
    missing, limited = _of(failures, "model_missing"), _of(failures, RATE_LIMIT_LONG)
    match reason:
        case "rate_limit" if retry_after_s > RETRY_AFTER_S_MAX and set(models) - missing - limited - {current}:
            return Verdict(RATE_LIMIT_LONG)
        case "model_missing":
            return Verdict(reason, final=set(models) <= missing | {current})
        case "too_large":
            return Verdict(reason, retry_after_s, final=any(earlier.reason == reason for earlier in failures))
        case _:
            return Verdict(reason, retry_after_s, final=reason in _FINAL)


def _of(failures: Sequence[Failure], reason: str) -> frozenset[str]:
    """The models that failed for `reason`."""
    return frozenset(failure.model for failure in failures if failure.reason == reason)


def _pick(failures: Sequence[Failure], models: Sequence[str], avoid: Collection[str]) -> str:
    """The best model that is left: free and at hand, else free, else limited, else the first."""
    missing, limited = _of(failures, "model_missing"), _of(failures, RATE_LIMIT_LONG)
    unavailable = Counter(failure.model for failure in failures if failure.reason in _UNAVAILABLE)
    left = [model for model in models if model not in missing]
    free = [model for model in left if model not in limited]
    ready = [model for model in free if model not in avoid]
    fresh = [model for model in ready if unavailable[model] < TRIES_OF_ONE_MODEL]
    return next(iter(fresh or ready or free or left or models))
