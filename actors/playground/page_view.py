"""Builds the page's JSON: Discord's own objects, and the few values that a browser cannot derive from them."""

from collections.abc import Iterable

from . import records
from .events import Event, Purged, Reacted, Registered, Typed
from .interactions import Interaction, Whisper
from .local_discord import LocalDiscord
from .payloads import avatar_hash, channel_json, message_json, user_json
from .records import Channel, Json, Message

SHOWN_MAX = 200
"""Messages of one channel in a snapshot; the page requests older ones."""


def world_view(discord: LocalDiscord) -> Json:
    """The whole world, as sent to a page first."""
    channels = [each for each in discord.channels.values() if not each.deleted]
    return {
        "guild": discord.guild.name,
        "bot": user_json(discord.bot),
        "users": [user_json(user) for user in discord.users.values() if not user.bot],
        "channels": [channel_view(discord, each) for each in channels],
        "messages": {str(each.id): newest_view(discord, each, None, SHOWN_MAX) for each in channels},
        "commands": discord.commands,
        "lines": sum(is_line(discord, each) for each in discord.shelf.all() if not each.deleted),
    }


def channel_view(discord: LocalDiscord, channel: Channel) -> Json:
    """A channel with the name over its messages; for a DM, the person's."""
    name = discord.users[channel.recipient_id].name if channel.recipient_id is not None else channel.name
    return channel_json(discord, channel) | {"name": name}


def newest_view(discord: LocalDiscord, channel: Channel, before: int | None, limit: int) -> Json:
    """The newest messages below an id, oldest first, and whether there are older ones."""
    found = discord.shelf.before(channel.id, before, limit + 1)
    return {"shown": [message_view(discord, each) for each in reversed(found[:limit])], "more": len(found) > limit}


def message_view(discord: LocalDiscord, message: Message) -> Json:
    """A message with the users of each reaction, and its pictures as URLs on this server."""
    view = message_json(discord, message)
    emojis = dict.fromkeys(emoji for emoji, _ in message.reactions)
    view["reactions"] = [
        {"emoji": emoji, "users": [str(user) for each, user in message.reactions if each == emoji]} for emoji in emojis
    ]
    for attachment in view["attachments"]:
        attachment["url"] = f"/attachments/{attachment['id']}/{attachment['filename']}"
    return view | {"avatar": _avatar(discord, message), "is_line": is_line(discord, message)}


def is_line(discord: LocalDiscord, message: Message) -> bool:
    """Whether it is a character's line: a webhook's text, or the bot's own message with an embed."""
    if message.webhook_id is not None:
        return bool(message.content)
    return message.author_id == discord.bot.id and bool(message.embeds)


def change_of(discord: LocalDiscord, event: Event) -> Iterable[tuple[str, Json]]:
    """The changes to send to pages; empty if the page does not show the event."""
    match event.subject:
        case Message() as message if event.name == "MESSAGE_DELETE":
            return [_deletion(discord, message)]
        case Purged(messages=messages):
            return [_deletion(discord, message) for message in messages]
        case Message() as message:
            return [("message", message_view(discord, message))]
        case Whisper(message=message, user_id=user_id, interaction_id=pressed, is_gone=is_gone):
            body = {"for": str(user_id), "interaction": str(pressed), "gone": is_gone}
            return [("whisper", message_view(discord, message) | body)]
        case Interaction(answered_with=answer) as interaction:
            told = {"id": str(interaction.id), "answered": answer is not None, "choices": list(interaction.choices)}
            return [("press", told)]
        case Registered(commands=commands):
            return [("commands", {"commands": list(commands)})]
        case Reacted(message=message):
            return [("message", message_view(discord, message))]
        case Typed() as typed:
            return [("typing", {"channel_id": str(typed.channel.id), "user_id": str(typed.user_id)})]
        case Channel() as channel if event.name.endswith("_DELETE"):
            return [("channel_deleted", {"id": str(channel.id)})]
        case Channel() as channel if channel.kind in (records.TEXT_CHANNEL, records.PUBLIC_THREAD):
            return [("channel", channel_view(discord, channel))]
        case _:
            return []


def _deletion(discord: LocalDiscord, message: Message) -> tuple[str, Json]:
    body = {"id": str(message.id), "channel_id": str(message.channel_id), "is_line": is_line(discord, message)}
    return "deleted", body


def _avatar(discord: LocalDiscord, message: Message) -> str | None:
    """The picture's URL on this server; a picture on another host is never fetched."""
    if message.webhook_id is None:
        return None
    picture = avatar_hash(discord.webhooks[message.webhook_id].avatar)
    return None if picture is None else f"/avatars/{message.webhook_id}/{picture}"
