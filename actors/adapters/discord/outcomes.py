"""Translates the exceptions of discord.py and aiohttp into the outcomes that actors expect.

A request that never left the process, or that Discord refused with 400, 401, 403, 404, 413 or 429, had certainly no
effect: `Refused`. Every other request may have been carried out: `Unconfirmed`.
Source of the codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import aiohttp
import discord

from actors.adapters.discord.one_attempt import TOO_MANY, SecondTry, Stopped, Tries
from actors.ports import HeldBack, Refused, Unconfirmed
from actors.ports.server_words import plain_words
from machines.facts import BLOCKED, WEBHOOK_MOVED
from machines.reasons import SendReason

Refusal = Refused | Unconfirmed | HeldBack
"""Every way in which a request can fail."""

UNKNOWN_CHANNEL: Final = 10003
UNKNOWN_GUILD: Final = 10004
UNKNOWN_MESSAGE: Final = 10008
UNKNOWN_WEBHOOK: Final = 10015
WEBHOOKS_FULL: Final = 30007
WEBHOOKS_OF_GUILD_FULL: Final = 30058
THREAD_FULL: Final = 30033
SENDING_DISABLED: Final = 40004
FEATURE_DISABLED: Final = 40006
BLOCKED_BY_EDGE: Final = 40333
MISSING_ACCESS: Final = 50001
WITHOUT_THREAD: Final = 220001
"""A webhook in a forum needs a thread's name; we create none in forums, so a moderator moved it there."""
BLOCKED_CODES: Final = frozenset({20009, 200000, 200001, 240000})
"""The text is refused: explicit content, AutoMod for a message or a title, the filter of harmful links."""
INVALID_WEBHOOK_TOKEN: Final = 50027
THREAD_ARCHIVED: Final = 50083
NEEDS_TWO_FACTORS: Final = 60003
THREAD_LOCKED: Final = 160005
CHANNEL_TYPES: Final = (50003, 50008, 50024, 40058, 220002, 220003, 220004)
"""The channel's type does not allow the request: a direct conversation, no text, another type, a forum."""
REFUSES_DIRECT: Final = (50007, 50278)
"""The person does not accept direct messages from the bot."""

_FIELD: Final = re.compile(r"^In (\w+)(?:\.\w+)*: ", re.MULTILINE)
"""discord.py's text for each invalid field of a form error (50035)."""
NAME_FIELDS: Final = frozenset({"name", "username"})
PICTURE_FIELDS: Final = frozenset({"avatar", "avatar_url"})
TOO_LONG_WORDS: Final = "or fewer in length"
"""Discord's text for BASE_TYPE_MAX_LENGTH; discord.py keeps the text of a form error, but not its code."""

UNANSWERED: Final = frozenset({"rate_limit", "connection", "timeout"})
"""Reasons of refusals that do not depend on the request itself: it can be sent again unchanged."""

MALFORMED: Final = (KeyError, TypeError, ValueError, AttributeError, IndexError)
"""Exceptions of discord.py for an answer that is not JSON, or not the expected JSON."""
EXPECTED: Final = (
    Stopped,
    SecondTry,
    discord.HTTPException,
    discord.RateLimited,
    aiohttp.ClientError,
    OSError,  # TimeoutError is one
    *MALFORMED,
)


@dataclass(frozen=True, slots=True)
class _Meaning:
    reason: SendReason
    final: bool


