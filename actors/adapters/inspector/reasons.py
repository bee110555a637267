"""What the reasons of the journal mean, and what to do: the words of page, `replay`, `watch` and `/debug`.

The log and the metrics have the reasons themselves, so each sentence ends with the one it stands for.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from actors.roleplay.model_reasons import MEANINGS
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


class Meaning(NamedTuple):
    """What happened, and what to do where that helps; `mend` is empty where nothing is to be done."""

    words: str
    mend: str = ""


_RESTARTED: Final = Meaning("the process ended meanwhile")
_REACH_DISCORD: Final = "If this goes on, check the connection; `doctor` tells more."

MODEL: Final[dict[str, Meaning]] = {
    **{reason: Meaning(each.words, each.hint) for reason, each in MEANINGS.items()},
    BLOCKED: Meaning("Discord blocked what it wrote"),
    RESTART: _RESTARTED,
}
"""The reasons of GenerationFailed: those of the Model port, of what makes a line of an answer, and of a restart."""

DISCORD: Final[dict[str, Meaning]] = {
    "rate_limit": Meaning("too many requests"),
    "outage": Meaning("Discord itself has trouble", "https://discordstatus.com tells more."),
    "timeout": Meaning("it did not answer in time", _REACH_DISCORD),
    "connection": Meaning("the connection failed", _REACH_DISCORD),
    "malformed": Meaning(
        "the answer was none of Discord's", "Check whether a proxy stands between; the log has the error."
    ),
    "empty_answer": Meaning(
        "the server took it and does not say what became of it",
        "Discord answers with the message; another server may not.",
    ),
    "message_refused": Meaning("it does not take this message"),
    "blocked": Meaning(
        "it blocks this text",
        "The server's AutoMod or Discord's own filter did that; another text was asked for, once.",
    ),
    "unauthorized": Meaning(
        "the bot's token is not valid", "Make a new one in the developer portal, and put it into DISCORD_TOKEN."
    ),
    "forbidden": Meaning(
        "a permission is missing in this channel",
        "Allow the bot to view it and to send messages there; `doctor` names what is missing.",
    ),
    "messages_forbidden": Meaning("it may not write in this channel itself; a webhook says it instead"),
    "thread_closed": Meaning("the thread is closed", "The scene goes on when a moderator opens it."),
    "thread_full": Meaning("the thread has all the members that it may have"),
    "channel_type": Meaning("this kind of channel takes no messages", "Play in a text channel or a thread."),
    "direct_refused": Meaning("this person takes no direct messages from the bot"),
    "name_refused": Meaning("it does not take this name", "The name is spelled otherwise by itself."),
    "picture_refused": Meaning("it does not take this picture", "The character speaks without it."),
    "webhooks_forbidden": Meaning(
        "it may not use webhooks in this channel",
        "Lines go as the bot's own messages. For names and pictures of their own, allow Manage Webhooks.",
    ),
    "webhook_gone": Meaning("somebody deleted the webhook", "Another one is made by itself."),
    "webhook_moved": Meaning(
        "somebody moved its webhook to another channel", "Another one is made; delete the old one where it is now."
    ),
    "webhooks_full": Meaning("the channel has all the webhooks that it may have", "Delete those that nobody uses."),
    "not_found": Meaning(
        "the server knows no such address", "Check DISCORD_API_URL, and whether a proxy stands between."
    ),
    "channel_gone": Meaning("the channel is not there any more"),
    "removed": Meaning("the message is not there any more"),
    "too_long": Meaning("the text is too long", "Lower RESPONSE_TOKENS."),
    "too_many_messages": Meaning("too much was said since to look through"),
    "unconfirmed": Meaning(
        "whether the line is in it stays unknown",
        "Allow the bot to read the channel and its history; `doctor` names what is missing.",
    ),
    "cancelled": Meaning("it was called off before it left"),
    "withdrawn": Meaning("nobody is to read it any more, and it may still land"),
    RESTART: _RESTARTED,
}
"""The reasons and causes of a send and of reading a channel back."""


def told_failure(fact: Failure) -> str:
    """What went wrong, in few words."""
    match fact:
        case GenerationFailed(reason=reason, model=model):
            return f"The model{f' {model}' if model else ''} failed: {_sentence(MODEL, reason)}"
        case SendRefused(reason=reason, status=status):
            return f"Discord refused it: {_sentence(DISCORD, reason, status)}{_said(fact)}"
        case SendUnconfirmed(status=int(status)):
            return f"Discord answered {status}{_said(fact)}"
        case SendUnconfirmed(cause=cause):
            return f"Discord gave no usable answer: {_sentence(DISCORD, cause)}"
        case SentElsewhere(reason=reason, channel_id=channel_id):
            return f"Discord posted it in channel {channel_id}: {_sentence(DISCORD, reason)}"
        case ReadBackFailed(cause=cause):
            return f"The channel could not be read: {_sentence(DISCORD, cause)}"
        case ReadBackImpossible(reason=reason):
            return f"The channel cannot be read any more: {_sentence(DISCORD, reason)}"


def mend_of(fact: Failure) -> str | None:
    """What to do about it, or that nothing need be done; None where nobody knows better."""
    match fact:
        case GenerationFailed(reason=reason):
            meaning = MODEL.get(reason)
        case SendUnconfirmed(cause=reason) | ReadBackFailed(cause=reason):
            meaning = DISCORD.get(reason)
        case SendRefused(reason=reason) | SentElsewhere(reason=reason) | ReadBackImpossible(reason=reason):
            meaning = DISCORD.get(reason)
    return meaning.mend or None if meaning is not None else None


def says_down(fact: Failure) -> bool:
    """Whether it may have opened a breaker: nobody answered, or the server said that it cannot."""
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
    """A server's own code and words, for whoever has to fix the cause; empty where it gave neither."""
    return ": ".join(filter(None, (str(code or ""), words)))


def _said(fact: SendRefused | SendUnconfirmed) -> str:
    said = said_by(fact.code, fact.words)
    return f". Discord said: {said}" if said else ""


def _sentence(known: dict[str, Meaning], reason: str, status: int | None = None) -> str:
    meaning = known.get(reason)
    number = "" if status is None else str(status)
    if meaning is None:  # an older version's, or a file's from elsewhere
        return f"{reason} ({number})" if number else reason
    return f"{meaning.words} ({', '.join(filter(None, (reason, number)))})"
