"""What the page shows, as JSON: Discord's own objects, and the little that a browser cannot know by itself."""

from collections.abc import Iterable

from . import records
from .events import Event, Purged, Reacted, Registered, Typed
from .interactions import Interaction, Whisper
from .payloads import avatar_hash, channel_json, message_json, user_json
from .records import Channel, Json, Message
from .world import World

SHOWN_MAX = 200
"""Messages of one channel in a snapshot; older ones are asked for."""


def world_view(world: World) -> Json:
    """The whole world as a page first sees it."""
    channels = [each for each in world.channels.values() if not each.deleted]
    return {
        "guild": world.guild.name,
        "bot": user_json(world.bot),
        "users": [user_json(user) for user in world.users.values() if not user.bot],
        "channels": [channel_view(world, each) for each in channels],
        "messages": {str(each.id): newest_view(world, each, None, SHOWN_MAX) for each in channels},
        "commands": world.commands,
        "lines": sum(is_line(world, each) for each in world.shelf.all() if not each.deleted),
    }


def channel_view(world: World, channel: Channel) -> Json:
    """A channel with what heads its list of messages."""
    name = world.users[channel.recipient_id].name if channel.recipient_id is not None else channel.name
    return channel_json(world, channel) | {"name": name}


def newest_view(world: World, channel: Channel, before: int | None, limit: int) -> Json:
    """The newest messages below an id, oldest first, and whether there are older ones."""
    found = world.shelf.before(channel.id, before, limit + 1)
    return {"shown": [message_view(world, each) for each in reversed(found[:limit])], "more": len(found) > limit}


def message_view(world: World, message: Message) -> Json:
    """A message with who reacted, and its pictures as addresses of this server."""
    view = message_json(world, message)
    emojis = dict.fromkeys(emoji for emoji, _ in message.reactions)
    view["reactions"] = [
        {"emoji": emoji, "users": [str(user) for each, user in message.reactions if each == emoji]} for emoji in emojis
    ]
    for attachment in view["attachments"]:
        attachment["url"] = f"/attachments/{attachment['id']}/{attachment['filename']}"
    return view | {"avatar": _avatar(world, message), "is_line": is_line(world, message)}


def is_line(world: World, message: Message) -> bool:
    """Whether a character says it: a webhook's text, or the bot's own message with an embed."""
    if message.webhook_id is not None:
        return bool(message.content)
    return message.author_id == world.bot.id and bool(message.embeds)


def change_of(world: World, event: Event) -> Iterable[tuple[str, Json]]:
    """The event as pages are told of it; nothing where a page shows nothing of it."""
    match event.subject:
        case Message() as message if event.name == "MESSAGE_DELETE":
            return [_deletion(world, message)]
        case Purged(messages=messages):
            return [_deletion(world, message) for message in messages]
        case Message() as message:
            return [("message", message_view(world, message))]
        case Whisper(message=message, user_id=user_id, interaction_id=pressed, is_gone=is_gone):
            body = {"for": str(user_id), "interaction": str(pressed), "gone": is_gone}
            return [("whisper", message_view(world, message) | body)]
        case Interaction(answered_with=answer) as interaction:
            told = {"id": str(interaction.id), "answered": answer is not None, "choices": list(interaction.choices)}
            return [("press", told)]
        case Registered(commands=commands):
            return [("commands", {"commands": list(commands)})]
        case Reacted(message=message):
            return [("message", message_view(world, message))]
        case Typed() as typed:
            return [("typing", {"channel_id": str(typed.channel.id), "user_id": str(typed.user_id)})]
        case Channel() as channel if event.name.endswith("_DELETE"):
            return [("channel_deleted", {"id": str(channel.id)})]
        case Channel() as channel if channel.kind in (records.TEXT_CHANNEL, records.PUBLIC_THREAD):
            return [("channel", channel_view(world, channel))]
        case _:
            return []


def _deletion(world: World, message: Message) -> tuple[str, Json]:
    body = {"id": str(message.id), "channel_id": str(message.channel_id), "is_line": is_line(world, message)}
    return "deleted", body


def _avatar(world: World, message: Message) -> str | None:
    """The picture's address on this server; one on another host is never fetched."""
    if message.webhook_id is None:
        return None
    picture = avatar_hash(world.webhooks[message.webhook_id].avatar)
    return None if picture is None else f"/avatars/{message.webhook_id}/{picture}"
