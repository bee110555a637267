"""Converts discord.py's messages to ChannelMessage, with author, text and whether the bot wrote it."""

from __future__ import annotations

import re
from typing import Final

import discord

from actors.adapters.discord.names import name_in_title, name_of_webhook
from actors.roleplay.model import Attachment, ChannelMessage

SAID: Final = frozenset({discord.MessageType.default, discord.MessageType.reply})
"""Message types that people write; the others are Discord's announcements, or answers to commands."""


_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
"""Lone surrogates and NUL, which JSON allows but databases refuse; such a message would be retried for ever."""


class Ourselves:
    """The bot's own ids: the user's and the owners' from the login on; webhooks as they are seen."""

    def __init__(self) -> None:
        self.user_id: int | None = None
        self.application_id: int | None = None
        self.owner_ids: frozenset[int] = frozenset()
        self.webhook_ids: set[int] = set()

    def learn(self, client: discord.Client) -> None:
        """Read the ids that the login returned."""
        self.user_id = None if client.user is None else client.user.id
        self.application_id = client.application_id
        self.owner_ids = frozenset() if client.application is None else _owners(client.application)

    def sent(self, message: discord.Message) -> bool:
        """Whether our bot user, or a webhook of ours, is the author."""
        if message.webhook_id is None:
            return message.author.id == self.user_id
        if message.webhook_id in self.webhook_ids:
            return True
        return message.application_id is not None and message.application_id == self.application_id


def _owners(application: discord.AppInfo) -> frozenset[int]:
    """The owner, or the accepted members of the team that owns the application; invited ones do not count."""
    if application.team is None:
        return frozenset({application.owner.id})
    accepted = discord.TeamMembershipState.accepted
    return frozenset(member.id for member in application.team.members if member.membership_state is accepted)


def channel_message(message: discord.Message, ourselves: Ourselves) -> ChannelMessage | None:
    """Convert a message; None if nobody wrote it (see SAID)."""
    if message.type not in SAID:
        return None
    is_ours = ourselves.sent(message)
    name, text, is_embed = _shown(message, is_ours=is_ours)
    return ChannelMessage(
        id=message.id,
        channel_id=message.channel.id,
        author_id=message.author.id,
        name=storable(name),
        text=storable(text),
        at=message.created_at.timestamp(),
        is_ours=is_ours,
        is_bot=message.author.bot or message.webhook_id is not None,
        webhook_id=message.webhook_id,
        is_embed=is_embed,
        button_ids=_button_ids(message) if is_ours else (),
        replies_to=_replied_to(message),
        is_name_shown=not _is_of_an_account(message),
        moderates=_moderates(message),
        attachments=tuple(Attachment(storable(each.filename), each.url, each.size) for each in message.attachments),
    )


def _moderates(message: discord.Message) -> bool | None:
    """Whether the event shows that the author has *Manage Messages*; None if it does not say, as in a read."""
    author, place = message.author, message.channel
    if not isinstance(author, discord.Member) or not isinstance(place, discord.abc.GuildChannel | discord.Thread):
        return None
    try:
        return place.permissions_for(author).manage_messages
    except discord.ClientException:  # the thread's channel is not known
        return None


def storable(text: str) -> str:
    """`text` without the characters that a database refuses."""
    return _UNSTORABLE.sub("", text)


def _replied_to(message: discord.Message) -> int | None:
    """The id of the message replied to; references of other types are forwards and crossposts."""
    reference = message.reference if message.type is discord.MessageType.reply else None
    return None if reference is None else reference.message_id


def _is_of_an_account(message: discord.Message) -> bool:
    """Whether a person's message was read without the person's name in the server."""
    is_in_dm = isinstance(message.channel, discord.abc.PrivateChannel)
    is_of_a_person = isinstance(message.author, discord.User) and not message.author.bot
    return is_of_a_person and not is_in_dm and message.webhook_id is None


def _button_ids(message: discord.Message) -> tuple[str, ...]:
    # discord.py has no such attribute if the server leaves the field out.
    rows = [row for row in getattr(message, "components", ()) if isinstance(row, discord.ActionRow)]
    buttons = [each for row in rows for each in row.children if isinstance(each, discord.Button)]
    return tuple(button.custom_id for button in buttons if button.custom_id is not None)


def _shown(message: discord.Message, *, is_ours: bool) -> tuple[str, str, bool]:
    if is_ours and message.webhook_id is not None:
        shown = name_of_webhook(message.author.display_name)
        if message.embeds and not message.content:  # the form of a notice by `voice` where the bot may not write
            return shown, message.embeds[0].description or "", True
        return shown, message.content, False
    if is_ours and message.embeds:
        embed = message.embeds[0]
        name = name_in_title(embed.title)
        if name is not None:
            return name, embed.description or "", True
    return message.author.display_name, message.content, False
