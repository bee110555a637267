"""Channels and threads, typing, and the webhooks of a channel."""

from ..limits import checked_name, checked_webhook_name
from ..payloads import channel_json, webhook_json
from ..permissions import Permission
from ..records import Channel
from ..refusals import invalid_field
from ..world import World
from .call import Answer, Call, Route


def visible_channel(world: World, call: Call, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
    """The channel in the path; raises 10003, 50001, 50013."""
    channel = world.channel(call.id("channel"))
    world.require(channel, needed)
    return channel


def get_channel(world: World, call: Call) -> Answer:
    return Answer(200, channel_json(world, visible_channel(world, call)))


def write_permission(channel: Channel) -> Permission:
    """What a message there needs: in a thread the permission for threads, and not that for channels."""
    is_thread = channel.parent_id is not None
    return Permission.SEND_MESSAGES_IN_THREADS if is_thread else Permission.SEND_MESSAGES


def show_typing(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call)
    world.require(channel, write_permission(channel))
    world.require_open(channel)
    world.type_in(channel, world.bot.id)
    return Answer(204)


def start_thread(world: World, call: Call) -> Answer:
    """A public thread; on a message if there is one in the path."""
    channel = visible_channel(world, call, Permission.CREATE_PUBLIC_THREADS)
    name = checked_name("name", call.fields.get("name"))
    on = world.shelf.get(channel.id, call.id("message")) if "message" in call.params else None
    thread = world.add_thread(channel, name, world.bot.id, on=on)
    return Answer(201, channel_json(world, thread))


def make_webhook(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call, Permission.MANAGE_WEBHOOKS)
    name = checked_webhook_name("name", call.fields.get("name"), world.refused_words)
    webhook = world.add_webhook(channel, name, checked_avatar(call.fields.get("avatar")))
    return Answer(200, webhook_json(world, webhook, with_creator=True))


def list_webhooks(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call, Permission.MANAGE_WEBHOOKS)
    return Answer(200, [webhook_json(world, each, with_creator=True) for each in world.webhooks_of(channel)])


def checked_avatar(value: object) -> str | None:
    """An uploaded picture: a data URI, or none."""
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
