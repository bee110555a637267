"""Builds the JSON of Discord's objects from records.

Source: https://discord.com/developers/docs/resources
"""

import base64
import hashlib
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

from . import records
from .dialect import NULLS
from .interactions import Interaction, Kind
from .local_discord import LocalDiscord
from .permissions import BOT, MODERATOR, Permission
from .records import Attachment, Channel, Guild, Json, Message, User, Webhook
from .snowflake import made_at

MESSAGE_KIND, REPLY_KIND = 0, 19
INCOMING_WEBHOOK = 1
ROLE_OVERWRITE = 0
MESSAGE_CONTENT_FLAG = 1 << 19
"""Application flag "gateway message content, limited"."""
ARCHIVE_AFTER_MIN = 1_440
IN_GUILD, IN_DM_OF_BOT = 0, 1
PNG = b"\x89PNG\r\n\x1a\n"
UPLOAD_BYTES_MAX = 10 * 1024 * 1024


def iso(at: float) -> str:
    """A time in seconds since 1970, in Discord's format (ISO 8601, UTC)."""
    return datetime.fromtimestamp(at, UTC).isoformat()


@lru_cache(maxsize=256)
def avatar_hash(avatar: str | None) -> str | None:
    """The name under which an uploaded picture is served."""
    return None if avatar is None else hashlib.blake2b(avatar.encode(), digest_size=16).hexdigest()


def user_json(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.name,
        "global_name": user.global_name,
        "discriminator": "0",
        "avatar": None,
        "bot": user.bot,
    }


def member_json(discord: LocalDiscord, user: User) -> Json:
    """The member object of a user, without its `user`."""
    roles = [str(bot_role_id(discord))] if user.bot else []
    roles += [str(moderator_role_id(discord))] if user.moderates else []
    shared = {"nick": user.nick, "deaf": False, "mute": False, "flags": 0}
    return shared | {"roles": roles, "joined_at": iso(made_at(user.id))}


def bot_role_id(discord: LocalDiscord) -> int:
    """The id of the bot's own role: the guild's id + 1, which no message can have."""
    return discord.guild.id + 1


def moderator_role_id(discord: LocalDiscord) -> int:
    """The id of the moderators' role."""
    return discord.guild.id + 2


def permissions_of(discord: LocalDiscord, user: User) -> Permission:
    """What a person may do in the guild's channels; the owner is a moderator too."""
    is_moderator = user.moderates or user.id == discord.guild.owner_id
    return MODERATOR if is_moderator else Permission(0)


def roles_json(discord: LocalDiscord) -> list[Json]:
    """All roles, the bot's own second. @everyone has no permissions, so that the bot's own role alone decides what the
    bot may do."""
    denied = Permission(discord.guild.denied)
    shared = {"color": 0, "hoist": False, "mentionable": False, "flags": 0}
    everybody = {"id": str(discord.guild.id), "name": "@everyone", "position": 0, "managed": False}
    own = {"id": str(bot_role_id(discord)), "name": discord.bot.name, "position": 1, "managed": True}
    moderators = {"id": str(moderator_role_id(discord)), "name": "Moderators", "position": 2, "managed": False}
    return [
        everybody | shared | {"permissions": "0"},
        own | shared | {"permissions": str(int(BOT & ~denied)), "tags": {"bot_id": str(discord.bot.id)}},
        moderators | shared | {"permissions": str(int(MODERATOR))},
    ]


def guild_json(discord: LocalDiscord, guild: Guild, users: Sequence[User]) -> Json:
    """The body of GUILD_CREATE, with these members."""
    here = [channel for channel in discord.channels.values() if not channel.deleted]
    return {
        "id": str(guild.id),
        "name": guild.name,
        "owner_id": str(guild.owner_id),
        "joined_at": iso(made_at(guild.id)),
        "large": False,
        "unavailable": False,
        "member_count": len(discord.users),
        "roles": roles_json(discord),
        "members": [member_json(discord, user) | {"user": user_json(user)} for user in users],
        "channels": [channel_json(discord, each) for each in here if each.kind == records.TEXT_CHANNEL],
        "threads": [
            channel_json(discord, each) for each in here if each.kind == records.PUBLIC_THREAD and not each.archived
        ],
        "emojis": [],
        "features": [],
    }


def channel_json(discord: LocalDiscord, channel: Channel) -> Json:
    newest = discord.shelf.newest_id(channel.id)
    shared: Json = {
        "id": str(channel.id),
        "type": channel.kind,
        "last_message_id": None if newest is None else str(newest),
    }
    if channel.recipient_id is not None:
        return shared | {"recipients": [user_json(discord.user(channel.recipient_id))]}
    shared |= {"guild_id": str(discord.guild.id), "name": channel.name, "rate_limit_per_user": 0}
    if channel.parent_id is not None:
        return shared | _thread_json(discord, channel)
    return shared | {
        "position": channel.ordinal,
        "topic": None,
        "nsfw": False,
        "parent_id": None,
        "permission_overwrites": _overwrites_json(discord, channel),
    }


def _thread_json(discord: LocalDiscord, thread: Channel) -> Json:
    created = iso(made_at(thread.id))
    return {
        "parent_id": str(thread.parent_id),
        "owner_id": str(thread.owner_id),
        "message_count": discord.shelf.count(thread.id),
        "member_count": 1,
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": ARCHIVE_AFTER_MIN,
            "archive_timestamp": created,
            "create_timestamp": created,
            "locked": thread.locked,
        },
    }


def _overwrites_json(discord: LocalDiscord, channel: Channel) -> list[Json]:
    if not channel.denied:
        return []
    role = str(bot_role_id(discord))
    return [{"id": role, "type": ROLE_OVERWRITE, "allow": "0", "deny": str(channel.denied)}]


