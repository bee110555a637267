"""What people do in the playground, and what happens to the bot there: one method each, at once.

Channels and users are given by name or id. What does not exist raises `Refusal` with Discord's words.
"""

from collections.abc import Iterable
from dataclasses import replace

from .commands import data_of_line, data_of_menu
from .interactions import Interaction, Kind, press_of
from .limits import CONTENT_MAX, RefusedWords, checked_name, refuse_empty, text_within
from .permissions import permission_named
from .records import Channel, Message, User, Webhook
from .refusals import UNKNOWN_MESSAGE, Refusal
from .shown import ShownMessage, shown
from .world import Author, Draft, World


class Steering:
    """Hands on a world; every change reaches connected clients as on Discord."""

    def __init__(self, world: World) -> None:
        self.world = world

    def say(self, channel: str | int, user: str | int, text: str, *, reply_to: int | None = None) -> ShownMessage:
        """A person's message; trimmed, and refused beyond 2,000 characters, as Discord does."""
        place, person = self.world.find_channel(channel), self.world.find_user(user)
        content = text_within("content", text, CONTENT_MAX)
        refuse_empty(content)
        if reply_to is not None:
            self.world.shelf.get(place.id, reply_to)
        mentioned = (self.world.bot.id,) if f"<@{self.world.bot.id}>" in content else ()
        draft = Draft(content, mention_ids=mentioned, reply_to=reply_to)
        name = person.shown_name if place.recipient_id is None else person.global_name or person.name
        return shown(self.world, self.world.post(place, Author(person.id, name), draft))

    def edit(self, message_id: int, text: str) -> ShownMessage:
        """A message's author changes its text."""
        content = text_within("content", text, CONTENT_MAX)
        refuse_empty(content)
        return shown(self.world, self.world.edit(replace(self._message(message_id), content=content)))

    def delete(self, message_id: int) -> None:
        """A message's author, or a moderator, takes it away."""
        self.world.delete(self._message(message_id))

    def purge(self, channel: str | int, message_ids: Iterable[int]) -> None:
        """A moderator takes several messages of a channel away at once."""
        place = self.world.find_channel(channel)
        self.world.purge(place, tuple(self.world.shelf.get(place.id, message_id) for message_id in message_ids))

    def react(self, message_id: int, user: str | int, emoji: str, *, on: bool = True) -> None:
        """A person's reaction, or its end."""
        self.world.react(self._message(message_id), self.world.find_user(user).id, emoji, on=on)

    def press(self, message_id: int, user: str | int, custom_id: str) -> Interaction:
        """A person presses a button of a message."""
        message = self._message(message_id)
        place, data = self.world.channel(message.channel_id), press_of(message, custom_id)
        return self.world.interact(self.world.find_user(user), place, Kind.COMPONENT, data, message)

    def command(self, channel: str | int, user: str | int, line: str) -> Interaction:
        """A person sends a command (`/debug fleet`). Raises ValueError if the bot has none that fits."""
        data = data_of_line(self.world.commands, line)
        return self.world.interact(self.world.find_user(user), self.world.find_channel(channel), Kind.COMMAND, data)

    def complete(self, channel: str | int, user: str | int, line: str) -> Interaction:
        """A person types the last option of a command, and the bot is asked what it may be. Raises ValueError."""
        data = data_of_line(self.world.commands, line, completes=True)
        place, person = self.world.find_channel(channel), self.world.find_user(user)
        return self.world.interact(person, place, Kind.AUTOCOMPLETE, data)

    def choose(self, message_id: int, user: str | int, name: str) -> Interaction:
        """A person chooses an entry of a message's menu. Raises ValueError if the bot has none of this name."""
        message = self._message(message_id)
        place, data = self.world.channel(message.channel_id), data_of_menu(self.world.commands, name, message_id)
        return self.world.interact(self.world.find_user(user), place, Kind.COMMAND, data, message)

    def type_in(self, channel: str | int, user: str | int) -> None:
        """A person begins to type."""
        self.world.type_in(self.world.find_channel(channel), self.world.find_user(user).id)

    def messages(self, channel: str | int | None = None, *, with_deleted: bool = False) -> list[ShownMessage]:
        """What a channel shows (or all of them), oldest first; on request with what was deleted."""
        place = None if channel is None else self.world.find_channel(channel).id
        return [
            shown(self.world, message)
            for message in self.world.shelf.all()
            if place in (None, message.channel_id) and (with_deleted or not message.deleted)
        ]

    def add_user(self, name: str) -> User:
        """A new person."""
        return self.world.add_user(checked_name("name", name))

    def name_member(self, user: str | int, nick: str | None, *, global_name: str | None = None) -> User:
        """A person gets a nickname in the guild (None: none), and a display name of the account's own if given."""
        person = self.world.find_user(user)
        return self.world.change_user(replace(person, nick=nick, global_name=global_name or person.global_name))

    def leave(self, user: str | int, *, left: bool = True) -> User:
        """A person leaves the guild, or comes back."""
        return self.world.change_user(replace(self.world.find_user(user), has_left=left))

    def add_channel(self, name: str) -> Channel:
        """A new text channel."""
        return self.world.add_channel(checked_name("name", name))

    def add_thread(self, channel: str | int, name: str, user: str | int, *, on: int | None = None) -> Channel:
        """A person's new thread in a channel; on a message if its id is given."""
        parent = self.world.find_channel(channel)
        message = None if on is None else self.world.shelf.get(parent.id, on)
        return self.world.add_thread(parent, checked_name("name", name), self.world.find_user(user).id, on=message)

    def open_dm(self, user: str | int) -> Channel:
        """The direct conversation of a person and the bot."""
        return self.world.open_dm(self.world.find_user(user))

    def delete_channel(self, channel: str | int) -> None:
        """Somebody deletes a channel or a thread."""
        self.world.delete_channel(self.world.find_channel(channel))

    def close_thread(self, thread: str | int, *, archived: bool = True, locked: bool = True) -> None:
        """A moderator archives or locks a thread; with neither it is open again. Raises ValueError for a channel."""
        place = self.world.find_channel(thread)
        if place.parent_id is None:
            raise ValueError(f"#{place.name} is no thread: only threads can be closed")
        self.world.close_thread(place, archived=archived, locked=locked)

    def open_thread(self, thread: str | int) -> None:
        """A moderator opens it again."""
        self.close_thread(thread, archived=False, locked=False)

    def refuse_names(self, *words: str, are_named: bool = True) -> None:
        """From now on no webhook's name may contain these words; the answer names the word or keeps it to itself."""
        self.world.refused_words = RefusedWords(frozenset(word.lower() for word in words), are_named)

    def webhooks(self, channel: str | int) -> list[Webhook]:
        """The webhooks of a channel, oldest first."""
        return self.world.webhooks_of(self.world.find_channel(channel))

    def delete_webhook(self, webhook_id: int) -> None:
        """Somebody deletes one of the bot's webhooks."""
        self.world.change_webhook(replace(self.world.webhook(webhook_id), deleted=True))

    def move_webhook(self, webhook_id: int, channel: str | int, *, is_told: bool = True) -> None:
        """A moderator moves a webhook: what it posts stands in that channel from now on.

        Unless `is_told`, the gateway says nothing, as if the line in flight were faster than its event.
        """
        self.world.move_webhook(self.world.webhook(webhook_id), self.world.find_channel(channel), is_told=is_told)

    def permit(self, permission: str, allowed: bool, *, channel: str | int | None = None) -> None:
        """Gives the bot a permission (`MANAGE_WEBHOOKS`) or takes it, in one channel or everywhere."""
        place = None if channel is None else self.world.find_channel(channel)
        self.world.permit(permission_named(permission), allowed, place)

    def _message(self, message_id: int) -> Message:
        message = self.world.shelf.find(message_id)
        if message is None or message.deleted:
            raise Refusal(UNKNOWN_MESSAGE)
        return message
