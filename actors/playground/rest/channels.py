"""Routes of channels and threads, of typing, and of a channel's webhooks."""

from ..limits import checked_name, checked_webhook_name
from ..local_discord import LocalDiscord
from ..payloads import channel_json, webhook_json
from ..permissions import Permission
from ..records import Channel
from ..refusals import invalid_field
from .call import Answer, Call, Route


def visible_channel(discord: LocalDiscord, call: Call, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
    """The channel in the path; raises 10003, 50001, 50013."""
    channel = discord.channel(call.id("channel"))
    discord.require(channel, needed)
    return channel


def get_channel(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, channel_json(discord, visible_channel(discord, call)))


def write_permission(channel: Channel) -> Permission:
    """The permission that a message needs: in a thread the one for threads instead of the one for channels."""
    is_thread = channel.parent_id is not None
    return Permission.SEND_MESSAGES_IN_THREADS if is_thread else Permission.SEND_MESSAGES


def show_typing(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call)
    discord.require(channel, write_permission(channel))
    discord.require_open(channel)
    discord.type_in(channel, discord.bot.id)
    return Answer(204)


def start_thread(discord: LocalDiscord, call: Call) -> Answer:
    """Starts a public thread; on a message if there is one in the path."""
    channel = visible_channel(discord, call, Permission.CREATE_PUBLIC_THREADS)
    name = checked_name("name", call.fields.get("name"))
    on = discord.shelf.get(channel.id, call.id("message")) if "message" in call.params else None
    thread = discord.add_thread(channel, name, discord.bot.id, on=on)
    return Answer(201, channel_json(discord, thread))


def make_webhook(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call, Permission.MANAGE_WEBHOOKS)
    name = checked_webhook_name("name", call.fields.get("name"), discord.refused_words)
    webhook = discord.add_webhook(channel, name, checked_avatar(call.fields.get("avatar")))
    return Answer(200, webhook_json(discord, webhook, with_creator=True))


def list_webhooks(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call, Permission.MANAGE_WEBHOOKS)
    return Answer(200, [webhook_json(discord, each, with_creator=True) for each in discord.webhooks_of(channel)])


def checked_avatar(value: object) -> str | None:
    """Checks an uploaded picture: a data URI, or None."""
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith("data:image/") or ";base64," not in value:
        raise invalid_field("avatar", "IMAGE_INVALID", "Invalid image data")
    return value


ROUTES = (
    Route("GET", "/channels/{channel}", get_channel),
    Route("POST", "/channels/{channel}/typing", show_typing),
    Route("POST", "/channels/{channel}/threads", start_thread),
    Route("POST", "/channels/{channel}/messages/{message}/threads", start_thread),
    Route("POST", "/channels/{channel}/webhooks", make_webhook),
    Route("GET", "/channels/{channel}/webhooks", list_webhooks),
)
