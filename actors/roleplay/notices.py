"""What a channel is told: failures in one short clause, never an exception's text."""

from __future__ import annotations

import math
from typing import Final

from actors.roleplay.model import Button, ResponseId
from actors.roleplay.model_reasons import MEANINGS
from machines.facts import ALLOWANCES, RATE_LIMIT


def _of(cause: str) -> str:
    """Which of the account's limits this is, where that is known."""
    return f" of {cause.replace('_', ' ')}" if cause != "account_limit" else ""


OF_MODEL: Final[dict[str, str]] = {
    **{reason: meaning.clause for reason, meaning in MEANINGS.items()},
    **{cause: f"the account's limit{_of(cause)} is used up" for cause in sorted(ALLOWANCES)},
    "deadline": "it took too long",
}
"""One clause for each reason for which no line was written, where people can make something of it."""

OF_DISCORD: Final[dict[str, str]] = {
    "deadline": "it took too long",
    "rate_limit": "Discord's rate limit is reached",
    "timeout": "Discord did not answer",
    "connection": "Discord did not answer",
    "malformed": "Discord did not answer",
    "blocked": "Discord blocked the text",
    "message_refused": "Discord refused the message",
    "webhook_moved": "its webhook was moved to another channel",
    "forbidden": "missing permission in this channel",
    "webhooks_forbidden": "missing permission in this channel",
    "thread_closed": "this thread is closed",
    "thread_full": "this thread is full",
    "channel_type": "this kind of channel takes no messages",
    "direct_refused": "this person takes no direct messages",
    "too_long": "message too long",
    "unconfirmed": "could not be confirmed",
    "unauthorized": "Discord refused the bot",
    "unreachable": "Discord did not answer",
    "outage": "Discord did not answer",
}
"""The same for each reason for which a written line did not reach its channel."""


def clause(reason: str, *, is_written: bool) -> str | None:
    """Why a line did not come, in few words; None where people can make nothing of the reason."""
    return (OF_DISCORD if is_written else OF_MODEL).get(reason)


def failure(name: str, reason: str, prefix: str, *, is_written: bool = False) -> str:
    """The notice for a line that did not come; `is_written` where the model did its part."""
    words = clause(reason, is_written=is_written)
    why = f" ({words})" if words else ""
    restart = f" or use `{prefix}end` to restart" if prefix else ""
    return f"⚠️ Failed to send response from {name}. Please try again{restart}.{why}"


RETRY: Final = "retry:"
"""How the custom id of a Retry button begins; the failed response's id follows."""

BEYOND_RETRY: Final = frozenset({"too_long", "blocked", "message_refused"})
"""Announced failures that the same text would only meet again."""


def buttons(response_id: ResponseId, reason: str) -> tuple[Button, ...]:
    """What can be pressed under the notice of a failed line."""
    return () if reason in BEYOND_RETRY else (Button("Retry", f"{RETRY}{response_id}"),)


def response_to_retry(custom_id: str) -> ResponseId | None:
    """Whose Retry button this is; None where it is none."""
    return custom_id.removeprefix(RETRY) if custom_id.startswith(RETRY) else None


INDICATED: Final[dict[str, str]] = {
    "maintenance": "maintenance",
    "minor": "minor trouble",
    "major": "a major outage",
    "critical": "a critical outage",
}
"""What Discord's status page says of itself, by its indicator; its own free text goes to the log only."""


_DOWN: Final = "⏳ Discord was not answering"
_SO: Final = ", so "

LATE: Final = "held:"
"""How the key of a notice begins that says that a line comes late: it is withdrawn with the line."""

MINUTE_S: Final = 60


def late_key(channel_id: int, cause: str, since: float) -> str:
    """One notice for a channel and an opening or closing. A line may meet one of an account's limits after another, so
    they are announced as one."""
    what = "allowance" if cause in ALLOWANCES else cause
    return f"{LATE}{channel_id}:{what}:{since:.0f}"


def held(name: str, cause: str, indicator: str = "none", *, until: float = 0.0) -> str:
    """Told once in each channel where a line waits for a breaker to close, or until a limit ends at `until`.

    That Discord is down can only be read when it is up again, so those words are of the past. The time is Discord's
    markup, which each reader sees in their own zone: the first whole minute at which the line may be there.
    """
    at = math.ceil(until / MINUTE_S) * MINUTE_S
    if cause in ALLOWANCES:
        return f"⏳ The account's limit{_of(cause)} is used up; the next line comes at <t:{at}:t>."
    if cause == RATE_LIMIT:
        return f"⏳ Discord limits how fast this channel may be written to; {name}'s response comes at <t:{at}:t>."
    if cause != "discord_down":
        return f"⏳ The model is not available at the moment. {name}'s response waits, and comes when it is."
    return f"{_DOWN}{_clause(indicator)}{_SO}{name}'s response comes late."


def allowed(model: str, lines_minute: int | None, lines_day: int | None) -> str:
    """A row of `!status`: how many lines an account's limits leave; each is None where no limit says."""
    found = (("this minute", lines_minute), ("today", lines_day))
    counts = [f"{lines:,} {span}" for span, lines in found if lines is not None]
    return f"Lines left with {model}: about {' and '.join(counts) or 'any number'}"


def reported(text: str, indicator: str) -> str:
    """A notice of `held` with what the status page has said since it was written; every other text as it is."""
    if not text.startswith(_DOWN) or indicator not in INDICATED:
        return text
    return f"{_DOWN}{_clause(indicator)}{text[text.index(_SO) :]}"


def _clause(indicator: str) -> str:
    words = INDICATED.get(indicator)
    return f" (its status page reported {words})" if words else ""


def overflow(waiting_max: int) -> str:
    """Told once in each flood, when more messages wait than are answered."""
    return (
        f"⏳ More than {waiting_max} messages are waiting. Everybody reads yours, "
        "but it gets no answer of its own until the cast has caught up."
    )
