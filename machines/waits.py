"""How long a response waits: before its next try, for a part that may still land, before it reads again.

Times are seconds; `attempt` is the try that the fact speaks of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from machines.backoff import backoff_s
from machines.facts import (
    GenerationFailed,
    NotInChannel,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
    WaitElapsed,
)

if TYPE_CHECKING:
    from machines.response import Response

Setback = GenerationFailed | SendRefused | SendUnconfirmed | SentElsewhere | NotInChannel | WaitElapsed
"""The facts after which there may be another try."""

NONCE_WINDOW_S: Final = 60.0
"""Discord checks a nonce "in the past few minutes" and says no more; we trust it for one."""

READ_BACK_WAIT_MAX_S: Final = 60.0
"""Reading back is free of attempts and deadline, so its wait has a ceiling instead."""


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