_BY_CODE: Final = {
    UNKNOWN_CHANNEL: _Meaning("channel_gone", final=True),
    UNKNOWN_GUILD: _Meaning("channel_gone", final=True),
    UNKNOWN_MESSAGE: _Meaning("removed", final=True),
    UNKNOWN_WEBHOOK: _Meaning("webhook_gone", final=False),
    INVALID_WEBHOOK_TOKEN: _Meaning("webhook_gone", final=False),
    WEBHOOKS_FULL: _Meaning("webhooks_full", final=False),
    WITHOUT_THREAD: _Meaning(WEBHOOK_MOVED, final=False),
    **dict.fromkeys(BLOCKED_CODES, _Meaning(BLOCKED, final=True)),
    WEBHOOKS_OF_GUILD_FULL: _Meaning("webhooks_full", final=False),
    THREAD_ARCHIVED: _Meaning("thread_closed", final=True),  # with status 400 and with 403
    THREAD_LOCKED: _Meaning("thread_closed", final=True),
    THREAD_FULL: _Meaning("thread_full", final=True),
    SENDING_DISABLED: _Meaning("outage", final=False),
    FEATURE_DISABLED: _Meaning("outage", final=False),
    BLOCKED_BY_EDGE: _Meaning("outage", final=False),
    **dict.fromkeys(CHANNEL_TYPES, _Meaning("channel_type", final=True)),
    **dict.fromkeys(REFUSES_DIRECT, _Meaning("direct_refused", final=True)),
}
_BY_STATUS: Final = {
    400: _Meaning("message_refused", final=True),
    401: _Meaning("unauthorized", final=True),
    403: _Meaning("forbidden", final=True),
    404: _Meaning("not_found", final=False),  # without Discord's code: a proxy's page, so it may be temporary
    413: _Meaning("too_long", final=True),
}
_BY_STATUS_OF_A_WEBHOOK: Final = {
    401: _Meaning("webhook_gone", final=False),
    404: _Meaning("webhook_gone", final=False),
}
"""For errors without Discord's code, on routes with a webhook's token: the bot's token is not involved."""


def judged(error: Exception, tries: Tries) -> Refused | Unconfirmed:
    """Return the outcome of a request that ended in `error`, one of EXPECTED.

    Re-raises `error` if nothing was sent and the connection is not the cause: then it is a programming error.
    """
    match error:
        case Stopped():
            return _stopped(error)
        case discord.RateLimited():
            return Refused("rate_limit", TOO_MANY, error.retry_after, error=error)
        case discord.HTTPException():
            return _answered(error, tries)
        case aiohttp.ClientError() | OSError():
            return _lost(error, tries)
        case SecondTry():
            return Unconfirmed("connection", error=error)
        case _ if tries.wire and tries.is_empty:
            return Unconfirmed("empty_answer", tries.status, error=error)
        case _ if tries.wire:
            return Unconfirmed("malformed", error=error)
        case _:
            raise error


def refused_by(unconfirmed: Unconfirmed) -> Refused:
    """Turn an unconfirmed preparation into a refusal of its line: nothing of the line was sent."""
    return Refused(
        unconfirmed.cause,
        unconfirmed.status,
        unconfirmed.retry_after_s,
        error=unconfirmed.error,
        code=unconfirmed.code,
        words=unconfirmed.words,
    )


def _stopped(error: Stopped) -> Refused | Unconfirmed:
    said = error.code, plain_words(error.words)
    if error.status == TOO_MANY:
        return Refused("rate_limit", error.status, error.retry_after_s, False, error, *said)
    return Unconfirmed("outage", error.status, error.retry_after_s, error, *said)


def _answered(error: discord.HTTPException, tries: Tries) -> Refused | Unconfirmed:
    said = error.code or None, plain_words(error.text)
    meaning = _BY_STATUS.get(error.status)
    if meaning is None:
        return Unconfirmed("malformed", error.status, 0.0, error, *said)
    if tries.goes_by_token:
        meaning = _BY_STATUS_OF_A_WEBHOOK.get(error.status, meaning)
    meaning = _BY_CODE.get(error.code, meaning)
    if meaning.reason == "message_refused":
        meaning = _of_form(error.text)
    elif meaning.reason == "forbidden" and not tries.goes_by_token and _is_page(error):
        meaning = _Meaning("outage", final=False)  # the edge's page: no permission is missing
    return Refused(meaning.reason, error.status, 0.0, meaning.final, error, *said)


def _is_page(error: discord.HTTPException) -> bool:
    return not error.code and error.text.lstrip().startswith("<")


def _of_form(words: str) -> _Meaning:
    """Classify by the refused field: a webhook's name and picture have substitutes, a text has none."""
    fields = {field[1] for field in _FIELD.finditer(words)}
    if fields & NAME_FIELDS:
        return _Meaning("name_refused", final=False)
    if fields & PICTURE_FIELDS:
        return _Meaning("picture_refused", final=False)
    return _Meaning("too_long" if TOO_LONG_WORDS in words else "message_refused", final=True)


def _lost(error: aiohttp.ClientError | OSError, tries: Tries) -> Refused | Unconfirmed:
    cause: SendReason = "timeout" if isinstance(error, TimeoutError) else "connection"
    if tries.wire:
        return Unconfirmed(cause, error=error)
    return Refused(cause, error=error)
