"""Words and hints for the journal's reasons, for the page, `replay`, `watch` and `/debug`.

A cause has one name, also used in the channel's notice. Log and metrics use the reason itself, so each sentence ends
with it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from actors.roleplay.model_reasons import MEANINGS
from actors.roleplay.send_reasons import SEND_MEANINGS
from machines.facts import (
    BLOCKED,
    RESTART,
    GenerationFailed,
    ReadBackFailed,
    ReadBackImpossible,
    SendRefused,
    SendUnconfirmed,
    SentElsewhere,
)

Failure = GenerationFailed | SendRefused | SendUnconfirmed | SentElsewhere | ReadBackFailed | ReadBackImpossible


class Cause(NamedTuple):
    """A cause's name, as in the channel's notice; `hint` is empty if nothing can be done."""

    name: str
    hint: str = ""


_RESTARTED: Final = Cause(SEND_MEANINGS["restart"].name)

MODEL: Final[dict[str, Cause]] = {
    **{reason: Cause(each.name, each.hint) for reason, each in MEANINGS.items()},
    BLOCKED: Cause(SEND_MEANINGS["blocked"].name),
    RESTART: _RESTARTED,
}
"""The reasons of GenerationFailed."""

DISCORD: Final[dict[str, Cause]] = {reason: Cause(each.name, each.hint) for reason, each in SEND_MEANINGS.items()}
"""The reasons and causes of a send and of reading a channel back."""


def failure_text(fact: Failure) -> str:
    """What failed and why: `Not sent: missing permission in this channel (forbidden, 403)`."""
    match fact:
        case GenerationFailed(reason=reason, model=model):
            return f"Not written{f' by {model}' if model else ''}: {_sentence(MODEL, reason)}"
        case SendRefused(reason=reason, status=status):
            return f"Not sent: {_sentence(DISCORD, reason, status)}{_server_words(fact)}"
        case SendUnconfirmed(cause=cause, status=status):
            return f"Not confirmed: {_sentence(DISCORD, cause, status)}{_server_words(fact)}"
        case SentElsewhere(reason=reason, channel_id=channel_id):
            return f"Posted in channel {channel_id}: {_sentence(DISCORD, reason)}"
        case ReadBackFailed(cause=cause):
            return f"Channel not read: {_sentence(DISCORD, cause)}"
        case ReadBackImpossible(reason=reason):
            return f"Channel cannot be read: {_sentence(DISCORD, reason)}"


def hint_of(fact: Failure) -> str | None:
    """What to do about the failure; None if nothing can be done or no hint is known."""
    match fact:
        case GenerationFailed(reason=reason):
            cause = MODEL.get(reason)
        case SendUnconfirmed(cause=reason) | ReadBackFailed(cause=reason):
            cause = DISCORD.get(reason)
        case SendRefused(reason=reason) | SentElsewhere(reason=reason) | ReadBackImpossible(reason=reason):
            cause = DISCORD.get(reason)
    return cause.hint or None if cause is not None else None


def says_down(fact: Failure) -> bool:
    """Whether the failure may have opened a breaker: no answer came, or the server reported its own failure."""
    match fact:
        case GenerationFailed(reason=reason):
            return reason in ("overloaded", "timeout", "connection")
        case SendRefused(reason=reason, status=status):
            return reason in ("timeout", "connection") or (status is not None and status >= 500)
        case SendUnconfirmed(cause=reason) | ReadBackFailed(cause=reason):
            return reason != RESTART
        case SentElsewhere() | ReadBackImpossible():
            return False


def said_by(code: int | str | None, words: str) -> str:
    """A server's own code and words, for operators; empty if it gave neither."""
    return ": ".join(filter(None, (str(code or ""), words)))


def _server_words(fact: SendRefused | SendUnconfirmed) -> str:
    said = said_by(fact.code, fact.words)
    return f". Discord said: {said}" if said else ""


def _sentence(known: dict[str, Cause], reason: str, status: int | None = None) -> str:
    cause = known.get(reason)
    number = "" if status is None else str(status)
    if cause is None:  # the reason of another version, or from an imported file
        return f"{reason} ({number})" if number else reason
    return f"{cause.name} ({', '.join(filter(None, (reason, number)))})"
