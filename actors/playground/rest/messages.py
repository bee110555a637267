"""Routes with which the bot reads, posts, edits and deletes messages of a channel, and reacts to them."""

from ..ledger import Line
from ..limits import PAGE_MAX
from ..local_discord import Author, LocalDiscord
from ..payloads import message_json
from ..permissions import Permission
from ..records import DM_CHANNEL, Channel, Message
from ..refusals import DM_CHANNEL_REFUSED, OTHERS_MESSAGE, Refusal, invalid_field
from .call import Answer, Call, Route
from .channels import visible_channel, write_permission
from .drafts import read_draft, read_edit

PAGE_DEFAULT = 50


def list_messages(discord: LocalDiscord, call: Call) -> Answer:
    """One page, newest first. Without the permission to read the history it is empty, as on Discord."""
    channel = visible_channel(discord, call)
    page = _page(discord, channel, call)
    if Permission.READ_MESSAGE_HISTORY not in discord.permissions_in(channel):
        page = []
    return Answer(200, [message_json(discord, message) for message in discord.dialect.arranged(page)])


def get_message(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call, Permission.READ_MESSAGE_HISTORY)
    return Answer(200, message_json(discord, discord.shelf.get(channel.id, call.id("message"))))


def post_message(discord: LocalDiscord, call: Call) -> Answer:
    """Posts a message of the bot. If it used the nonce within the window, returns the first message."""
    channel = visible_channel(discord, call)
    draft = read_draft(discord, channel, call)
    _require_for(discord, channel, has_embeds=bool(draft.embeds), has_files=bool(draft.attachments))
    author = Author(discord.bot.id, discord.bot.name)
    message = discord.post(channel, author, draft, enforce_nonce=call.fields.get("enforce_nonce") is True)
    return Answer(200, message_json(discord, message), message.id)


def edit_message(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call)
    message = discord.shelf.get(channel.id, call.id("message"))
    if message.author_id != discord.bot.id:
        raise Refusal(OTHERS_MESSAGE)
    discord.require_open(channel)
    edited = discord.edit(*read_edit(discord, message, call))
    return Answer(200, message_json(discord, edited), edited.id)


def delete_message(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call)
    message = discord.shelf.get(channel.id, call.id("message"))
    if message.author_id != discord.bot.id:
        _require_over_others(discord, channel)
    discord.require_open(channel)
    discord.delete(message)
    return Answer(204, message_id=message.id)


def add_reaction(discord: LocalDiscord, call: Call) -> Answer:
    channel = visible_channel(discord, call, Permission.ADD_REACTIONS)
    _react(discord, channel, call, on=True)
    return Answer(204)


def remove_reaction(discord: LocalDiscord, call: Call) -> Answer:
    _react(discord, visible_channel(discord, call), call, on=False)
    return Answer(204)


def embed_line(discord: LocalDiscord, call: Call) -> Line | None:
    """The character's line if the bot's message has an embed; plain text is a notice."""
    embeds = call.fields.get("embeds")
    if not isinstance(embeds, list) or not embeds or not isinstance(embeds[0], dict):
        return None
    nonce = call.fields.get("nonce")
    title, text = embeds[0].get("title"), embeds[0].get("description")
    return Line(str(title or discord.bot.name), str(text or ""), None if nonce is None else str(nonce))


def _page(discord: LocalDiscord, channel: Channel, call: Call) -> list[Message]:
    asked, dialect = call.query.get("limit", str(PAGE_DEFAULT)), discord.dialect
    if not asked.isdecimal() or not 1 <= int(asked) <= PAGE_MAX:
        raise invalid_field("limit", "NUMBER_TYPE_MAX", f"int value should be between 1 and {PAGE_MAX}.")
    limit = dialect.page or int(asked)
    after, around = call.query_id("after"), call.query_id("around")
    if after is not None:
        return discord.shelf.after(channel.id, after - 1 if dialect.repeats else after, limit)
    if around is not None:
        return discord.shelf.around(channel.id, around, limit)
    return discord.shelf.before(channel.id, call.query_id("before"), limit)


def _require_for(discord: LocalDiscord, channel: Channel, *, has_embeds: bool, has_files: bool) -> None:
    needed = write_permission(channel)
    needed |= Permission.EMBED_LINKS if has_embeds else Permission(0)
    needed |= Permission.ATTACH_FILES if has_files else Permission(0)
    discord.require(channel, needed)


def _require_over_others(discord: LocalDiscord, channel: Channel) -> None:
    if channel.kind == DM_CHANNEL:
        raise Refusal(DM_CHANNEL_REFUSED)
    discord.require(channel, Permission.MANAGE_MESSAGES)


def _react(discord: LocalDiscord, channel: Channel, call: Call, *, on: bool) -> None:
    message = discord.shelf.get(channel.id, call.id("message"))
    discord.require_open(channel)
    discord.react(message, discord.bot.id, call.params["emoji"], on=on)


ROUTES = (
    Route("GET", "/channels/{channel}/messages", list_messages),
    Route("POST", "/channels/{channel}/messages", post_message, embed_line),
    Route("GET", "/channels/{channel}/messages/{message}", get_message),
    Route("PATCH", "/channels/{channel}/messages/{message}", edit_message, embed_line),
    Route("DELETE", "/channels/{channel}/messages/{message}", delete_message),
    Route("PUT", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", add_reaction),
    Route("DELETE", "/channels/{channel}/messages/{message}/reactions/{emoji}/@me", remove_reaction),
)
