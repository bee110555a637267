"""The Discord in memory for tests of actors: its ports answer by script, each fault in its turn.

Messages, nonces, webhooks and interactions are those of `Discord`; here are scripts and what was asked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import anyio

from actors.ports import (
    ButtonPressed,
    DeleteOutcome,
    ElsewhereOutcome,
    GatewayEvent,
    HeldBack,
    MessageSeen,
    Page,
    PageOutcome,
    PostedElsewhere,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    ReplyOutcome,
    SendOutcome,
    Standing,
    Unconfirmed,
)
from actors.roleplay.history import is_line
from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind, ReplyAddress
from actors.roleplay.pages import PagedRead
from actors.simulation.channels import ChannelState
from actors.simulation.discord import FIRST_WEBHOOK, Discord

WEBHOOK = FIRST_WEBHOOK
SERVER = 7

READ_MAX = 2_000
NONCE_WINDOW_S = 300.0

TRANSIT_S = 0.05
"""How long a request takes to Discord, and its answer back."""


class ServerDisconnectedError(Exception):
    """What a client's library says of a connection that ended without an answer."""


Fault = (
    Literal["ok", "lost", "stored_then_cut"]  # lost: cut before storing; both end without an answer
    | Refused
    | HeldBack
    | tuple[Literal["late"], float]  # cut, and stored so many seconds later
    | tuple[Literal["hang"], float]  # answered, after so many seconds
    | tuple[Literal["times_out"], float]  # not stored and not answered, for so many seconds
)