def webhook_json(discord: LocalDiscord, webhook: Webhook, *, with_creator: bool) -> Json:
    """The webhook with its token; without its creator for a request by token alone."""
    body: Json = {
        "id": str(webhook.id),
        "type": INCOMING_WEBHOOK,
        "channel_id": str(webhook.channel_id),
        "guild_id": str(discord.guild.id),
        "name": webhook.name,
        "avatar": avatar_hash(webhook.avatar),
        "token": webhook.token,
        "application_id": str(discord.bot.id),
    }
    return body | {"user": user_json(discord.bot)} if with_creator else body


def application_flags(discord: LocalDiscord) -> int:
    """Which privileged intents are granted."""
    return MESSAGE_CONTENT_FLAG if discord.message_content else 0


def application_json(discord: LocalDiscord) -> Json:
    owner = discord.users.get(discord.guild.owner_id, discord.bot)
    return {
        "id": str(discord.bot.id),
        "name": discord.bot.name,
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "",
        "owner": user_json(owner),
        "flags": application_flags(discord),
    }


def message_json(discord: LocalDiscord, message: Message, *, with_reply: bool = True) -> Json:
    """A message as REST returns it; the gateway adds the guild and the member."""
    body: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "type": MESSAGE_KIND if message.reply_to is None else REPLY_KIND,
        "content": message.content,
        "author": _author_json(discord, message),
        "timestamp": iso(made_at(message.id)),
        "edited_timestamp": None if message.edited_at is None else iso(message.edited_at),
        "tts": False,
        "pinned": False,
        "mention_everyone": False,
        "mentions": [user_json(discord.user(user_id)) for user_id in message.mention_ids],
        "mention_roles": [],
        "attachments": [_attachment_json(discord, each) for each in message.attachment_ids],
        "embeds": list(message.embeds),
        "components": list(message.components),
        "flags": message.flags,
    }
    body |= {} if message.nonce is None else {"nonce": message.nonce}
    body |= {} if message.webhook_id is None else {"webhook_id": str(message.webhook_id)}
    if message.webhook_id is not None or message.author_id == discord.bot.id:
        body["application_id"] = str(discord.bot.id)
    if message.reactions:
        body["reactions"] = _reactions_json(discord, message)
    if message.id in discord.channels and not discord.channels[message.id].deleted:
        body["thread"] = channel_json(discord, discord.channels[message.id])
    body |= _reply_json(discord, message) if with_reply else {}
    return NULLS | body if discord.dialect.nulls else body


def interaction_json(discord: LocalDiscord, interaction: Interaction) -> Json:
    """A press or a command for the gateway, which adds the guild and the user."""
    channel = discord.channels[interaction.channel_id]
    is_dm = channel.recipient_id is not None
    body = {
        "id": str(interaction.id),
        "application_id": str(discord.bot.id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "data": interaction.data,
        "channel_id": str(channel.id),
        "channel": channel_json(discord, channel),
        "app_permissions": str(int(discord.permissions_in(channel))),
        "locale": "en-US",
        "entitlements": [],
        "authorizing_integration_owners": {},
        "context": IN_DM_OF_BOT if is_dm else IN_GUILD,
        "attachment_size_limit": UPLOAD_BYTES_MAX,
    }
    if interaction.message is None:
        return body
    shown = message_json(discord, discord.shelf.find(interaction.message.id) or interaction.message)
    if interaction.kind is Kind.COMPONENT:
        return body | {"message": shown}
    return body | {"data": interaction.data | {"resolved": {"messages": {shown["id"]: shown}}}}


def _author_json(discord: LocalDiscord, message: Message) -> Json:
    if message.webhook_id is None:
        return user_json(discord.user(message.author_id))
    webhook = discord.webhooks[message.webhook_id]
    return {
        "id": str(message.author_id),
        "username": message.author_name,
        "discriminator": "0000",
        "avatar": avatar_hash(webhook.avatar),
        "bot": True,
    }


def _attachment_json(discord: LocalDiscord, attachment_id: int) -> Json:
    attachment = discord.attachments[attachment_id]
    url = f"{discord.address}/attachments/{attachment.id}/{attachment.filename}"
    return {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": attachment.size,
        "content_type": attachment.content_type,
        "url": url,
        "proxy_url": url,
        **_size_of_picture(attachment),
        **({} if attachment.description is None else {"description": attachment.description}),
    }


def _size_of_picture(attachment: Attachment) -> Json:
    """Width and height of a PNG, so that a page can reserve space for it (header: https://www.w3.org/TR/png/)."""
    head = base64.b64decode(attachment.content[:32])
    if not head.startswith(PNG) or len(head) < 24:
        return {}
    width, height = struct.unpack(">II", head[16:24])
    return {"width": width, "height": height}


def _reactions_json(discord: LocalDiscord, message: Message) -> list[Json]:
    emojis = dict.fromkeys(emoji for emoji, _ in message.reactions)
    return [
        {
            "emoji": {"id": None, "name": emoji},
            "count": sum(each == emoji for each, _ in message.reactions),
            "me": (emoji, discord.bot.id) in message.reactions,
        }
        for emoji in emojis
    ]


def _reply_json(discord: LocalDiscord, message: Message) -> Json:
    if message.reply_to is None:
        return {}
    reference = {"message_id": str(message.reply_to), "channel_id": str(message.channel_id)}
    original = discord.shelf.find(message.reply_to)
    shown = None if original is None or original.deleted else message_json(discord, original, with_reply=False)
    return {"message_reference": reference, "referenced_message": shown}
