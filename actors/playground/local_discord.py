"""Holds the whole small Discord in memory: one guild, its channels, people, webhooks and messages.

    REST, control, people ──► World ──► keep(record)      one row of the world's file
                                   └──► listener(event)   gateway, page

Every operation is synchronous: it is done at once, or refused with Discord's own error. So a message is stored,
registered by its nonce and announced in one step, whatever happens to the answer. Discord's system messages
("… started a thread") are not created.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from . import records
from .bot_rights import Standing
from .dialect import DISCORD
from .events import Event, Purged, Reacted, Registered, Subject, Typed
from .interactions import Callback, Desk, Interaction, Kind, Whisper
from .limits import RefusedWords, refuse_webhook
from .records import Attachment, Channel, Guild, Json, Message, Record, User, Webhook
from .refusals import (
    CHANNEL_TYPE_REFUSED,
    THREAD_EXISTS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    UNKNOWN_USER,
    UNKNOWN_WEBHOOK,
    Refusal,
)
from .shelf import NONCE_WINDOW_S, Nonces, Shelf
from .snowflake import Snowflakes

GUILD_NAME, BOT_NAME = "Playground", "Ensemble"
PEOPLE = ("Robin", "Sam", "Kim")
CHANNEL_NAMES = ("tavern", "station", "library")


@dataclass(frozen=True, slots=True)
class Author:
    """The author that a message shows."""

    id: int
    name: str
    webhook_id: int | None = None
    avatar_url: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it is posted, already checked against Discord's limits."""

    content: str = ""
    embeds: tuple[Json, ...] = ()
    components: tuple[Json, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    mention_ids: tuple[int, ...] = ()
    nonce: str | None = None
    reply_to: int | None = None
    flags: int = 0


class LocalDiscord(Standing):
    """The reference model: what it holds is what the channels show."""

    def __init__(self, *, now: Callable[[], float] = time.time, nonce_window_s: float = NONCE_WINDOW_S) -> None:
        self.now = now
        self.dialect = DISCORD
        self.address = ""
        """Base URL of attachments and pictures. The server sets it and `gateway_url`."""
        self.gateway_url = ""
        self.message_content = True
        """Whether the privileged intent is granted."""
        self.refused_words = RefusedWords()
        """More words that a webhook's name may not contain."""
        self.guild = Guild(0, "", 0)
        self.bot = User(0, "", bot=True)
        self.users: dict[int, User] = {}
        self.channels: dict[int, Channel] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.attachments: dict[int, Attachment] = {}
        self.shelf = Shelf()
        self.nonces = Nonces(nonce_window_s)
        self.commands: list[Json] = []
        self.desk = Desk(now)
        self.snowflakes = Snowflakes(now)
        self._kept_with: Callable[[Record], None] | None = None
        self._listeners: list[Callable[[Event], None]] = []

    # The whole world

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls `listener` with every event from now on; returns a function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def keep_with(self, keep: Callable[[Record], None]) -> None:
        """Calls `keep` with every record that is created or changed from now on."""
        self._kept_with = keep

    def furnish(self) -> None:
        """Fills a new world with its guild, channels, people and the bot."""
        self._keep(User(self.snowflakes.next(), BOT_NAME, bot=True))
        people = [self.add_user(name) for name in PEOPLE]
        self._keep(Guild(self.snowflakes.next(), GUILD_NAME, people[0].id))
        for name in CHANNEL_NAMES:
            self.add_channel(name)

    def restore(self, kept: Iterable[Record]) -> None:
        """Loads the records of a file."""
        for record in sorted(kept, key=lambda record: record.id):
            self._place(record)
            if isinstance(record, Message):
                self.nonces.remember(record)

    # People and places

    def user(self, user_id: int) -> User:
        """The user with this id. Raises 10013."""
        try:
            return self.users[user_id]
        except KeyError:
            raise Refusal(UNKNOWN_USER) from None

    def channel(self, channel_id: int) -> Channel:
        """The channel or thread with this id. Raises 10003."""
        channel = self.channels.get(channel_id)
        if channel is None or channel.deleted:
            raise Refusal(UNKNOWN_CHANNEL)
        return channel

    def find_user(self, name_or_id: str | int) -> User:
        """The user with this name or id. Raises 10013."""
        for user in self.users.values():
            if str(name_or_id) in (user.name, str(user.id)):
                return user
        raise Refusal(UNKNOWN_USER)

    def find_channel(self, name_or_id: str | int) -> Channel:
        """The channel or thread; of several with one name, the oldest. Raises 10003."""
        for channel in self.channels.values():
            if not channel.deleted and str(name_or_id) in (channel.name, str(channel.id)):
                return channel
        raise Refusal(UNKNOWN_CHANNEL)

    def add_user(self, name: str) -> User:
        """Adds a person to the guild."""
        return self.change_user(User(self.snowflakes.next(), name))

    def change_user(self, user: User) -> User:
        """Stores a changed person (nickname, has left). Sends no event: that would need the privileged intent."""
        self._keep(user)
        return user

    def add_channel(self, name: str) -> Channel:
        """Adds a text channel to the guild."""
        channel_id, owner_id = self.snowflakes.next(), self.guild.owner_id
        channel = Channel(channel_id, name, records.TEXT_CHANNEL, len(self.channels), owner_id)
        self._keep(channel)
        self._announce("CHANNEL_CREATE", channel)
        return channel

    def add_thread(self, parent: Channel, name: str, owner_id: int, *, on: Message | None = None) -> Channel:
        """Adds a public thread; one on a message has that message's id. Raises 50024, 160004."""
        if parent.kind != records.TEXT_CHANNEL:
            raise Refusal(CHANNEL_TYPE_REFUSED)
        thread_id = self.snowflakes.next() if on is None else on.id
        if thread_id in self.channels:
            raise Refusal(THREAD_EXISTS)
        thread = Channel(thread_id, name, records.PUBLIC_THREAD, len(self.channels), owner_id, parent_id=parent.id)
        self._keep(thread)
        self._announce("THREAD_CREATE", thread)
        return thread

    def open_dm(self, user: User) -> Channel:
        """Returns the DM channel of this person and the bot; creates it if needed."""
        for channel in self.channels.values():
            if channel.recipient_id == user.id:
                return channel
        dm_id, ordinal = self.snowflakes.next(), len(self.channels)
        dm = Channel(dm_id, "", records.DM_CHANNEL, ordinal, user.id, recipient_id=user.id)
        self._keep(dm)
        return dm

    def delete_channel(self, channel: Channel) -> None:
        """Deletes the channel with its threads and webhooks."""
        for inner in [*self.channels.values()]:
            if inner.parent_id == channel.id and not inner.deleted:
                self.delete_channel(inner)
        for webhook in self.webhooks_of(channel):
            self._keep(replace(webhook, deleted=True))
        self._keep(replace(channel, deleted=True))
        self._announce("CHANNEL_DELETE" if channel.parent_id is None else "THREAD_DELETE", channel)

    # Webhooks

    def webhook(self, webhook_id: int) -> Webhook:
        """The webhook with this id. Raises 10015."""
        webhook = self.webhooks.get(webhook_id)
        if webhook is None or webhook.deleted:
            raise Refusal(UNKNOWN_WEBHOOK)
        return webhook

    def webhooks_of(self, channel: Channel) -> list[Webhook]:
        """The channel's webhooks, oldest first."""
        return [hook for hook in self.webhooks.values() if hook.channel_id == channel.id and not hook.deleted]

    def add_webhook(self, channel: Channel, name: str, avatar: str | None) -> Webhook:
        """Adds a webhook of the bot. Raises 50003, 50024, 30007."""
        refuse_webhook(channel, len(self.webhooks_of(channel)))
        token = secrets.token_urlsafe(51)
        webhook = Webhook(self.snowflakes.next(), channel.id, name, token, avatar)
        self.change_webhook(webhook)
        return webhook

    def move_webhook(self, webhook: Webhook, channel: Channel, *, is_told: bool = True) -> Webhook:
        """Moves the webhook to a channel; announced in both channels if `is_told`. Raises 50003, 50024, 30007."""
        if channel.id != webhook.channel_id:
            refuse_webhook(channel, len(self.webhooks_of(channel)))
        moved = replace(webhook, channel_id=channel.id)
        self._keep(moved)
        for each in (moved, webhook) if is_told else ():
            self._announce("WEBHOOKS_UPDATE", each)
        return moved

    def change_webhook(self, webhook: Webhook) -> None:
        """Stores and announces a changed webhook (name, picture, deleted)."""
        self._keep(webhook)
        self._announce("WEBHOOKS_UPDATE", webhook)

    # Messages

    def post(self, channel: Channel, author: Author, draft: Draft, *, enforce_nonce: bool = False) -> Message:
        """Stores and announces a message, or returns the earlier one with the same nonce.

        Raises 10008 if the earlier one was deleted, 50083 and 160005 in a closed thread.
        """
        channel = self.wake(channel)
        if enforce_nonce and draft.nonce is not None:
            earlier = self._made_by_nonce(author.id, draft.nonce)
            if earlier is not None:
                return earlier
        message = self._message(channel, author, draft)
        self._keep(*draft.attachments, message)
        self.nonces.remember(message)
        self._announce("MESSAGE_CREATE", message)
        return message

    def edit(self, message: Message, attachments: tuple[Attachment, ...] = ()) -> Message:
        """Stores a changed message, marked as edited, and its new attachments."""
        edited = replace(message, edited_at=self.now())
        self._keep(*attachments, edited)
        self._announce("MESSAGE_UPDATE", edited)
        return edited

    def delete(self, message: Message) -> None:
        """Deletes a message."""
        self._keep(replace(message, deleted=True))
        self._announce("MESSAGE_DELETE", message)

    def purge(self, channel: Channel, messages: tuple[Message, ...]) -> None:
        """Deletes several messages of a channel, with one event."""
        for message in messages:
            self._keep(replace(message, deleted=True))
        self._announce("MESSAGE_DELETE_BULK", Purged(channel, messages))

    def react(self, message: Message, user_id: int, emoji: str, *, on: bool) -> None:
        """Adds or removes one person's reaction; idempotent."""
        reaction = (emoji, user_id)
        if (reaction in message.reactions) == on:
            return
        others = tuple(each for each in message.reactions if each != reaction)
        changed = replace(message, reactions=(*others, reaction) if on else others)
        self._keep(changed)
        name = "MESSAGE_REACTION_ADD" if on else "MESSAGE_REACTION_REMOVE"
        self._announce(name, Reacted(changed, user_id, emoji))

    def type_in(self, channel: Channel, user_id: int) -> None:
        """Shows "… is typing"."""
        self._announce("TYPING_START", Typed(channel, user_id, self.now()))

    # Buttons and commands

    def register(self, commands: list[Json]) -> None:
        """Replaces the bot's commands with these."""
        self.commands = commands
        self._announce("", Registered(tuple(commands)))

    def interact(
        self, user: User, channel: Channel, kind: Kind, data: Json, message: Message | None = None
    ) -> Interaction:
        """Somebody presses a button or uses a command; announces it to the bot."""
        interaction = self.desk.open(self.snowflakes.next(), user, channel, kind, data, message)
        self._announce("INTERACTION_CREATE", interaction)
        return interaction

    def acknowledge(
        self, interaction: Interaction, kind: Callback, original_id: int | None, choices: tuple[Json, ...] = ()
    ) -> Interaction:
        """Records the bot's first answer; `original_id` is the message that later edits change."""
        noted = self.desk.note(interaction, kind, original_id, choices)
        self._announce("", noted)
        return noted

    def whisper(self, interaction: Interaction, channel: Channel, draft: Draft) -> Message:
        """Posts a message that only the interaction's user sees."""
        message = self._message(channel, Author(self.bot.id, self.bot.name), draft)
        self.change_whisper(Whisper(message, interaction.user_id, interaction.id), draft.attachments)
        return message

    def change_whisper(self, whisper: Whisper, attachments: tuple[Attachment, ...] = ()) -> None:
        """Stores a changed whisper and its attachments until the server stops."""
        for attachment in attachments:
            self._place(attachment)
        self.desk.keep(whisper)
        self._announce("", whisper)

    def _made_by_nonce(self, author_id: int, nonce: str) -> Message | None:
        message_id = self.nonces.made(author_id, nonce, self.now())
        if message_id is None:
            return None
        message = self.shelf.find(message_id)
        if message is None or message.deleted:
            raise Refusal(UNKNOWN_MESSAGE)
        return message

    def _message(self, channel: Channel, author: Author, draft: Draft) -> Message:
        return Message(
            self.snowflakes.next(),
            channel.id,
            author.id,
            author.name,
            draft.content,
            embeds=draft.embeds,
            components=draft.components,
            attachment_ids=tuple(attachment.id for attachment in draft.attachments),
            mention_ids=draft.mention_ids,
            webhook_id=author.webhook_id,
            avatar_url=author.avatar_url,
            nonce=draft.nonce,
            reply_to=draft.reply_to,
            flags=draft.flags,
        )

    def _announce(self, name: str, subject: Subject) -> None:
        event = Event(name, subject)
        for listener in tuple(self._listeners):
            listener(event)

    def _keep(self, *records: Record) -> None:
        for record in records:
            self._place(record)
            if self._kept_with is not None:
                self._kept_with(record)

    def _place(self, record: Record) -> None:
        self.snowflakes.seen(record.id)
        match record:
            case Guild():
                self.guild = record
            case User():
                self.users[record.id] = record
                if record.bot:
                    self.bot = record
            case Channel():
                self.channels[record.id] = record
            case Webhook():
                self.webhooks[record.id] = record
            case Attachment():
                self.attachments[record.id] = record
            case Message():
                self.shelf.put(record)
            case _:
                assert_never(record)
