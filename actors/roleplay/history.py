"""Decides what belongs to the shared history, and which message of a channel is which line; used by the audit too.

Failure texts, notices, answers, commands and asides never enter it. A line enters when it is delivered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from actors.roleplay.command_words import Command, command_of
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind
from actors.roleplay.speech import normalise

_GESTURE: Final = re.compile(r"\\(?:[o0m]|[^\s\w\\/]{1,3}\w[^\s\w\\/]{1,3})/", re.IGNORECASE)
r"""Raised arms: `\o/` and its kin, such as `\m/` and `\(^_^)/`."""

_EMOTICON: Final = re.compile(r"[:;=]['’]?[-^o]?[()]")
"""Emoticons: their bracket opens and closes nothing."""


def is_aside(text: str) -> bool:
    """Whether people talk among themselves: the text is one `((…))`, or begins with a backslash, but no raised arm."""
    said = text.strip()
    if said.startswith("\\"):
        return _GESTURE.match(said) is None
    is_bracketed = len(said) >= len("(())") and said.startswith("((") and said.endswith("))")
    return is_bracketed and not _closes_early(said[2:].rstrip(")"))


def _closes_early(inside: str) -> bool:
    """Whether a `))` that nothing inside has opened ends the aside before the message ends."""
    brackets = _EMOTICON.sub("", inside)
    depth = 0
    for at, character in enumerate(brackets):
        if character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif brackets.startswith("))", at):
            return True
    return False


def is_played(text: str, prefix: str) -> bool:
    """Whether a person's text is part of the play: not blank, no command or misspelt command, no aside."""
    return bool(text.strip()) and command_of(text, prefix) is None and not is_aside(text)


def belongs(message: ChannelMessage, prefix: str) -> bool:
    """Whether a user's message is part of the play."""
    return _is_of_a_person(message) and is_played(message.text, prefix)


def command_in(message: ChannelMessage, prefix: str) -> Command | None:
    """Return the command in a person's message; bots and webhooks give none."""
    return command_of(message.text, prefix) if _is_of_a_person(message) else None


def _is_of_a_person(message: ChannelMessage) -> bool:
    return not (message.is_ours or message.is_bot or message.webhook_id is not None)


def as_played(message: ChannelMessage, prefix: str) -> str:
    """Return the text of a known message for the history; empty if its author edited it to be an aside."""
    return message.text if message.is_ours or belongs(message, prefix) else ""


def is_line(message: ChannelMessage) -> bool:
    """Whether `message` shows a character's line; our plain text is a notice or an answer."""
    return message.is_ours and not _is_text(message)


def shows(message: ChannelMessage, outbound: Outbound) -> bool:
    """Whether `message` is `outbound` as the channel shows it: same sender, same name, same text.

    Two notices with equal texts differ in their buttons. A notice may be the bot's own message or a webhook's.

    Names and texts are compared by their visible characters, since Discord may strip others. A line may be an embed or
    a webhook's message: permissions may change between two attempts.
    """
    if not message.is_ours or message.channel_id != outbound.channel_id:
        return False
    is_text = outbound.kind is OutboundKind.TEXT
    if _is_text(message) is not is_text or message.id <= outbound.watermark:
        return False
    if is_text:
        is_alike = message.button_ids == tuple(button.custom_id for button in outbound.buttons)
    else:
        own = _drawn(outbound.name)  # a name that draws nothing is shown as another
        is_alike = not own or _drawn(message.name) == own
    return is_alike and _drawn(message.text) == _drawn(outbound.text)


def is_strayed(message: ChannelMessage, outbound: Outbound) -> bool:
    """Whether `message` is `outbound` in a channel that it was not meant for, posted by a webhook that was moved there.

    The caller must know that the webhook was made for the outbound's channel: a later attempt may use another.
    """
    is_elsewhere = message.webhook_id is not None and message.channel_id != outbound.channel_id
    return is_elsewhere and shows(replace(message, channel_id=outbound.channel_id), outbound)


def _drawn(text: str) -> str:
    """Without blanks too: a control character that we take for one may be stripped instead."""
    return "".join(normalise(text).split())


def _is_text(message: ChannelMessage) -> bool:
    """Plain text of the bot, or what a webhook says in an embed, since it says lines as plain text."""
    return message.is_embed is (message.webhook_id is not None)
