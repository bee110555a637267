"""The one name of each reason why Discord did not accept or confirm a part, with a hint for operators.

The name stands in the channel's notice, on the pages and in `replay`; log, journal and metrics have the reason itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from machines.reasons import SendReason


@dataclass(frozen=True, slots=True)
class SendMeaning:
    """One reason. `name` is a clause for everybody; `hint` is for the operator, empty if nothing can be done."""

    name: str
    hint: str = ""


_CONNECTION: Final = "If this goes on, check the connection; `doctor` names what fails."

SEND_MEANINGS: Final[dict[SendReason, SendMeaning]] = {
    "rate_limit": SendMeaning("Discord's rate limit is reached"),
    "outage": SendMeaning("Discord's server failed", "See https://discordstatus.com."),
    "timeout": SendMeaning("Discord did not answer in time", _CONNECTION),
    "connection": SendMeaning("no connection to Discord", _CONNECTION),
    "malformed": SendMeaning(
        "Discord's answer cannot be read", "Check whether a proxy stands between; the log has the error."
    ),
    "empty_answer": SendMeaning(
        "the server answered without the message", "Discord answers with the message; another server may not."
    ),
    "message_refused": SendMeaning("Discord refused the message"),
    "blocked": SendMeaning(
        "Discord blocked the text",
        "The server's AutoMod or Discord's own filter blocked it; the model is asked for another text, once.",
    ),
    "too_long": SendMeaning("message too long", "Lower RESPONSE_TOKENS."),
    "unauthorized": SendMeaning(
        "Discord refused the bot",
        "The token is not valid: make a new one in the developer portal, and put it into DISCORD_TOKEN.",
    ),
    "forbidden": SendMeaning(
        "missing permission in this channel",
        "Allow the bot to view the channel and to send messages there; `doctor` names what is missing.",
    ),
    "messages_forbidden": SendMeaning("the bot may not write in this channel; a webhook writes for it"),
    "thread_closed": SendMeaning("this thread is closed", "The scene goes on when a moderator opens the thread."),
    "thread_full": SendMeaning("this thread is full"),
    "channel_type": SendMeaning("this kind of channel takes no messages", "Play in a text channel or a thread."),
    "direct_refused": SendMeaning("this person takes no direct messages"),
    "name_refused": SendMeaning("Discord refused the name", "The bot changes the spelling and sends again."),
    "picture_refused": SendMeaning("Discord refused the picture", "The character speaks without it."),
    "webhooks_forbidden": SendMeaning(
        "missing permission for webhooks in this channel",
        "Lines are sent as the bot's own messages. For names and pictures of their own, allow Manage Webhooks.",
    ),
    "webhook_gone": SendMeaning("its webhook was deleted", "The bot makes another one."),
    "webhook_moved": SendMeaning(
        "its webhook was moved to another channel", "The bot makes another one; delete the old one where it is now."
    ),
    "webhooks_full": SendMeaning(
        "the channel has as many webhooks as Discord allows", "Delete the webhooks that nobody uses."
    ),
    "not_found": SendMeaning(
        "the server does not know the address", "Check DISCORD_API_URL, and whether a proxy stands between."
    ),
    "channel_gone": SendMeaning("the channel was deleted"),
    "removed": SendMeaning("the message was deleted"),
    "too_many_messages": SendMeaning("too many messages came since to look through"),
    "unconfirmed": SendMeaning(
        "could not be confirmed",
        "Allow the bot to read the channel and its history; `doctor` names what is missing.",
    ),
    "cancelled": SendMeaning("cancelled before it was sent"),
    "withdrawn": SendMeaning("withdrawn, and may still arrive"),
    "restart": SendMeaning("the process ended"),
}
"""Every reason and cause of a send, of a delete, and of reading a channel back."""

INTERNAL: Final[frozenset[SendReason]] = frozenset(
    (
        "cancelled",
        "channel_gone",
        "empty_answer",
        "messages_forbidden",
        "name_refused",
        "not_found",
        "picture_refused",
        "removed",
        "restart",
        "too_many_messages",
        "webhook_gone",
        "webhooks_full",
        "withdrawn",
    )
)
"""Reasons that a notice does not name: people can do nothing about them, or no notice follows."""
