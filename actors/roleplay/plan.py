"""Plans the next request to a model, as a pure function of the failures before.

    journalled failures ─► next_requests ─► Plan ─► prompt ─► model ─► failure ─► judge ─► Verdict
              ▲                                                                              │
              └─────────────────── its reason and its model, in the journal ─────────────────┘

A process that continues a response plans as its predecessor did, except for the models that it must avoid now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from actors.roleplay.model_reasons import Then, that
from machines.facts import BLOCKED
from machines.reasons import GenerationReason

ROOM_FACTOR_MAX: Final = 4  # 4 × 700 tokens: reasoning that needs more does not end
TRIMMED_SHARE: Final = 0.5  # most servers do not say by how much a prompt is too large
TRIMS_MAX: Final = 2  # a quarter of a prompt is the least that still knows what was just said

TRIES_OF_ONE_MODEL: Final = 2  # a first failure is mostly accidental; of three attempts, one is left for the next model

_NEEDS_ROOM: Final = frozenset({"length", "empty"})  # both: reasoning ate the budget, cut off or not
_ONCE_MORE: Final = that(Then.AGAIN_ONCE)
_PASSED_OVER: Final = that(Then.NEXT)
_LOST: Final = that(Then.NEXT_OR_END)
_FINAL: Final = that(Then.END)
_NOTES: Final = {
    "repeat": "[Say something new: no sentence of an earlier line again.]",
    BLOCKED: "[Discord blocked your last answer. Write another one, without insults, explicit words and links.]",
    "refusal": "[Stay in the story: write only what the character says and does, nothing about yourself.]",
}


class Failure(NamedTuple):
    """The reason of one failed attempt, and the model asked; empty if none was (a restart, a blocked text)."""

    reason: GenerationReason
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
    """What a failure means: the reason for the journal, the minimum wait, and whether another attempt can help."""

    reason: GenerationReason
    retry_after_s: float = 0.0
    final: bool = False


def next_requests(
    failures: Sequence[Failure], models: Sequence[str], response_tokens: int, *, avoid: Collection[str] = ()
) -> tuple[Plan, ...]:
    """Plan the request after `failures` (oldest first), once for each model that is as good as the first.

    `models` in the order of preference, never empty. A model that declined, that was not available
    TRIES_OF_ONE_MODEL times, or that is in `avoid` (its breaker is open), is taken only where no other is left.
    """
    reasons = [failure.reason for failure in failures]
    failures_for_room = sum(reason in _NEEDS_ROOM for reason in reasons)
    return tuple(
        Plan(
            model=model,
            completion_tokens_max=response_tokens * min(2**failures_for_room, ROOM_FACTOR_MAX),
            context_share=TRIMMED_SHARE ** min(reasons.count("too_large"), TRIMS_MAX),
            note=" ".join(note for reason, note in _NOTES.items() if reason in reasons),
        )
        for model in _best(failures, models, avoid)
    )


def judge(
    failures: Sequence[Failure], failure: Failure, models: Sequence[str], *, retry_after_s: float = 0.0
) -> Verdict:
    """Say what `failure`, which came after `failures`, means for the response."""
    reason, current = failure
    lost = _of(failures, _LOST)
    match reason:
        case "too_large":
            trims = sum(earlier.reason == reason for earlier in failures)
            return Verdict(reason, retry_after_s, final=trims >= TRIMS_MAX)
        case _ if reason in _LOST:
            return Verdict(reason, final=set(models) <= lost | {current})
        case _:
            return Verdict(reason, retry_after_s, final=reason in _FINAL)


def _of(failures: Sequence[Failure], reasons: Collection[str]) -> frozenset[str]:
    """Return the models that failed for one of the `reasons`."""
    return frozenset(failure.model for failure in failures if failure.reason in reasons)


def _best(failures: Sequence[Failure], models: Sequence[str], avoid: Collection[str]) -> Sequence[str]:
    """Return the best models left: available and willing, else available, else existing, else all."""
    lost = _of(failures, _LOST)
    declined = _of(failures, _PASSED_OVER)
    unavailable = Counter(failure.model for failure in failures if failure.reason in _ONCE_MORE)
    left = [model for model in models if model not in lost]
    ready = [model for model in left if model not in avoid]
    fresh = [model for model in ready if model not in declined and unavailable[model] < TRIES_OF_ONE_MODEL]
    return fresh or ready or left or models
