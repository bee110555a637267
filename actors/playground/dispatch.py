"""Decides which sessions an event is sent to, and builds its body.

Source: https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from enum import IntFlag

from .events import Event, Purged, Reacted, Registered, Typed
from .interactions import Interaction, Whisper
from .local_discord import LocalDiscord
from .payloads import (
    channel_json,
    guild_json,
    interaction_json,
    member_json,
    message_json,
    permissions_of,
    roles_json,
    user_json,
)
from .records import Channel, Guild, Json, Message, Webhook


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


def is_wanted(discord: LocalDiscord, event: Event, intents: Intent, shard: tuple[int, int]) -> bool:
    """Whether a session with these intents, on shard (number, count), receives the event."""
    if not event.name or (_is_of_guild(discord, event) and not _is_served(discord, event)):
        return False
    if _is_echo(discord, event) and not discord.dialect.echoes:
        return False
    number, count = shard
    in_dm = _is_in_dm(discord, event)
    of_shard = 0 if in_dm else (discord.guild.id >> 22) % count
    if event.name == "INTERACTION_CREATE":
        return of_shard == number  # needs no intent
    needed = IN_DM.get(event.name, Intent.GUILDS) if in_dm else IN_GUILD.get(event.name, Intent.GUILDS)
    return of_shard == number and needed in intents


def _is_echo(discord: LocalDiscord, event: Event) -> bool:
    """Whether the event announces one of the bot's own messages."""
    message = event.subject
    if event.name != "MESSAGE_CREATE" or not isinstance(message, Message):
        return False
    return message.webhook_id is not None or message.author_id == discord.bot.id


def _is_of_guild(discord: LocalDiscord, event: Event) -> bool:
    return not _is_in_dm(discord, event)


def _is_served(discord: LocalDiscord, event: Event) -> bool:
    """Whether the bot receives its guild's event: it is a member of an available guild, or the event ends that."""
    return event.name == "GUILD_DELETE" or not (discord.guild.without_bot or discord.guild.is_out)


def body_of(discord: LocalDiscord, event: Event, intents: Intent) -> Json:
    """The dispatch's `d`."""
    body = _body(discord, event, intents)
    return body if _is_in_dm(discord, event) else {"guild_id": str(discord.guild.id)} | body


def _is_in_dm(discord: LocalDiscord, event: Event) -> bool:
    channel_id = _channel_id(event)
    return channel_id is not None and discord.channels[channel_id].recipient_id is not None


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


def _body(discord: LocalDiscord, event: Event, intents: Intent) -> Json:
    match event.subject:
        case Guild() as guild:
            return _guild_body(discord, event.name, guild)
        case Registered():
            return {}  # sent to pages only
        case Channel() as channel:
            created = {"newly_created": True} if event.name == "THREAD_CREATE" else {}
            return channel_json(discord, channel) | created
        case Webhook(channel_id=channel_id):
            return {"channel_id": str(channel_id)}
        case Message() as message if event.name == "MESSAGE_DELETE":
            return {"id": str(message.id), "channel_id": str(message.channel_id)}
        case Message() as message:
            return _message_body(discord, message, intents)
        case Interaction() as interaction:
            return _interaction_body(discord, interaction)
        case Whisper(message=message):
            return message_json(discord, message)
        case Purged(channel=channel, messages=messages):
            return {"ids": [str(message.id) for message in messages], "channel_id": str(channel.id)}
        case Reacted() as reacted:
            return _reaction_body(discord, reacted, is_added=event.name == "MESSAGE_REACTION_ADD")
        case Typed() as typed:
            body = {
                "channel_id": str(typed.channel.id),
                "user_id": str(typed.user_id),
                "timestamp": int(typed.at),
            }
            return body | _member(discord, typed.channel.id, typed.user_id)


def _guild_body(discord: LocalDiscord, name: str, guild: Guild) -> Json:
    match name:
        case "GUILD_DELETE":
            return {"id": str(guild.id)} | ({"unavailable": True} if guild.is_out else {})
        case "GUILD_CREATE":
            return guild_json(discord, guild, [discord.bot])
        case _:
            return {"role": roles_json(discord)[1]}


def _message_body(discord: LocalDiscord, message: Message, intents: Intent) -> Json:
    """The message; without the privileged intent, others' texts are blank except in DMs and in mentions of the bot."""
    body = message_json(discord, message)
    if message.webhook_id is None:
        body |= _member(discord, message.channel_id, message.author_id, with_user=False)
    is_dm = discord.channels[message.channel_id].recipient_id is not None
    is_for_bot = is_dm or message.author_id == discord.bot.id or discord.bot.id in message.mention_ids
    if Intent.MESSAGE_CONTENT in intents or is_for_bot:
        return body
    return body | {"content": "", "embeds": [], "attachments": [], "components": []}


def _interaction_body(discord: LocalDiscord, interaction: Interaction) -> Json:
    channel_id, user = interaction.channel_id, discord.user(interaction.user_id)
    who = _member(discord, channel_id, user.id) or {"user": user_json(user)}
    if "member" in who:
        who["member"] |= {"permissions": str(int(permissions_of(discord, user)))}
    return interaction_json(discord, interaction) | who


def _reaction_body(discord: LocalDiscord, reacted: Reacted, *, is_added: bool) -> Json:
    message = reacted.message
    body = {
        "user_id": str(reacted.user_id),
        "channel_id": str(message.channel_id),
        "message_id": str(message.id),
        "emoji": {"id": None, "name": reacted.emoji},
        "type": 0,
        "burst": False,
    }
    return body | _member(discord, message.channel_id, reacted.user_id) if is_added else body


def _member(discord: LocalDiscord, channel_id: int, user_id: int, *, with_user: bool = True) -> Json:
    """The key `member`; nothing in a DM."""
    if discord.channels[channel_id].recipient_id is not None:
        return {}
    user = discord.user(user_id)
    member = member_json(discord, user)
    return {"member": member | {"user": user_json(user)} if with_user else member}
