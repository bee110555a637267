"""From a request's body to a checked draft, shared by the bot's own messages and the webhooks'."""

import base64
import mimetypes
import re
from dataclasses import replace

from .. import limits
from ..records import Attachment, Channel, Json, Message
from ..refusals import invalid_field
from ..world import Draft, World
from .call import Call, Upload, as_id

USER_MENTION = re.compile(r"<@!?(\d+)>")
MESSAGE_FLAGS_ALLOWED = 1 << 2 | 1 << 12 | 1 << 15
"""Suppress embeds, suppress notifications, components V2."""


def read_draft(world: World, channel: Channel, call: Call) -> Draft:
    """The new message; raises 50035 and 50006 as Discord does."""
    fields = call.fields
    content = limits.text_within("content", fields.get("content"), limits.CONTENT_MAX)
    draft = Draft(
        content=content,
        embeds=limits.checked_embeds(fields.get("embeds")),
        components=limits.checked_components(fields.get("components")),
        attachments=_attachments(world, call),
        mention_ids=_mentioned(world, content, fields),
        nonce=limits.checked_nonce(fields.get("nonce")),
        reply_to=_reply_target(world, channel, fields),
        flags=_flags(fields),
    )
    limits.refuse_empty(draft.content, draft.embeds, draft.components, draft.attachments)
    return draft


def read_edit(world: World, message: Message, call: Call) -> tuple[Message, tuple[Attachment, ...]]:
    """The message with the fields that the body names replaced, and what is attached anew."""
    edited, fields, attached = message, call.fields, _attachments(world, call)
    if "attachments" in fields or attached:
        kept = _kept(message, fields)
        edited = replace(edited, attachment_ids=(*kept, *(each.id for each in attached)))
    if "content" in fields:
        content = limits.text_within("content", fields["content"], limits.CONTENT_MAX)
        edited = replace(edited, content=content, mention_ids=_mentioned(world, content, fields))
    if "embeds" in fields:
        edited = replace(edited, embeds=limits.checked_embeds(fields["embeds"]))
    if "components" in fields:
        edited = replace(edited, components=limits.checked_components(fields["components"]))
    if "flags" in fields:
        edited = replace(edited, flags=_flags(fields))
    limits.refuse_empty(edited.content, edited.embeds, edited.components, edited.attachment_ids)
    return edited, attached


def _kept(message: Message, fields: Json) -> tuple[int, ...]:
    """Of what is attached already: all of it, or what the body still names."""
    if "attachments" not in fields:
        return message.attachment_ids
    named = {str(file.get("id")) for file in limits.checked_files(fields["attachments"])}
    return tuple(attachment_id for attachment_id in message.attachment_ids if str(attachment_id) in named)


def _attachments(world: World, call: Call) -> tuple[Attachment, ...]:
    """The uploads; the body describes them by their numbers."""
    files = limits.checked_files(call.fields.get("attachments"))
    described = {str(file.get("id")): file.get("description") for file in files}
    return tuple(_attachment(world, upload, described.get(str(at))) for at, upload in enumerate(call.uploads))


def _attachment(world: World, upload: Upload, description: str | None) -> Attachment:
    content = base64.b64encode(upload.content).decode()
    kind = mimetypes.guess_type(upload.filename)[0] or upload.content_type  # clients say "octet-stream" of everything
    size = len(upload.content)
    return Attachment(world.snowflakes.next(), upload.filename, kind, content, size, description)


def _mentioned(world: World, content: str, fields: Json) -> tuple[int, ...]:
    """The people who are notified: all that the text names, unless `allowed_mentions` says less."""
    named = dict.fromkeys(int(text) for text in USER_MENTION.findall(content))
    known = [user_id for user_id in named if user_id in world.users]
    allowed = fields.get("allowed_mentions")
    if not isinstance(allowed, dict) or "users" in allowed.get("parse", ()):
        return tuple(known)
    listed = {str(user_id) for user_id in allowed.get("users", ())}
    return tuple(user_id for user_id in known if str(user_id) in listed)


def _reply_target(world: World, channel: Channel, fields: Json) -> int | None:
    reference = fields.get("message_reference")
    if not isinstance(reference, dict):
        return None
    message_id = as_id("message_reference.message_id", reference.get("message_id"))
    target = world.shelf.find(message_id)
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
