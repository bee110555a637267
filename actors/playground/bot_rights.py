"""Checks and changes the bot's rights: permissions, guild membership, closed threads.

Sources: https://discord.com/developers/docs/topics/permissions and …/topics/threads. In a thread, *Send Messages in
Threads* applies and *Send Messages* does not. The next message unarchives an archived thread, unless the thread is
locked.
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from .events import Subject
from .permissions import BOT, Permission, switched
from .records import Channel, Guild, Record, Webhook
from .refusals import GUILD_OUT, MISSING_ACCESS, MISSING_PERMISSIONS, THREAD_ARCHIVED, THREAD_LOCKED, Refusal


class Standing(ABC):
    """The part of the world that holds the bot's rights."""

    guild: Guild
    channels: dict[int, Channel]
    webhooks: dict[int, Webhook]

    @abstractmethod
    def channel(self, channel_id: int) -> Channel: ...

    @abstractmethod
    def _keep(self, *records: Record) -> None: ...

    @abstractmethod
    def _announce(self, name: str, subject: Subject) -> None: ...

    def permissions_in(self, channel: Channel) -> Permission:
        """The bot's permissions in a channel; a thread has its channel's, minus those denied in the thread alone."""
        if channel.recipient_id is None and self.guild.without_bot:
            return Permission(0)
        home = channel if channel.parent_id is None else self.channel(channel.parent_id)
        return BOT & ~Permission(self.guild.denied) & ~Permission(home.denied) & ~Permission(channel.denied)

    def require(self, channel: Channel, needed: Permission) -> None:
        """Raises 503 in an outage of the guild, 50001 if the bot cannot see the channel, 50013 if it lacks a
        permission."""
        if channel.recipient_id is None and self.guild.is_out:
            raise Refusal(GUILD_OUT)
        held = self.permissions_in(channel)
        if Permission.VIEW_CHANNEL not in held:
            raise Refusal(MISSING_ACCESS)
        if needed not in held:
            raise Refusal(MISSING_PERMISSIONS)

    def permit(self, permission: Permission, allowed: bool, channel: Channel | None = None) -> None:
        """Grants the bot a permission or revokes it, in one channel or everywhere.

        Discord has no permissions for a single thread, so a change in one sends no event.
        """
        if channel is None:
            self._keep(replace(self.guild, denied=switched(self.guild.denied, permission, allowed)))
            self._announce("GUILD_ROLE_UPDATE", self.guild)
            return
        changed = replace(channel, denied=switched(channel.denied, permission, allowed))
        self._keep(changed)
        if channel.parent_id is None:
            self._announce("CHANNEL_UPDATE", changed)

    # Threads

    def close_thread(self, thread: Channel, *, archived: bool, locked: bool) -> None:
        """A moderator archives or locks a thread, or opens it again."""
        changed = replace(thread, archived=archived, locked=locked)
        self._keep(changed)
        self._announce("THREAD_UPDATE", changed)

    def require_open(self, channel: Channel) -> None:
        """Raises 50083 in an archived thread, 160005 in a locked one: nothing in it can be changed."""
        if channel.archived:
            raise Refusal(THREAD_ARCHIVED)
        if channel.locked:
            raise Refusal(THREAD_LOCKED)

    def wake(self, channel: Channel) -> Channel:
        """Unarchives the channel if it is an archived thread, and returns it. Raises 50083, 160005 if it is locked."""
        if channel.archived and not channel.locked:
            self.close_thread(channel, archived=False, locked=False)
            return self.channel(channel.id)
        self.require_open(channel)
        return channel

    # Membership

    def remove_bot(self) -> None:
        """Somebody removes the bot from the guild; its webhooks are deleted with it."""
        for webhook in [*self.webhooks.values()]:
            self._keep(replace(webhook, deleted=True))
        self._keep(replace(self.guild, without_bot=True))
        self._announce("GUILD_DELETE", self.guild)

    def invite_bot(self) -> None:
        """Somebody invites the bot again."""
        self._keep(replace(self.guild, without_bot=False))
        self._announce("GUILD_CREATE", self.guild)

    def set_outage(self, is_out: bool) -> None:
        """Starts or ends an outage of the guild."""
        self._keep(replace(self.guild, is_out=is_out))
        self._announce("GUILD_DELETE" if is_out else "GUILD_CREATE", self.guild)
