"""How long a response waits: before its next try, for a part that may still land, before it reads again.

Times are seconds; `attempt` is the try that the fact speaks of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from machines.facts import RESTART, NotInChannel, SendUnconfirmed, WaitElapsed

if TYPE_CHECKING:
    from machines.response import Response

NONCE_WINDOW_S: Final = 60.0
"""Discord checks a nonce "in the past few minutes" and says no more; we trust it for one."""

READ_BACK_WAIT_MAX_S: Final = 60.0
"""Reading back is free of attempts and deadline, so its wait has a ceiling instead."""


def attempts_max(response: Response) -> int:
    return response.limits.send_attempts if response.texts else response.limits.generate_attempts


def wait_s(response: Response, fact: Any) -> float:  # noqa: ANN401 - every fact that may lead to a try
    """The wait before the next try: base × 2ⁿ⁻¹ after try n, never below what the server asked for."""
    if isinstance(fact, NotInChannel | WaitElapsed):
        return 0.0  # these facts come when the wait is over
    if RESTART in (getattr(fact, "reason", None), getattr(fact, "cause", None)):
        return 0.0  # nobody refused anything
    backoff_s = response.limits.backoff_base_s * 2 ** (response.attempt - 1)
    return float(max(backoff_s, getattr(fact, "retry_after_s", 0.0)))


def is_in_time(response: Response, fact: Any) -> bool:  # noqa: ANN401 - see wait_s
    """Whether somebody still wants the line, and the next try would begin before the deadline."""
    return response.cancel_by is None and bool(fact.at + wait_s(response, fact) <= response.deadline_at)


def settle_s(response: Response, fact: SendUnconfirmed, *, is_resend_left: bool) -> float:
    """How long an unconfirmed part may still land.

    A resend under the same nonce is safe at once while Discord remembers it; before Failed, and for
    webhooks, which have no nonce, the whole time is kept.
    """
    young = fact.at - response.first_try_at <= NONCE_WINDOW_S
    same_nonce_is_safe = fact.has_nonce and young and is_resend_left
    return 0.0 if same_nonce_is_safe else response.limits.settle_s


def read_back_wait_s(response: Response) -> float:
    """The wait after a read that failed: base × 2ⁿ after n failures before it."""
    return min(READ_BACK_WAIT_MAX_S, float(response.limits.backoff_base_s * 2**response.read_backs_failed))