@dataclass(eq=False)
class FakeDiscord(Discord):
    """Implements Voice, Channel and Replies. `faults` are used up one for each line's POST, `read_faults` for reads."""

    clock_now: Callable[[], float]
    kind: OutboundKind = OutboundKind.WEBHOOK
    faults: deque[Fault] = field(default_factory=deque)
    faults_of: dict[int, deque[Fault]] = field(default_factory=dict)  # of lines of one channel, before `faults`
    text_faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Refused | Unconfirmed] = field(default_factory=deque)
    read_faults_of: dict[int, deque[Refused | Unconfirmed | HeldBack]] = field(default_factory=dict)
    prepare_faults: deque[Refused | HeldBack] = field(default_factory=deque)
    delete_faults: deque[Refused | Unconfirmed | HeldBack] = field(default_factory=deque)
    webhook_faults: deque[Refused | Unconfirmed | HeldBack] = field(default_factory=deque)  # of asking where it is
    outage: Refused | Unconfirmed | None = None
    is_outage_of_posts_alone: bool = False  # reads and deletions are answered all the same
    is_silent: bool = False  # the bot itself may not write: its texts go through a webhook
    alter: Callable[[str], str] = str
    typing_takes_s: float = 0.0
    typing_error: Exception | None = None
    answer_takes_s: float = TRANSIT_S
    read_takes_s: float = 0.0  # how long an answer to a read is under way: what it shows is that old
    hidden_s: float = 0.0  # how long a stored message is not in reads
    unseen: set[int] = field(default_factory=set)  # ids that reads do not show yet
    tells_of_ours: bool = True  # False: its gateway does not show what we post, so a doubt lasts until a read
    webhooks: dict[int, int] = field(default_factory=dict)  # channel ─► the webhook that its lines go through
    moves_to: int | None = None  # a channel into which every webhook is moved as soon as it is made
    hears_of_moves: bool = True  # False: a webhook is used again, though it was found in another channel
    moderators: set[int] | None = None  # None: everybody moderates
    private: set[int] = field(default_factory=set)  # channels of direct messages
    late: list[tuple[float, Outbound]] = field(default_factory=list)
    orphans: list[tuple[float, Outbound]] = field(default_factory=list)
    # what it was asked
    posts: list[Outbound] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    typed_at: list[float] = field(default_factory=list)
    asked_in_outage: list[float] = field(default_factory=list)
    deletions: list[int] = field(default_factory=list)
    takedowns: list[tuple[int, int, int | None]] = field(default_factory=list)  # channel, message, webhook
    asked_where: list[int | None] = field(default_factory=list)  # webhooks

    def __post_init__(self) -> None:
        super().__init__(self.clock_now, nonce_window_s=NONCE_WINDOW_S)
        self.channels = Channels(self.open_channel)

    # ── what tests do ───────────────────────────────────────────────────────────────────────────────

    def user_says(
        self, channel_id: int, text: str, name: str = "Robin", author_id: int = 500, replies_to: int | None = None
    ) -> ChannelMessage:
        return self.say(self.channels[channel_id], author_id, name, text, replies_to=replies_to)

    def user_edits(self, channel_id: int, message_id: int, text: str) -> None:
        self.edit(self.channels[channel_id], message_id, text)

    def user_deletes(self, channel_id: int, message_id: int) -> None:
        self.remove(self.channels[channel_id], message_id, "people")

    def press(
        self, channel_id: int, custom_id: str, *, again: ButtonPressed | None = None, user_id: int = 500
    ) -> ButtonPressed:
        """Somebody presses a button; `again`: the gateway tells of the same press a second time."""
        channel = self.channels[channel_id]
        if again is not None:
            self.tell(channel, again)
            return again
        own = [shown.message.id for shown in channel.shown.values() if custom_id in shown.message.button_ids]
        return self.press_button(channel, own[0] if own else 0, custom_id, user_id=user_id)

    def forge(self, like: ChannelMessage, text: str) -> ChannelMessage:
        """A message of ours that no process of ours knows of."""
        return self._store(self.channels[like.channel_id], replace(like, text=text), "")

    def land(self, outbound: Outbound) -> ChannelMessage:
        """Store what was sent, or find what its nonce stored before."""
        posted = self.post(outbound)
        assert posted is not None, "what its nonce stored was deleted"
        return posted

    def move_webhook_of(self, channel_id: int, to: int) -> None:
        """A moderator moves the webhook that a channel's lines go through; it is made before, if there is none."""
        self.move_webhook(self._webhook(channel_id), to)

    def move_every_webhook(self, to: int) -> None:
        """Those that there are, and those that will be made."""
        self.moves_to = to
        for webhook_id in self._hooks:
            self.move_webhook(webhook_id, to)

    async def land_late_ones(self, *, orphans_land: bool = False) -> None:
        """Store what lands late, when its time has come; run in the background by tests that need it."""
        while True:
            if orphans_land:  # their senders are dead: nobody else takes them from the list any more
                overdue_at = self.clock_now() - TRANSIT_S / 2  # times since 1970 are not exact to the microsecond
                self.late += [orphan for orphan in self.orphans if orphan[0] < overdue_at]
                self.orphans = [orphan for orphan in self.orphans if orphan[0] >= overdue_at]
            for at, outbound in list(self.late):
                if at <= self.clock_now():
                    self.late.remove((at, outbound))
                    self.take(outbound)
            await anyio.sleep(0.1)

    # ── what tests see ──────────────────────────────────────────────────────────────────────────────

    @property
    def shown(self) -> list[ChannelMessage]:
        """What stands in all channels, oldest first."""
        standing = [shown.message for shown in self.every_message() if shown.deleted_by is None]
        return sorted(standing, key=lambda message: message.id)

    def shown_in(self, channel_id: int) -> list[ChannelMessage]:
        return [shown.message for shown in self.channels[channel_id].shown.values() if shown.deleted_by is None]

    def lines(self, channel_id: int) -> list[tuple[str, str]]:
        """(name, text) of everything the channel shows, in its order."""
        return [(m.name, m.text) for m in self.shown_in(channel_id)]

    def character_lines(self, channel_id: int) -> list[tuple[str, str]]:
        return [(m.name, m.text) for m in self.shown_in(channel_id) if is_line(m)]

    def texts(self, channel_id: int) -> list[str]:
        """Notices and answers."""
        return [m.text for m in self.shown_in(channel_id) if m.is_ours and not is_line(m)]

    def buttons(self, channel_id: int) -> list[str]:
        """The custom ids of the buttons that the bot posted, oldest first."""
        return [button.custom_id for post in self.posts if post.channel_id == channel_id for button in post.buttons]

    @property
    def replies(self) -> dict[str, list[str]]:
        """The answers to each interaction that was answered, by its token."""
        return {token: interaction.answers for token, interaction in self.interactions.items() if interaction.answers}

    @property
    def typings(self) -> int:
        return len(self.typed_at)

    # ── the Discord behind it ───────────────────────────────────────────────────────────────────────

    def tell(self, channel: ChannelState, event: GatewayEvent) -> None:
        if self.tells_of_ours or not (isinstance(event, MessageSeen) and event.message.is_ours):
            super().tell(channel, event)

    def shown_as(self, text: str) -> str:
        return self.alter(super().shown_as(text))

    def _hidden_s(self) -> float:
        return self.hidden_s

    # ── Voice ───────────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        if self.prepare_faults:
            return self.prepare_faults.popleft()
        return self.kind, self._webhook(channel_id) if self.kind is OutboundKind.WEBHOOK else None

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        return OutboundKind.TEXT, self._webhook(channel_id) if self.is_silent else None

    def _webhook(self, channel_id: int) -> int:
        if channel_id not in self.webhooks:
            self.webhooks[channel_id] = self.make_webhook(self.channels[channel_id], "")
            if self.moves_to is not None:
                self.move_webhook(self.webhooks[channel_id], self.moves_to)
        return self.webhooks[channel_id]

    def _hear_of_move(self, channel_id: int) -> None:
        """Lines of this channel go through another webhook from now on."""
        if self.hears_of_moves:
            self.webhooks.pop(channel_id, None)

    async def send(self, outbound: Outbound) -> SendOutcome:
        """Takes a request; one whose sender dies on the way may land all the same (`orphans_land`)."""
        orphan = (self.clock_now() + TRANSIT_S, outbound)
        self.orphans.append(orphan)
        await anyio.sleep(TRANSIT_S)
        self.orphans.remove(orphan)
        self.posts.append(outbound)
        outcome = self._none_in_outage() or await self._answer(outbound)
        await anyio.sleep(self.answer_takes_s)
        return outcome

    async def _answer(self, outbound: Outbound) -> SendOutcome:
        lines = self.faults_of.get(outbound.channel_id) or self.faults
        queue = self.text_faults if outbound.kind is OutboundKind.TEXT else lines
        fault: Fault = queue.popleft() if queue else "ok"
        match fault:
            case Refused() | HeldBack():
                if isinstance(fault, HeldBack):
                    self.posts.pop()  # nothing left the process
                return fault
            case "lost":
                return Unconfirmed("connection", error=ServerDisconnectedError())
            case "stored_then_cut":
                self.take(outbound)
                return Unconfirmed("outage", status=502)
            case ("late", after_s):
                self.late.append((self.clock_now() + after_s, outbound))
                return Unconfirmed("timeout")
            case ("hang", after_s):
                await anyio.sleep(after_s)
            case ("times_out", after_s):
                await anyio.sleep(after_s)
                return Unconfirmed("timeout")
        taken = self.take(outbound)
        if isinstance(taken, PostedElsewhere):
            self._hear_of_move(outbound.channel_id)
        return taken

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        fault = self._none_in_outage() or (self.text_faults.popleft() if self.text_faults else None)
        if isinstance(fault, Refused | Unconfirmed | HeldBack):
            return fault
        return self.take_answer(reply, text)

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        await anyio.sleep(TRANSIT_S)
        self.asked_where.append(outbound.webhook_id)
        if self.webhook_faults:
            return self.webhook_faults.popleft()
        home = self.home_of(outbound.webhook_id)
        if home == outbound.channel_id:
            return None
        self._hear_of_move(outbound.channel_id)
        return home

    # ── Channel ─────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        """All pages, one after the other."""
        read = PagedRead[ChannelMessage](after)
        refusal = await self._arrives(channel_id, after)
        if refusal is not None:
            return refusal
        while read.take(self.listed(self.channels[channel_id], read.after)):
            if len(read.messages) >= READ_MAX:
                return Refused("too_many_messages", final=True)
        await anyio.sleep(self.read_takes_s)
        return tuple(read.messages)

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        refusal = await self._arrives(channel_id, after)
        if refusal is not None:
            return refusal
        page = tuple(reversed(self.listed(self.channels[channel_id], after)))
        await anyio.sleep(self.read_takes_s)
        return Page(page, newest=page[-1].id if len(page) == self.page_max else None)

    async def _arrives(self, channel_id: int, after: int) -> Refused | Unconfirmed | HeldBack | None:
        """A read is on its way, and may be refused."""
        await anyio.sleep(TRANSIT_S)
        self.reads.append((channel_id, after))
        scripted = self.read_faults_of.get(channel_id) or self.read_faults
        refusal = None if self.is_outage_of_posts_alone else self._none_in_outage()
        return refusal or (scripted.popleft() if scripted else self.refuses_read(self.channels[channel_id]))

    def listed(self, channel: ChannelState, after: int) -> list[ChannelMessage]:
        return [message for message in super().listed(channel, after) if message.id not in self.unseen]

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        await anyio.sleep(TRANSIT_S)
        self.deletions.append(message_id)
        self.takedowns.append((channel_id, message_id, webhook_id))
        refusal = None if self.is_outage_of_posts_alone else self._none_in_outage()
        if refusal is not None:
            return refusal
        return self.delete_faults.popleft() if self.delete_faults else self.take_away(channel_id, message_id)

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        return message

    async def standing(self, channel_id: int, user_id: int, *, moderates: bool | None) -> Standing:
        is_moderator = self.moderators is None or user_id in self.moderators
        if channel_id in self.private:
            return Standing(None, channel_id, moderates=True, is_private=True)
        return Standing(SERVER, channel_id, moderates=is_moderator if moderates is None else moderates)

    async def typing(self, channel_id: int) -> None:
        self.typed_at.append(self.clock_now())
        if self.typing_error is not None:
            raise self.typing_error
        await anyio.sleep(self.typing_takes_s)

    def _none_in_outage(self) -> Refused | Unconfirmed | None:
        """While `outage` is set, every request meets it, and nothing is stored."""
        if self.outage is not None:
            self.asked_in_outage.append(self.clock_now())
        return self.outage


class Channels(dict[int, ChannelState]):
    """A channel is there as soon as a test names it."""

    def __init__(self, open_channel: Callable[[int], ChannelState]) -> None:
        super().__init__()
        self._open = open_channel

    def __missing__(self, channel_id: int) -> ChannelState:
        return self._open(channel_id)
