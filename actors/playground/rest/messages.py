"""The messages of a channel: read, posted, edited and deleted by the bot, and its reactions."""

from ..ledger import Line
from ..limits import PAGE_MAX
from ..payloads import message_json
from ..permissions import Permission
from ..records import DM_CHANNEL, Channel, Message
from ..refusals import DM_CHANNEL_REFUSED, OTHERS_MESSAGE, Refusal, invalid_field
from ..world import Author, World
from .call import Answer, Call, Route
from .channels import visible_channel, write_permission
from .drafts import read_draft, read_edit

PAGE_DEFAULT = 50


def list_messages(world: World, call: Call) -> Answer:
    """One page, newest first. Without the permission to read the history it is empty, as on Discord."""
    channel = visible_channel(world, call)
    page = _page(world, channel, call)
    if Permission.READ_MESSAGE_HISTORY not in world.permissions_in(channel):
        page = []
    return Answer(200, [message_json(world, message) for message in world.dialect.arranged(page)])


def get_message(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call, Permission.READ_MESSAGE_HISTORY)
    return Answer(200, message_json(world, world.shelf.get(channel.id, call.id("message"))))


def post_message(world: World, call: Call) -> Answer:
    """A message of the bot. A nonce that it used within the window answers with the first message."""
    channel = visible_channel(world, call)
    draft = read_draft(world, channel, call)
    _require_for(world, channel, has_embeds=bool(draft.embeds), has_files=bool(draft.attachments))
    author = Author(world.bot.id, world.bot.name)
    message = world.post(channel, author, draft, enforce_nonce=call.fields.get("enforce_nonce") is True)
    return Answer(200, message_json(world, message), message.id)


def edit_message(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call)
    message = world.shelf.get(channel.id, call.id("message"))
    if message.author_id != world.bot.id:
        raise Refusal(OTHERS_MESSAGE)
    world.require_open(channel)
    edited = world.edit(*read_edit(world, message, call))
    return Answer(200, message_json(world, edited), edited.id)


def delete_message(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call)
    message = world.shelf.get(channel.id, call.id("message"))
    if message.author_id != world.bot.id:
        _require_over_others(world, channel)
    world.require_open(channel)
    world.delete(message)
    return Answer(204, message_id=message.id)


def add_reaction(world: World, call: Call) -> Answer:
    channel = visible_channel(world, call, Permission.ADD_REACTIONS)
    _react(world, channel, call, on=True)
    return Answer(204)


def remove_reaction(world: World, call: Call) -> Answer:
    _react(world, visible_channel(world, call), call, on=False)
    return Answer(204)


def embed_line(world: World, call: Call) -> Line | None:
    """The character's line in a message of the bot: one that carries an embed; plain text is a notice."""
    embeds = call.fields.get("embeds")
    if not isinstance(embeds, list) or not embeds or not isinstance(embeds[0], dict):
        return None
    nonce = call.fields.get("nonce")
    title, text = embeds[0].get("title"), embeds[0].get("description")
    return Line(str(title or world.bot.name), str(text or ""), None if nonce is None else str(nonce))


def _page(world: World, channel: Channel, call: Call) -> list[Message]:
    asked, dialect = call.query.get("limit", str(PAGE_DEFAULT)), world.dialect
    if not asked.isdecimal() or not 1 <= int(asked) <= PAGE_MAX:
        raise invalid_field("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {PAGE_MAX}.")
    limit = dialect.page or int(asked)
    after, around = call.query_id("after"), call.query_id("around")
    if after is not None:
        return world.shelf.after(channel.id, after - 1 if dialect.repeats else after, limit)
    if around is not None:
        return world.shelf.around(channel.id, around, limit)
    return world.shelf.before(channel.id, call.query_id("before"), limit)


def _require_for(world: World, channel: Channel, *, has_embeds: bool, has_files: bool) -> None:
    needed = write_permission(channel)
    needed |= Permission.EMBED_LINKS if has_embeds else Permission(0)
    needed |= Permission.ATTACH_FILES if has_files else Permission(0)
    world.require(channel, needed)


def _require_over_others(world: World, channel: Channel) -> None:
    if channel.kind == DM_CHANNEL:
        raise Refusal(DM_CHANNEL_REFUSED)
    world.require(channel, Permission.MANAGE_MESSAGES)


def _react(world: World, channel: Channel, call: Call, *, on: bool) -> None:
    message = world.shelf.get(channel.id, call.id("message"))
    world.require_open(channel)
    world.react(message, world.bot.id, call.params["emoji"], on=on)


ROUTES = (
    Route("GET", "/channels/{channel}/messages", list_messages),
    Route("POST", "/channels/{channel}/messages", post_message, embed_line),
    Route("GET", "/channels/{channel}/messages/{message}", get_message),
    Route("PATCH", "/channels/{channel}/messages/{message}", edit_message, embed_line),
    Route("DELETE", "/channels/{channel}/messages/{message}", delete_message),
    Route("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", add_reaction),
    Route("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", remove_reaction),
)
