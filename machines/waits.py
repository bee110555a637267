"""Rules for a response's waits: before an attempt, for an unconfirmed part, before a re-read; and its failure reasons.

Times are seconds; `attempt` is the attempt that the fact is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machines.backoff import backoff_s
from machines.facts import (
    ALLOWANCES,
    RATE_LIMIT,
    GenerationFailed,
    Held,
    NotInChannel,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
    WaitElapsed,
)

if TYPE_CHECKING:
    from machines.reasons import NoticeReason
    from machines.response import Response

Setback = GenerationFailed | SendRefused | SendUnconfirmed | SentElsewhere | NotInChannel | WaitElapsed
"""The facts after which another attempt may follow."""

NONCE_WINDOW_S: Final = 60.0
"""Discord checks a nonce "in the past few minutes", without an exact time; we rely on one minute."""

READ_BACK_WAIT_MAX_S: Final = 60.0
"""Reading back has no limit of attempts and no deadline, so its wait has a maximum instead."""

LIMITS: Final = frozenset({RATE_LIMIT}) | ALLOWANCES
"""Causes of Held that may hold a line at most `hold_max_s` in total. An outage may hold it without limit."""

WAITED_OUT_S: Final = 30.0
"""A rate limit's wait up to this costs its attempt and is not announced. After a longer silence people believe that the
bot is gone."""


HELD_UNANNOUNCED_S: Final = 20.0
"""How long an allowance may hold a line in total before the channel gets a notice."""


def attempts_max(response: Response) -> int:
    return response.limits.send_attempts if response.texts else response.limits.generate_attempts


def wait_s(response: Response, fact: Setback) -> float:
    """The wait before the next try: base × 2ⁿ⁻¹ after try n, never below what the server asked for."""
    match fact:
        case NotInChannel() | WaitElapsed():
            return 0.0  # these facts come after the wait
        case GenerationFailed(reason="restart") | SendUnconfirmed(cause="restart"):
            return 0.0  # nothing was refused
        case SentElsewhere():
            return backoff_s(response.attempt, base_s=response.limits.backoff_base_s)
        case _:
            return max(backoff_s(response.attempt, base_s=response.limits.backoff_base_s), fact.retry_after_s)


def is_in_time(response: Response, fact: Setback) -> bool:
    """Whether the line is not cancelled, and the next attempt would begin before the deadline."""
    return response.cancel_by is None and fact.at + wait_s(response, fact) <= response.deadline_at


def settle_s(response: Response, fact: SendUnconfirmed, *, is_resend_left: bool) -> float:
    """How long an unconfirmed part may still arrive, in seconds.

    0 while Discord remembers the nonce: a resend under the same nonce is safe at once. Before Failed, and for webhooks,
    which have no nonce, the whole settle time applies.
    """
    young = fact.at - response.first_try_at <= NONCE_WINDOW_S
    same_nonce_is_safe = fact.has_nonce and young and is_resend_left
    return 0.0 if same_nonce_is_safe else response.limits.settle_s


def read_back_wait_s(response: Response) -> float:
    """The wait after a failed read: base × 2ⁿ⁻¹ after the n-th failure in a row."""
    base_s = response.limits.backoff_base_s
    return backoff_s(response.read_backs_failed, base_s=base_s, max_s=READ_BACK_WAIT_MAX_S)


def held_s(fact: Held) -> float:
    return max(0.0, fact.until - fact.at)


def is_limit(fact: Held) -> bool:
    return fact.cause in LIMITS


def may_be_held(response: Response, fact: Held) -> bool:
    """Whether the line is not cancelled and, if a limit holds it, `hold_max_s` is not exceeded in total."""
    is_hold_left = not is_limit(fact) or response.held_s + held_s(fact) <= response.limits.hold_max_s
    return response.cancel_by is None and is_hold_left


def is_announced(response: Response, fact: Held) -> bool:
    """Whether to announce this hold, which is counted in `held_s` already: not a limit's short wait, and not a wait to
    read the channel, since the line may be in it already."""
    if fact.cause in ALLOWANCES:
        return response.held_s > HELD_UNANNOUNCED_S
    if is_limit(fact):
        return not response.unconfirmed and held_s(fact) > WAITED_OUT_S
    return fact.cause != ""


def reason_of(response: Response, fact: Setback | ReadBackImpossible | Held) -> NoticeReason:
    """Why the line failed: the fact's own reason, else the exhausted limit (`deadline` or `unreachable`)."""
    match fact:
        case NotInChannel() | WaitElapsed():
            return "deadline" if fact.at > response.deadline_at else "unreachable"
        case SendUnconfirmed(cause=cause) | Held(cause=cause):
            return cause
        case _:
            return fact.reason
