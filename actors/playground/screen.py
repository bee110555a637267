"""Converts messages to plain values: what a person sees in a channel, for checks and for display."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from .local_discord import LocalDiscord
from .payloads import iso
from .records import Json, Message
from .snowflake import made_at


class Voice(StrEnum):
    USER = "user"
    BOT = "bot"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class ShownMessage:
    id: int
    channel_id: int
    voice: Voice
    author: str
    """The name over the message: a person's, the bot's, or the one that the webhook used."""
    content: str
    title: str
    """Of the first embed; empty if there is none."""
    description: str
    embeds: int
    webhook_id: int | None
    nonce: str | None
    reply_to: int | None
    reactions: tuple[str, ...]
    edited: bool
    deleted: bool
    at: str
    """ISO 8601, UTC."""


def shown(discord: LocalDiscord, message: Message) -> ShownMessage:
    """The message as its channel shows it, or showed it before it was deleted."""
    first = message.embeds[0] if message.embeds else {}
    return ShownMessage(
        message.id,
        message.channel_id,
        _voice(discord, message),
        message.author_name,
        message.content,
        first.get("title", ""),
        first.get("description", ""),
        len(message.embeds),
        message.webhook_id,
        message.nonce,
        message.reply_to,
        tuple(emoji for emoji, _ in message.reactions),
        message.edited_at is not None,
        message.deleted,
        iso(made_at(message.id)),
    )


def shown_json(message: ShownMessage) -> Json:
    """The message as JSON, with its ids as strings, since they are too large for JavaScript."""
    fields = asdict(message)
    ids = ("id", "channel_id", "webhook_id", "reply_to")
    return fields | {name: None if fields[name] is None else str(fields[name]) for name in ids}


def _voice(discord: LocalDiscord, message: Message) -> Voice:
    if message.webhook_id is not None:
        return Voice.WEBHOOK
    return Voice.BOT if message.author_id == discord.bot.id else Voice.USER
