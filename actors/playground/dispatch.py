"""Events as the gateway tells them: who wants them, and with which body.

Source: https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from enum import IntFlag

from .events import Event, Purged, Reacted, Registered, Typed
from .interactions import Interaction, Whisper
from .payloads import channel_json, guild_json, interaction_json, member_json, message_json, roles_json, user_json
from .records import Channel, Guild, Json, Message, Webhook
from .world import World


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_WEBHOOKS = 1 << 5
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


IN_GUILD = {
    "WEBHOOKS_UPDATE": Intent.GUILD_WEBHOOKS,
    "MESSAGE_CREATE": Intent.GUILD_MESSAGES,
    "MESSAGE_UPDATE": Intent.GUILD_MESSAGES,
    "MESSAGE_DELETE": Intent.GUILD_MESSAGES,
    "MESSAGE_DELETE_BULK": Intent.GUILD_MESSAGES,
    "MESSAGE_REACTION_ADD": Intent.GUILD_MESSAGE_REACTIONS,
    "MESSAGE_REACTION_REMOVE": Intent.GUILD_MESSAGE_REACTIONS,
    "TYPING_START": Intent.GUILD_MESSAGE_TYPING,
}
IN_DM = {
    "MESSAGE_CREATE": Intent.DIRECT_MESSAGES,
    "MESSAGE_UPDATE": Intent.DIRECT_MESSAGES,
    "MESSAGE_DELETE": Intent.DIRECT_MESSAGES,
    "MESSAGE_REACTION_ADD": Intent.DIRECT_MESSAGE_REACTIONS,
    "MESSAGE_REACTION_REMOVE": Intent.DIRECT_MESSAGE_REACTIONS,
    "TYPING_START": Intent.DIRECT_MESSAGE_TYPING,
}


def is_wanted(world: World, event: Event, intents: Intent, shard: tuple[int, int]) -> bool:
    """Whether a session with these intents, on shard (number, count), is told of the event."""
    if not event.name or (_is_of_guild(world, event) and not _is_served(world, event)):
        return False
    if _is_echo(world, event) and not world.dialect.echoes:
        return False
    number, count = shard
    in_dm = _is_in_dm(world, event)
    of_shard = 0 if in_dm else (world.guild.id >> 22) % count
    if event.name == "INTERACTION_CREATE":
        return of_shard == number  # whatever the intents
    needed = IN_DM.get(event.name, Intent.GUILDS) if in_dm else IN_GUILD.get(event.name, Intent.GUILDS)
    return of_shard == number and needed in intents


def _is_echo(world: World, event: Event) -> bool:
    """Whether the bot would be told of its own message."""
    message = event.subject
    if event.name != "MESSAGE_CREATE" or not isinstance(message, Message):
        return False
    return message.webhook_id is not None or message.author_id == world.bot.id


def _is_of_guild(world: World, event: Event) -> bool:
    return not _is_in_dm(world, event)


def _is_served(world: World, event: Event) -> bool:
    """Whether the bot hears of its guild: it is a member and Discord can serve it, or this says that it is not so."""
    return event.name == "GUILD_DELETE" or not (world.guild.without_bot or world.guild.is_out)


def body_of(world: World, event: Event, intents: Intent) -> Json:
    """The dispatch's `d`."""
    body = _body(world, event, intents)
    return body if _is_in_dm(world, event) else {"guild_id": str(world.guild.id)} | body


def _is_in_dm(world: World, event: Event) -> bool:
    channel_id = _channel_id(event)
    return channel_id is not None and world.channels[channel_id].recipient_id is not None


def _channel_id(event: Event) -> int | None:
    match event.subject:
        case Guild() | Registered():
            return None
        case Interaction(channel_id=channel_id):
            return channel_id
        case Channel(id=channel_id) | Webhook(channel_id=channel_id) | Message(channel_id=channel_id):
            return channel_id
        case Reacted(message=message) | Whisper(message=message):
            return message.channel_id
        case Typed(channel=channel) | Purged(channel=channel):
            return channel.id


def _body(world: World, event: Event, intents: Intent) -> Json:
    match event.subject:
        case Guild() as guild:
            return _guild_body(world, event.name, guild)
        case Registered():
            return {}  # only pages are told of it
        case Channel() as channel:
            created = {"newly_created": True} if event.name == "THREAD_CREATE" else {}
            return channel_json(world, channel) | created
        case Webhook(channel_id=channel_id):
            return {"channel_id": str(channel_id)}
        case Message() as message if event.name == "MESSAGE_DELETE":
            return {"id": str(message.id), "channel_id": str(message.channel_id)}
        case Message() as message:
            return _message_body(world, message, intents)
        case Interaction() as interaction:
            return _interaction_body(world, interaction)
        case Whisper(message=message):
            return message_json(world, message)
        case Purged(channel=channel, messages=messages):
            return {"ids": [str(message.id) for message in messages], "channel_id": str(channel.id)}
        case Reacted() as reacted:
            return _reaction_body(world, reacted, is_added=event.name == "MESSAGE_REACTION_ADD")
        case Typed() as typed:
            body = {
                "channel_id": str(typed.channel.id),
                "user_id": str(typed.user_id),
                "timestamp": int(typed.at),
            }
            return body | _member(world, typed.channel.id, typed.user_id)


def _guild_body(world: World, name: str, guild: Guild) -> Json:
    match name:
        case "GUILD_DELETE":
            return {"id": str(guild.id)} | ({"unavailable": True} if guild.is_out else {})
        case "GUILD_CREATE":
            return guild_json(world, guild, [world.bot])
        case _:
            return {"role": roles_json(world)[1]}


def _message_body(world: World, message: Message, intents: Intent) -> Json:
    """The message; without the privileged intent the texts of others are blank, unless meant for the bot."""
    body = message_json(world, message)
    if message.webhook_id is None:
        body |= _member(world, message.channel_id, message.author_id, with_user=False)
    is_dm = world.channels[message.channel_id].recipient_id is not None
    is_for_bot = is_dm or message.author_id == world.bot.id or world.bot.id in message.mention_ids
    if Intent.MESSAGE_CONTENT in intents or is_for_bot:
        return body
    return body | {"content": "", "embeds": [], "attachments": [], "components": []}


def _interaction_body(world: World, interaction: Interaction) -> Json:
    channel_id, user = interaction.channel_id, world.user(interaction.user_id)
    who = _member(world, channel_id, user.id) or {"user": user_json(user)}
    if "member" in who:
        who["member"] |= {"permissions": "0"}
    return interaction_json(world, interaction) | who


def _reaction_body(world: World, reacted: Reacted, *, is_added: bool) -> Json:
    message = reacted.message
    body = {
        "user_id": str(reacted.user_id),
        "channel_id": str(message.channel_id),
        "message_id": str(message.id),
        "emoji": {"id": None, "name": reacted.emoji},
        "type": 0,
        "burst": False,
    }
    return body | _member(world, message.channel_id, reacted.user_id) if is_added else body


def _member(world: World, channel_id: int, user_id: int, *, with_user: bool = True) -> Json:
    """`member`, in the guild only."""
    if world.channels[channel_id].recipient_id is not None:
        return {}
    user = world.user(user_id)
    member = member_json(world, user)
    return {"member": member | {"user": user_json(user)} if with_user else member}
