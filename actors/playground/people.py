"""Performs what people do in the playground, and what happens to the bot there: one synchronous method each.

Channels and users are given by name or id. An unknown one raises `Refusal` with Discord's error.
"""

from collections.abc import Iterable
from dataclasses import replace

from .commands import data_of_line, data_of_menu
from .interactions import Interaction, Kind, press_of
from .limits import CONTENT_MAX, RefusedWords, checked_name, refuse_empty, text_within
from .local_discord import Author, Draft, LocalDiscord
from .permissions import permission_named
from .records import Channel, Message, User, Webhook
from .refusals import UNKNOWN_MESSAGE, Refusal
from .screen import ShownMessage, shown


class Steering:
    """Acts on a world for its people; every change reaches connected clients as on Discord."""

    def __init__(self, discord: LocalDiscord) -> None:
        self.discord = discord

    def say(self, channel: str | int, user: str | int, text: str, *, reply_to: int | None = None) -> ShownMessage:
        """Posts a person's message; trimmed, and refused above 2,000 characters, as on Discord."""
        place, person = self.discord.find_channel(channel), self.discord.find_user(user)
        content = text_within("content", text, CONTENT_MAX)
        refuse_empty(content)
        if reply_to is not None:
            self.discord.shelf.get(place.id, reply_to)
        mentioned = (self.discord.bot.id,) if f"<@{self.discord.bot.id}>" in content else ()
        draft = Draft(content, mention_ids=mentioned, reply_to=reply_to)
        name = person.shown_name if place.recipient_id is None else person.global_name or person.name
        return shown(self.discord, self.discord.post(place, Author(person.id, name), draft))

    def edit(self, message_id: int, text: str) -> ShownMessage:
        """A message's author changes its text."""
        content = text_within("content", text, CONTENT_MAX)
        refuse_empty(content)
        return shown(self.discord, self.discord.edit(replace(self._message(message_id), content=content)))

    def delete(self, message_id: int) -> None:
        """A message's author, or a moderator, deletes it."""
        self.discord.delete(self._message(message_id))

    def purge(self, channel: str | int, message_ids: Iterable[int]) -> None:
        """A moderator deletes several messages of a channel at once."""
        place = self.discord.find_channel(channel)
        self.discord.purge(place, tuple(self.discord.shelf.get(place.id, message_id) for message_id in message_ids))

    def react(self, message_id: int, user: str | int, emoji: str, *, on: bool = True) -> None:
        """A person adds or removes a reaction."""
        self.discord.react(self._message(message_id), self.discord.find_user(user).id, emoji, on=on)

    def press(self, message_id: int, user: str | int, custom_id: str) -> Interaction:
        """A person presses a button of a message."""
        message = self._message(message_id)
        place, data = self.discord.channel(message.channel_id), press_of(message, custom_id)
        return self.discord.interact(self.discord.find_user(user), place, Kind.COMPONENT, data, message)

    def command(self, channel: str | int, user: str | int, line: str) -> Interaction:
        """A person sends a command (`/debug fleet`). Raises ValueError if the bot has none that fits."""
        data = data_of_line(self.discord.commands, line)
        return self.discord.interact(
            self.discord.find_user(user), self.discord.find_channel(channel), Kind.COMMAND, data
        )

    def complete(self, channel: str | int, user: str | int, line: str) -> Interaction:
        """A person types the last option of a command, and the bot is asked for choices. Raises ValueError."""
        data = data_of_line(self.discord.commands, line, completes=True)
        place, person = self.discord.find_channel(channel), self.discord.find_user(user)
        return self.discord.interact(person, place, Kind.AUTOCOMPLETE, data)

    def choose(self, message_id: int, user: str | int, name: str) -> Interaction:
        """A person chooses an entry of a message's menu. Raises ValueError if the bot has none of this name."""
        message = self._message(message_id)
        place, data = self.discord.channel(message.channel_id), data_of_menu(self.discord.commands, name, message_id)
        return self.discord.interact(self.discord.find_user(user), place, Kind.COMMAND, data, message)

    def type_in(self, channel: str | int, user: str | int) -> None:
        """A person begins to type."""
        self.discord.type_in(self.discord.find_channel(channel), self.discord.find_user(user).id)

    def messages(self, channel: str | int | None = None, *, with_deleted: bool = False) -> list[ShownMessage]:
        """The messages that a channel shows (or all channels), oldest first; on request with deleted ones."""
        place = None if channel is None else self.discord.find_channel(channel).id
        return [
            shown(self.discord, message)
            for message in self.discord.shelf.all()
            if place in (None, message.channel_id) and (with_deleted or not message.deleted)
        ]

    def add_user(self, name: str) -> User:
        """Adds a person."""
        return self.discord.add_user(checked_name("name", name))

    def name_member(self, user: str | int, nick: str | None, *, global_name: str | None = None) -> User:
        """Sets a person's nickname in the guild (None removes it), and the account's display name if given."""
        person = self.discord.find_user(user)
        return self.discord.change_user(replace(person, nick=nick, global_name=global_name or person.global_name))

    def appoint(self, user: str | int, *, moderates: bool = True) -> User:
        """The owner gives a person the role *Moderators*, or takes it away."""
        return self.discord.change_user(replace(self.discord.find_user(user), moderates=moderates))

    def leave(self, user: str | int, *, left: bool = True) -> User:
        """A person leaves the guild, or comes back."""
        return self.discord.change_user(replace(self.discord.find_user(user), has_left=left))

    def add_channel(self, name: str) -> Channel:
        """Adds a text channel."""
        return self.discord.add_channel(checked_name("name", name))

    def add_thread(self, channel: str | int, name: str, user: str | int, *, on: int | None = None) -> Channel:
        """A person starts a thread in a channel; on a message if its id is given."""
        parent = self.discord.find_channel(channel)
        message = None if on is None else self.discord.shelf.get(parent.id, on)
        return self.discord.add_thread(parent, checked_name("name", name), self.discord.find_user(user).id, on=message)

    def open_dm(self, user: str | int) -> Channel:
        """Opens the DM channel of a person and the bot."""
        return self.discord.open_dm(self.discord.find_user(user))

    def delete_channel(self, channel: str | int) -> None:
        """Somebody deletes a channel or a thread."""
        self.discord.delete_channel(self.discord.find_channel(channel))

    def close_thread(self, thread: str | int, *, archived: bool = True, locked: bool = True) -> None:
        """A moderator archives or locks a thread; with neither, opens it again. Raises ValueError for a channel."""
        place = self.discord.find_channel(thread)
        if place.parent_id is None:
            raise ValueError(f"#{place.name} is not a thread: only threads can be closed")
        self.discord.close_thread(place, archived=archived, locked=locked)

    def open_thread(self, thread: str | int) -> None:
        """A moderator opens a closed thread again."""
        self.close_thread(thread, archived=False, locked=False)

    def refuse_names(self, *words: str, are_named: bool = True) -> None:
        """Refuses webhooks' names with these words from now on; `are_named`: the refusal names the word."""
        self.discord.refused_words = RefusedWords(frozenset(word.lower() for word in words), are_named)

    def webhooks(self, channel: str | int) -> list[Webhook]:
        """The webhooks of a channel, oldest first."""
        return self.discord.webhooks_of(self.discord.find_channel(channel))

    def delete_webhook(self, webhook_id: int) -> None:
        """Somebody deletes one of the bot's webhooks."""
        self.discord.change_webhook(replace(self.discord.webhook(webhook_id), deleted=True))

    def move_webhook(self, webhook_id: int, channel: str | int, *, is_told: bool = True) -> None:
        """A moderator moves a webhook: it posts into that channel from now on.

        Unless `is_told`, the gateway sends no event, as if a line in flight were faster than the event.
        """
        self.discord.move_webhook(self.discord.webhook(webhook_id), self.discord.find_channel(channel), is_told=is_told)

    def permit(self, permission: str, allowed: bool, *, channel: str | int | None = None) -> None:
        """Grants the bot a permission (`MANAGE_WEBHOOKS`) or revokes it, in one channel or everywhere."""
        place = None if channel is None else self.discord.find_channel(channel)
        self.discord.permit(permission_named(permission), allowed, place)

    def _message(self, message_id: int) -> Message:
        message = self.discord.shelf.find(message_id)
        if message is None or message.deleted:
            raise Refusal(UNKNOWN_MESSAGE)
        return message
