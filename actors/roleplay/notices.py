"""Writes the notices of a channel: failures in one short clause, never an exception's text."""

from __future__ import annotations

import math
from typing import Final

from actors.roleplay.escapes import CODE_CHARACTERS_MAX, plain, plain_name
from actors.roleplay.model import Button, ResponseId
from actors.roleplay.model_reasons import MEANINGS
from actors.roleplay.send_reasons import INTERNAL, SEND_MEANINGS
from machines.facts import ALLOWANCES, RATE_LIMIT


def _of(cause: str) -> str:
    """Return the words for one of the account's limits, if it is known."""
    return f" of {cause.replace('_', ' ')}" if cause != "account_limit" else ""


TOO_LATE: Final = "it took too long"

OF_MODEL: Final[dict[str, str]] = {
    **{reason: meaning.name for reason, meaning in MEANINGS.items()},
    **{cause: f"the account's limit{_of(cause)} is used up" for cause in sorted(ALLOWANCES)},
    "deadline": TOO_LATE,
}
"""The name of each reason for an unwritten line that is of use to people."""

OF_DISCORD: Final[dict[str, str]] = {
    **{reason: meaning.name for reason, meaning in SEND_MEANINGS.items() if reason not in INTERNAL},
    "deadline": TOO_LATE,
    "unreachable": "Discord did not confirm the message",
}
"""The same for each reason why a written line did not reach its channel."""


def clause(reason: str, *, is_written: bool) -> str | None:
    """Return the reason as a clause; None if it has no name for people."""
    return (OF_DISCORD if is_written else OF_MODEL).get(reason)


def failure(name: str, reason: str, prefix: str, *, is_written: bool = False) -> str:
    """Return the notice of a failed line; `is_written` if the model had written it."""
    words = clause(reason, is_written=is_written)
    why = f" ({words})" if words else ""
    restart = f" or use `{prefix}end` to restart" if prefix else ""
    return f"⚠️ Failed to send response from {plain_name(name)}. Please try again{restart}.{why}"


RETRY: Final = "retry:"
"""The prefix of a Retry button's custom id; the failed response's id follows."""

BEYOND_RETRY: Final = frozenset({"too_long", "blocked", "message_refused"})
"""Announced failures that the same text would meet again."""


def buttons(response_id: ResponseId, reason: str) -> tuple[Button, ...]:
    """Return the buttons under the notice of a failed line."""
    return () if reason in BEYOND_RETRY else (Button("Retry", f"{RETRY}{response_id}"),)


def response_to_redeliver(custom_id: str) -> ResponseId | None:
    """Return the response of a Retry button; None for another button."""
    return custom_id.removeprefix(RETRY) if custom_id.startswith(RETRY) else None


INDICATED: Final[dict[str, str]] = {
    "maintenance": "maintenance",
    "minor": "minor trouble",
    "major": "a major outage",
    "critical": "a critical outage",
}
"""Words for the indicators of Discord's status page; its own free text is only logged."""


_DOWN: Final = "⏳ Discord was not answering"
_SO: Final = ", so "

LATE: Final = "held:"
"""The prefix of the key of a notice about a late line; it is withdrawn with the line."""

MINUTE_S: Final = 60


def late_key(channel_id: int, cause: str, since: float) -> str:
    """One notice for a channel and an opening or closing. A line may meet one of an account's limits after another, so
    they are announced as one."""
    what = "allowance" if cause in ALLOWANCES else cause
    return f"{LATE}{channel_id}:{what}:{since:.0f}"


def held(name: str, cause: str, indicator: str = "none", *, until: float = 0.0) -> str:
    """Return the notice, once for each channel, that a line waits for a breaker, or for a limit that ends at `until`.

    A notice that Discord is down can only arrive when it is up again, so it uses the past tense. The time is Discord's
    markup, which each reader sees in their own zone: the first whole minute at which the line may be there.
    """
    at, shown = math.ceil(until / MINUTE_S) * MINUTE_S, plain_name(name)
    if cause in ALLOWANCES:
        return f"⏳ The account's limit{_of(cause)} is used up; the next line comes at <t:{at}:t>."
    if cause == RATE_LIMIT:
        return f"⏳ Discord limits how fast this channel may be written to; {shown}'s response comes at <t:{at}:t>."
    if cause != "discord_down":
        return f"⏳ The model is not available at the moment. {shown}'s response waits, and comes when it is."
    return f"{_DOWN}{_clause(indicator)}{_SO}{shown}'s response comes late."


def allowed(model: str, lines_minute: int | None, lines_day: int | None) -> str:
    """Return a row of `!status`: how many lines an account's limits leave; each is None without a limit."""
    found = (("this minute", lines_minute), ("today", lines_day))
    counts = [f"{lines:,} {span}" for span, lines in found if lines is not None]
    return f"Lines left with {plain(model, CODE_CHARACTERS_MAX)}: about {' and '.join(counts) or 'any number'}"


def reported(text: str, indicator: str) -> str:
    """A notice of `held` with what the status page has said since it was written; every other text as it is."""
    if not text.startswith(_DOWN) or indicator not in INDICATED:
        return text
    return f"{_DOWN}{_clause(indicator)}{text[text.index(_SO) :]}"


def _clause(indicator: str) -> str:
    words = INDICATED.get(indicator)
    return f" (its status page reported {words})" if words else ""
