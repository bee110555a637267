"""How long a response waits: before its next try, for a part that may still land, before it reads again; and why it
fails when it may not wait any more.

Times are seconds; `attempt` is the try that the fact speaks of.
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
"""The facts after which there may be another try."""

NONCE_WINDOW_S: Final = 60.0
"""Discord checks a nonce "in the past few minutes" and says no more; we trust it for one."""

READ_BACK_WAIT_MAX_S: Final = 60.0
"""Reading back is free of attempts and deadline, so its wait has a ceiling instead."""

LIMITS: Final = frozenset({RATE_LIMIT}) | ALLOWANCES
"""Causes of Held that hold a line `hold_max_s` in all. An outage holds it as long as it lasts."""

WAITED_OUT_S: Final = 30.0
"""A limit's wait up to this costs its attempt, and nobody is told of it; people who wait longer believe that the bot
is gone."""


HELD_UNANNOUNCED_S: Final = 20.0
"""So long an allowance may hold a line in all before the channel is told."""


def attempts_max(response: Response) -> int:
    return response.limits.send_attempts if response.texts else response.limits.generate_attempts


def wait_s(response: Response, fact: Setback) -> float:
    """The wait before the next try: base × 2ⁿ⁻¹ after try n, never below what the server asked for."""
    match fact:
        case NotInChannel() | WaitElapsed():
            return 0.0  # these facts come when the wait is over
        case GenerationFailed(reason="restart") | SendUnconfirmed(cause="restart"):
            return 0.0  # nobody refused anything
        case SentElsewhere():
            return backoff_s(response.attempt, base_s=response.limits.backoff_base_s)
        case _:
            return max(backoff_s(response.attempt, base_s=response.limits.backoff_base_s), fact.retry_after_s)


def is_in_time(response: Response, fact: Setback) -> bool:
    """Whether somebody still wants the line, and the next try would begin before the deadline."""
    return response.cancel_by is None and fact.at + wait_s(response, fact) <= response.deadline_at


def settle_s(response: Response, fact: SendUnconfirmed, *, is_resend_left: bool) -> float:
    """How long an unconfirmed part may still land.

    A resend under the same nonce is safe at once while Discord remembers it; before Failed, and for
    webhooks, which have no nonce, the whole time is kept.
    """
    young = fact.at - response.first_try_at <= NONCE_WINDOW_S
    same_nonce_is_safe = fact.has_nonce and young and is_resend_left
    return 0.0 if same_nonce_is_safe else response.limits.settle_s


def read_back_wait_s(response: Response) -> float:
    """The wait after a read that failed: base × 2ⁿ⁻¹ after the n-th failure in a row."""
    base_s = response.limits.backoff_base_s
    return backoff_s(response.read_backs_failed, base_s=base_s, max_s=READ_BACK_WAIT_MAX_S)


def held_s(fact: Held) -> float:
    return max(0.0, fact.until - fact.at)


def is_limit(fact: Held) -> bool:
    return fact.cause in LIMITS


def may_be_held(response: Response, fact: Held) -> bool:
    """Whether somebody still wants the line, and limits, if it is one, do not hold it for too long in all."""
    is_hold_left = not is_limit(fact) or response.held_s + held_s(fact) <= response.limits.hold_max_s
    return response.cancel_by is None and is_hold_left


def is_announced(response: Response, fact: Held) -> bool:
    """Whether people are told, this hold being counted: not of a limit's short wait, nor of one for reading a channel,
    in which the line may stand already."""
    if fact.cause in ALLOWANCES:
        return response.held_s > HELD_UNANNOUNCED_S
    if is_limit(fact):
        return not response.unconfirmed and held_s(fact) > WAITED_OUT_S
    return fact.cause != ""


def reason_of(response: Response, fact: Setback | ReadBackImpossible | Held) -> NoticeReason:
    """Why the line failed: the fact's own reason, else what the response ran out of."""
    match fact:
        case NotInChannel() | WaitElapsed():
            return "deadline" if fact.at > response.deadline_at else "unreachable"
        case SendUnconfirmed(cause=cause) | Held(cause=cause):
            return cause
        case _:
            return fact.reason
