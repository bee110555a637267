"""What belongs to the shared history, and which message of a channel is which line: shared with the audit.

Failure texts, notices, answers, commands and asides never enter. A line enters only when it is delivered.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind
from actors.roleplay.speech import normalise

_ASIDE: Final = re.compile(r"\(\(.*\)\)", re.DOTALL)


def is_command(text: str, prefix: str) -> bool:
    """Whether `text` is meant for the bot; an empty prefix turns commands off."""
    return bool(prefix) and text.startswith(prefix)


def is_aside(text: str) -> bool:
    """Whether people talk among themselves: `((…))`, or a leading backslash."""
    return text.startswith("\\") or _ASIDE.fullmatch(text.strip()) is not None


def belongs(message: ChannelMessage, prefix: str) -> bool:
    """Whether a user's message is part of the play."""
    if message.is_ours or message.is_bot or message.webhook_id is not None:
        return False
    text = message.text.strip()
    return bool(text) and not is_command(text, prefix) and not is_aside(text)


def as_played(message: ChannelMessage, prefix: str) -> str:
    """The text that the history has of a known message; nothing where its author took it out of the play."""
    return message.text if message.is_ours or belongs(message, prefix) else ""


def is_line(message: ChannelMessage) -> bool:
    """Whether `message` is how we show a character's line; what is plain text of ours is a notice or an answer."""
    return message.is_ours and not _is_text(message)


def shows(message: ChannelMessage, outbound: Outbound) -> bool:
    """Whether `message` is `outbound` as the channel shows it: same sender, same name, same text.

    Notices of two failures read alike: they are told apart by their buttons.

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
        is_alike = _drawn(message.name) == _drawn(outbound.name)
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
    return message.webhook_id is None and not message.is_embed
