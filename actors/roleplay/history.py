"""What belongs to the shared history, and which message of a channel is which line: shared with the audit.

Failure texts, notices, answers, commands and asides never enter. A line enters only when it is delivered.
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
"""Its bracket opens and closes nothing."""


def is_aside(text: str) -> bool:
    """Whether people talk among themselves: wholly one `((…))`, or a leading backslash that is no raised arm."""
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
    """Whether what a person wrote is part of the play: not blank, no command, nor nearly one, and no aside."""
    return bool(text.strip()) and command_of(text, prefix) is None and not is_aside(text)


def belongs(message: ChannelMessage, prefix: str) -> bool:
    """Whether a user's message is part of the play."""
    return _is_of_a_person(message) and is_played(message.text, prefix)


def command_in(message: ChannelMessage, prefix: str) -> Command | None:
    """The command that a person gives: bots and webhooks give none."""
    return command_of(message.text, prefix) if _is_of_a_person(message) else None


def _is_of_a_person(message: ChannelMessage) -> bool:
    return not (message.is_ours or message.is_bot or message.webhook_id is not None)


def as_played(message: ChannelMessage, prefix: str) -> str:
    """The text that the history has of a known message; nothing where its author took it out of the play."""
    return message.text if message.is_ours or belongs(message, prefix) else ""


def is_line(message: ChannelMessage) -> bool:
    """Whether `message` is how we show a character's line; what is plain text of ours is a notice or an answer."""
    return message.is_ours and not _is_text(message)


def shows(message: ChannelMessage, outbound: Outbound) -> bool:
    """Whether `message` is `outbound` as the channel shows it: same sender, same name, same text.

    Notices of two failures read alike: they are told apart by their buttons. A notice is the same one as the bot's own
    message and through a webhook.

    Names and texts are compared by what they draw, since Discord may strip characters of what it was sent. A line
    is the same one as embed and through a webhook: where a permission comes or goes, one try was this, the next that.
    """
    if not message.is_ours or message.channel_id != outbound.channel_id:
        return False
    is_text = outbound.kind is OutboundKind.TEXT
    if _is_text(message) is not is_text or message.id <= outbound.fence:
        return False
    if is_text:
        is_alike = message.button_ids == tuple(button.custom_id for button in outbound.buttons)
    else:
        own = _drawn(outbound.name)  # a name that draws nothing is shown as another
        is_alike = not own or _drawn(message.name) == own
    return is_alike and _drawn(message.text) == _drawn(outbound.text)


def is_strayed(message: ChannelMessage, outbound: Outbound) -> bool:
    """Whether `message` is `outbound` in a channel that it was not meant for, posted by a webhook that was moved there.

    That the webhook was made for the outbound's channel is for the caller to know: a later try may have had another.
    """
    is_elsewhere = message.webhook_id is not None and message.channel_id != outbound.channel_id
    return is_elsewhere and shows(replace(message, channel_id=outbound.channel_id), outbound)


def _drawn(text: str) -> str:
    """Without blanks too: a control character that we take for one may be stripped instead."""
    return "".join(normalise(text).split())


def _is_text(message: ChannelMessage) -> bool:
    """Plain text of the bot, or what a webhook says in an embed, since it says lines as plain text."""
    return message.is_embed is (message.webhook_id is not None)
