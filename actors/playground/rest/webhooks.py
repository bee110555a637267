"""Webhooks by id, and what they post; whoever has the token may, the bot's own token is not needed."""

import hmac
from dataclasses import replace

from ..ledger import Line
from ..limits import checked_webhook_name
from ..payloads import message_json, webhook_json
from ..permissions import Permission
from ..records import Channel, Message, Webhook
from ..refusals import INVALID_WEBHOOK_TOKEN, UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, Refusal
from ..world import Author, World
from .call import Answer, Call, Route, as_id
from .channels import checked_avatar
from .drafts import read_draft, read_edit
from .interactions import follow_up, is_for_interaction


def get_webhook(world: World, call: Call) -> Answer:
    webhook = _managed(world, call)
    return Answer(200, webhook_json(world, webhook, with_creator=True))


def edit_webhook(world: World, call: Call) -> Answer:
    """Another name, picture or channel; the last needs the bot's permission in both channels."""
    webhook, channel_id = _managed(world, call), call.fields.get("channel_id")
    if channel_id is not None:
        channel = world.channel(as_id("channel_id", channel_id))
        world.require(channel, Permission.MANAGE_WEBHOOKS)
        webhook = world.move_webhook(webhook, channel)
    return _edit(world, webhook, call, with_creator=True)


def delete_webhook(world: World, call: Call) -> Answer:
    world.change_webhook(replace(_managed(world, call), deleted=True))
    return Answer(204)


def get_webhook_by_token(world: World, call: Call) -> Answer:
    return Answer(200, webhook_json(world, _owned(world, call), with_creator=False))


def edit_webhook_by_token(world: World, call: Call) -> Answer:
    return _edit(world, _owned(world, call), call, with_creator=False)


def delete_webhook_by_token(world: World, call: Call) -> Answer:
    world.change_webhook(replace(_owned(world, call), deleted=True))
    return Answer(204)


def execute(world: World, call: Call) -> Answer:
    """Posts a message under the webhook's name or one of its own; answered only if `wait` asks for it."""
    if is_for_interaction(world, call):
        return follow_up(world, call)
    webhook = _owned(world, call)
    channel = _channel(world, webhook, call)
    draft = replace(read_draft(world, channel, call), nonce=None)
    username, avatar_url = call.fields.get("username"), call.fields.get("avatar_url")
    name = webhook.name if username is None else checked_webhook_name("username", username, world.refused_words)
    author = Author(webhook.id, name, webhook.id, str(avatar_url) if avatar_url else None)
    message = world.post(channel, author, draft)
    if world.dialect.bare_posts or not _is_true(call.query.get("wait")):
        return Answer(204, message_id=message.id)
    return Answer(200, message_json(world, message), message.id)


def get_message(world: World, call: Call) -> Answer:
    return Answer(200, message_json(world, _own_message(world, call)))


def edit_message(world: World, call: Call) -> Answer:
    message = _own_message(world, call)
    world.require_open(world.channel(message.channel_id))
    edited = world.edit(*read_edit(world, message, call))
    return Answer(200, message_json(world, edited), edited.id)


def delete_message(world: World, call: Call) -> Answer:
    message = _own_message(world, call)
    world.require_open(world.channel(message.channel_id))
    world.delete(message)
    return Answer(204, message_id=message.id)


def webhook_line(world: World, call: Call) -> Line | None:
    """What a webhook says is a character's line; an interaction's answer is none, nor is an embed alone: a notice."""
    if is_for_interaction(world, call) or (call.fields.get("embeds") and not call.fields.get("content")):
        return None
    webhook = world.webhooks.get(call.id("webhook"))
    own_name = "" if webhook is None else webhook.name
    return Line(str(call.fields.get("username") or own_name), str(call.fields.get("content") or ""), None)


def _managed(world: World, call: Call) -> Webhook:
    webhook = world.webhook(call.id("webhook"))
    world.require(world.channel(webhook.channel_id), Permission.MANAGE_WEBHOOKS)
    return webhook


def _owned(world: World, call: Call) -> Webhook:
    webhook = world.webhook(call.id("webhook"))
    if not hmac.compare_digest(webhook.token.encode(), call.params["token"].encode()):
        raise Refusal(INVALID_WEBHOOK_TOKEN)
    return webhook


def _edit(world: World, webhook: Webhook, call: Call, *, with_creator: bool) -> Answer:
    changed = webhook
    if "name" in call.fields:
        changed = replace(changed, name=checked_webhook_name("name", call.fields["name"], world.refused_words))
    if "avatar" in call.fields:
        changed = replace(changed, avatar=checked_avatar(call.fields["avatar"]))
    if changed != webhook:
        world.change_webhook(changed)
    return Answer(200, webhook_json(world, changed, with_creator=with_creator))


def _channel(world: World, webhook: Webhook, call: Call) -> Channel:
    """Where it posts: its channel, or the thread in the query, which must be one of that channel's."""
    thread_id = call.query_id("thread_id")
    if thread_id is None:
        return world.channel(webhook.channel_id)
    thread = world.channel(thread_id)
    if thread.parent_id != webhook.channel_id:
        raise Refusal(UNKNOWN_CHANNEL)
    return thread


def _own_message(world: World, call: Call) -> Message:
    webhook = _owned(world, call)
    message = world.shelf.get(_channel(world, webhook, call).id, call.id("message"))
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
