"""Routes of webhooks and their messages. With the webhook's token in the path, the bot's own token is not needed."""

import hmac
from dataclasses import replace

from ..ledger import Line
from ..limits import checked_webhook_name
from ..local_discord import Author, LocalDiscord
from ..payloads import message_json, webhook_json
from ..permissions import Permission
from ..records import Channel, Message, Webhook
from ..refusals import INVALID_WEBHOOK_TOKEN, UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, Refusal
from .call import Answer, Call, Route, as_id
from .channels import checked_avatar
from .drafts import read_draft, read_edit
from .interactions import follow_up, is_for_interaction


def get_webhook(discord: LocalDiscord, call: Call) -> Answer:
    webhook = _managed(discord, call)
    return Answer(200, webhook_json(discord, webhook, with_creator=True))


def edit_webhook(discord: LocalDiscord, call: Call) -> Answer:
    """Changes the name, picture or channel; a new channel needs the bot's permission in both channels."""
    webhook, channel_id = _managed(discord, call), call.fields.get("channel_id")
    if channel_id is not None:
        channel = discord.channel(as_id("channel_id", channel_id))
        discord.require(channel, Permission.MANAGE_WEBHOOKS)
        webhook = discord.move_webhook(webhook, channel)
    return _edit(discord, webhook, call, with_creator=True)


def delete_webhook(discord: LocalDiscord, call: Call) -> Answer:
    discord.change_webhook(replace(_managed(discord, call), deleted=True))
    return Answer(204)


def get_webhook_by_token(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, webhook_json(discord, _owned(discord, call), with_creator=False))


def edit_webhook_by_token(discord: LocalDiscord, call: Call) -> Answer:
    return _edit(discord, _owned(discord, call), call, with_creator=False)


def delete_webhook_by_token(discord: LocalDiscord, call: Call) -> Answer:
    discord.change_webhook(replace(_owned(discord, call), deleted=True))
    return Answer(204)


def execute(discord: LocalDiscord, call: Call) -> Answer:
    """Posts a message under the webhook's name or the body's `username`; returns it only if `wait` is set."""
    if is_for_interaction(discord, call):
        return follow_up(discord, call)
    webhook = _owned(discord, call)
    channel = _channel(discord, webhook, call)
    draft = replace(read_draft(discord, channel, call), nonce=None)
    username, avatar_url = call.fields.get("username"), call.fields.get("avatar_url")
    name = webhook.name if username is None else checked_webhook_name("username", username, discord.refused_words)
    author = Author(webhook.id, name, webhook.id, str(avatar_url) if avatar_url else None)
    message = discord.post(channel, author, draft)
    if discord.dialect.bare_posts or not _is_true(call.query.get("wait")):
        return Answer(204, message_id=message.id)
    return Answer(200, message_json(discord, message), message.id)


def get_message(discord: LocalDiscord, call: Call) -> Answer:
    return Answer(200, message_json(discord, _own_message(discord, call)))


def edit_message(discord: LocalDiscord, call: Call) -> Answer:
    message = _own_message(discord, call)
    discord.require_open(discord.channel(message.channel_id))
    edited = discord.edit(*read_edit(discord, message, call))
    return Answer(200, message_json(discord, edited), edited.id)


def delete_message(discord: LocalDiscord, call: Call) -> Answer:
    message = _own_message(discord, call)
    discord.require_open(discord.channel(message.channel_id))
    discord.delete(message)
    return Answer(204, message_id=message.id)


def webhook_line(discord: LocalDiscord, call: Call) -> Line | None:
    """The character's line that a webhook posts; None for an interaction's answer, and for a mere embed (a notice)."""
    if is_for_interaction(discord, call) or (call.fields.get("embeds") and not call.fields.get("content")):
        return None
    webhook = discord.webhooks.get(call.id("webhook"))
    own_name = "" if webhook is None else webhook.name
    return Line(str(call.fields.get("username") or own_name), str(call.fields.get("content") or ""), None)


def _managed(discord: LocalDiscord, call: Call) -> Webhook:
    webhook = discord.webhook(call.id("webhook"))
    discord.require(discord.channel(webhook.channel_id), Permission.MANAGE_WEBHOOKS)
    return webhook


def _owned(discord: LocalDiscord, call: Call) -> Webhook:
    webhook = discord.webhook(call.id("webhook"))
    if not hmac.compare_digest(webhook.token.encode(), call.params["token"].encode()):
        raise Refusal(INVALID_WEBHOOK_TOKEN)
    return webhook


def _edit(discord: LocalDiscord, webhook: Webhook, call: Call, *, with_creator: bool) -> Answer:
    changed = webhook
    if "name" in call.fields:
        changed = replace(changed, name=checked_webhook_name("name", call.fields["name"], discord.refused_words))
    if "avatar" in call.fields:
        changed = replace(changed, avatar=checked_avatar(call.fields["avatar"]))
    if changed != webhook:
        discord.change_webhook(changed)
    return Answer(200, webhook_json(discord, changed, with_creator=with_creator))


def _channel(discord: LocalDiscord, webhook: Webhook, call: Call) -> Channel:
    """The webhook's channel, or the thread in the query, which must belong to that channel."""
    thread_id = call.query_id("thread_id")
    if thread_id is None:
        return discord.channel(webhook.channel_id)
    thread = discord.channel(thread_id)
    if thread.parent_id != webhook.channel_id:
        raise Refusal(UNKNOWN_CHANNEL)
    return thread


def _own_message(discord: LocalDiscord, call: Call) -> Message:
    webhook = _owned(discord, call)
    message = discord.shelf.get(_channel(discord, webhook, call).id, call.id("message"))
    if message.webhook_id != webhook.id:
        raise Refusal(UNKNOWN_MESSAGE)
    return message


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() in ("1", "true")


ROUTES = (
    Route("GET", "/webhooks/{webhook}", get_webhook),
    Route("PATCH", "/webhooks/{webhook}", edit_webhook),
    Route("DELETE", "/webhooks/{webhook}", delete_webhook),
    Route("GET", "/webhooks/{webhook}/{token}", get_webhook_by_token, needs_bot=False),
    Route("PATCH", "/webhooks/{webhook}/{token}", edit_webhook_by_token, needs_bot=False),
    Route("DELETE", "/webhooks/{webhook}/{token}", delete_webhook_by_token, needs_bot=False),
    Route("POST", "/webhooks/{webhook}/{token}", execute, webhook_line, needs_bot=False),
    Route("GET", "/webhooks/{webhook}/{token}/messages/{message}", get_message, needs_bot=False),
    Route("PATCH", "/webhooks/{webhook}/{token}/messages/{message}", edit_message, webhook_line, needs_bot=False),
    Route("DELETE", "/webhooks/{webhook}/{token}/messages/{message}", delete_message, needs_bot=False),
)
