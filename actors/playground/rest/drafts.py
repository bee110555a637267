"""Reads a checked draft from a request's body, for the bot's own messages and the webhooks'."""

import base64
import mimetypes
import re
from dataclasses import replace

from .. import limits
from ..local_discord import Draft, LocalDiscord
from ..records import Attachment, Channel, Json, Message
from ..refusals import invalid_field
from .call import Call, Upload, as_id

USER_MENTION = re.compile(r"<@!?(\d+)>")
MESSAGE_FLAGS_ALLOWED = 1 << 2 | 1 << 12 | 1 << 15
"""Suppress embeds, suppress notifications, components V2."""


def read_draft(discord: LocalDiscord, channel: Channel, call: Call) -> Draft:
    """The new message; raises 50035 and 50006 as Discord does."""
    fields = call.fields
    content = limits.text_within("content", fields.get("content"), limits.CONTENT_MAX)
    draft = Draft(
        content=content,
        embeds=limits.checked_embeds(fields.get("embeds")),
        components=limits.checked_components(fields.get("components")),
        attachments=_attachments(discord, call),
        mention_ids=_mentioned(discord, content, fields),
        nonce=limits.checked_nonce(fields.get("nonce")),
        reply_to=_reply_target(discord, channel, fields),
        flags=_flags(fields),
    )
    limits.refuse_empty(draft.content, draft.embeds, draft.components, draft.attachments)
    return draft


def read_edit(discord: LocalDiscord, message: Message, call: Call) -> tuple[Message, tuple[Attachment, ...]]:
    """The message with the body's fields replaced, and its new attachments."""
    edited, fields, attached = message, call.fields, _attachments(discord, call)
    if "attachments" in fields or attached:
        kept = _kept(message, fields)
        edited = replace(edited, attachment_ids=(*kept, *(each.id for each in attached)))
    if "content" in fields:
        content = limits.text_within("content", fields["content"], limits.CONTENT_MAX)
        edited = replace(edited, content=content, mention_ids=_mentioned(discord, content, fields))
    if "embeds" in fields:
        edited = replace(edited, embeds=limits.checked_embeds(fields["embeds"]))
    if "components" in fields:
        edited = replace(edited, components=limits.checked_components(fields["components"]))
    if "flags" in fields:
        edited = replace(edited, flags=_flags(fields))
    limits.refuse_empty(edited.content, edited.embeds, edited.components, edited.attachment_ids)
    return edited, attached


def _kept(message: Message, fields: Json) -> tuple[int, ...]:
    """The attachments that stay: all, or those that the body lists."""
    if "attachments" not in fields:
        return message.attachment_ids
    named = {str(file.get("id")) for file in limits.checked_files(fields["attachments"])}
    return tuple(attachment_id for attachment_id in message.attachment_ids if str(attachment_id) in named)


def _attachments(discord: LocalDiscord, call: Call) -> tuple[Attachment, ...]:
    """The uploads; the body describes them by their index."""
    files = limits.checked_files(call.fields.get("attachments"))
    described = {str(file.get("id")): file.get("description") for file in files}
    return tuple(_attachment(discord, upload, described.get(str(at))) for at, upload in enumerate(call.uploads))


def _attachment(discord: LocalDiscord, upload: Upload, description: str | None) -> Attachment:
    content = base64.b64encode(upload.content).decode()
    kind = mimetypes.guess_type(upload.filename)[0] or upload.content_type  # clients send "octet-stream" for everything
    size = len(upload.content)
    return Attachment(discord.snowflakes.next(), upload.filename, kind, content, size, description)


def _mentioned(discord: LocalDiscord, content: str, fields: Json) -> tuple[int, ...]:
    """The users to notify: all that the text mentions, unless `allowed_mentions` allows fewer."""
    named = dict.fromkeys(int(text) for text in USER_MENTION.findall(content))
    known = [user_id for user_id in named if user_id in discord.users]
    allowed = fields.get("allowed_mentions")
    if not isinstance(allowed, dict) or "users" in allowed.get("parse", ()):
        return tuple(known)
    listed = {str(user_id) for user_id in allowed.get("users", ())}
    return tuple(user_id for user_id in known if str(user_id) in listed)


def _reply_target(discord: LocalDiscord, channel: Channel, fields: Json) -> int | None:
    reference = fields.get("message_reference")
    if not isinstance(reference, dict):
        return None
    message_id = as_id("message_reference.message_id", reference.get("message_id"))
    target = discord.shelf.find(message_id)
    if target is not None and not target.deleted and target.channel_id == channel.id:
        return message_id
    if reference.get("fail_if_not_exists", True):
        raise invalid_field("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def _flags(fields: Json) -> int:
    flags = fields.get("flags") or 0
    if not isinstance(flags, int):
        raise invalid_field("flags", "NUMBER_TYPE_COERCE", "Value is not int.")
    return flags & MESSAGE_FLAGS_ALLOWED
