"""A Discord for actor tests: one channel list in memory, a nonce window, and faults by script."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import anyio

from actors.ports import (
    ButtonPressed,
    Deleted,
    DeleteOutcome,
    ElsewhereOutcome,
    HeldBack,
    MessageDeleted,
    MessageEdited,
    MessageSeen,
    Page,
    PageOutcome,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    ReadOutcome,
    Refused,
    ReplyOutcome,
    SendOutcome,
    Unconfirmed,
)
from actors.roleplay.history import is_line
from actors.roleplay.model import ChannelMessage, Character, Outbound, OutboundKind, ReplyAddress
from tests.fakes.virtual_time import EPOCH

BOT = 1
WEBHOOK = 77

PAGE = 100
READ_MAX = 2_000

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


@dataclass
class FakeDiscord:
    """Implements Voice and Channel. `faults` are used up one for each line's POST, `read_faults` for reads."""

    clock_now: Callable[[], float]
    kind: OutboundKind = OutboundKind.WEBHOOK
    faults: deque[Fault] = field(default_factory=deque)
    text_faults: deque[Fault] = field(default_factory=deque)
    read_faults: deque[Refused | Unconfirmed] = field(default_factory=deque)
    prepare_faults: deque[Refused | HeldBack] = field(default_factory=deque)
    is_silent: bool = False  # the bot itself may not write: its texts go through a webhook
    alter: Callable[[str], str] = str
    shown: list[ChannelMessage] = field(default_factory=list)
    posts: list[Outbound] = field(default_factory=list)
    typed_at: list[float] = field(default_factory=list)
    typing_takes_s: float = 0.0
    typing_error: Exception | None = None
    nonces: dict[str, int] = field(default_factory=dict)
    sink: Callable[[MessageSeen | MessageEdited | MessageDeleted | ButtonPressed], None] | None = None
    late: list[tuple[float, Outbound]] = field(default_factory=list)
    orphans: list[tuple[float, Outbound]] = field(default_factory=list)
    faults_of: dict[int, deque[Fault]] = field(default_factory=dict)  # of lines of one channel, before `faults`
    read_faults_of: dict[int, deque[Refused | Unconfirmed | HeldBack]] = field(default_factory=dict)
    delete_faults: deque[Refused | Unconfirmed | HeldBack] = field(default_factory=deque)
    answer_takes_s: float = TRANSIT_S
    hidden_s: float = 0.0  # how long a stored message is not in reads
    nonce_window_s: float = 300.0
    outage: Refused | Unconfirmed | None = None
    is_outage_of_posts_alone: bool = False  # reads and deletions are answered all the same
    asked_in_outage: list[float] = field(default_factory=list)
    deletions: list[int] = field(default_factory=list)
    replies: dict[str, list[str]] = field(default_factory=dict)
    interactions: int = 9_000
    reads: list[tuple[int, int]] = field(default_factory=list)
    read_takes_s: float = 0.0  # how long an answer to a read is under way: what it shows is that old
    tells_of_ours: bool = True  # False: its gateway does not show what we post, so a doubt lasts until a read
    unseen: set[int] = field(default_factory=set)  # ids that reads do not show yet
    moved_to: dict[int, int] = field(default_factory=dict)  # webhook ─► the channel that it posts into
    webhook_id: int = WEBHOOK  # which webhook a line goes through; another one after one was found moved
    webhooks: dict[int, int] = field(default_factory=dict)  # which it is in channels that have one of their own
    takedowns: list[tuple[int, int, int | None]] = field(default_factory=list)  # channel, message, webhook
    asked_where: list[int | None] = field(default_factory=list)  # webhooks
    webhook_faults: deque[Refused | Unconfirmed | HeldBack] = field(default_factory=deque)  # of asking where it is
    _last_id: int = 1_000

    # ── what tests do ───────────────────────────────────────────────────────────────────────────────

    def user_says(
        self, channel_id: int, text: str, name: str = "Robin", author_id: int = 500, replies_to: int | None = None
    ) -> ChannelMessage:
        message = ChannelMessage(0, channel_id, author_id, name, text, self.clock_now(), replies_to=replies_to)
        return self._store(message)

    def lines(self, channel_id: int) -> list[tuple[str, str]]:
        """(name, text) of everything the channel shows, in its order."""
        return [(m.name, m.text) for m in sorted(self.shown, key=lambda m: m.id) if m.channel_id == channel_id]

    def character_lines(self, channel_id: int) -> list[tuple[str, str]]:
        ours = [m for m in sorted(self.shown, key=lambda m: m.id) if m.channel_id == channel_id]
        return [(m.name, m.text) for m in ours if is_line(m)]

    def texts(self, channel_id: int) -> list[str]:
        """Notices and answers."""
        ours = [m for m in self.shown if m.is_ours and m.channel_id == channel_id]
        return [m.text for m in ours if not is_line(m)]

    def buttons(self, channel_id: int) -> list[str]:
        """The custom ids of the buttons that the bot posted, oldest first."""
        return [button.custom_id for post in self.posts if post.channel_id == channel_id for button in post.buttons]

    def press(self, channel_id: int, custom_id: str, *, again: ButtonPressed | None = None) -> ButtonPressed:
        """Somebody presses a button; `again`: the gateway tells of the same press a second time."""
        self.interactions += 1
        token = f"secret-{self.interactions}"
        press = again or ButtonPressed(self.interactions, token, channel_id, 500, 0, custom_id)
        if self.sink is not None:
            self.sink(press)
        return press

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
                    self.land(outbound)
            await anyio.sleep(0.1)

    @property
    def typings(self) -> int:
        return len(self.typed_at)

    # ── Voice ───────────────────────────────────────────────────────────────────────────────────────

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        if self.prepare_faults:
            return self.prepare_faults.popleft()
        webhook_id = self.webhooks.get(channel_id, self.webhook_id)
        return self.kind, webhook_id if self.kind is OutboundKind.WEBHOOK else None

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        return OutboundKind.TEXT, WEBHOOK if self.is_silent else None

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

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        fault = self._none_in_outage() or (self.text_faults.popleft() if self.text_faults else None)
        if isinstance(fault, Refused | Unconfirmed | HeldBack):
            return fault
        self.replies.setdefault(reply.token, []).append(text)
        return Posted(len(self.replies), text)

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
                self.land(outbound)
                return Unconfirmed("outage", status=502)
            case ("late", after_s):
                self.late.append((self.clock_now() + after_s, outbound))
                return Unconfirmed("timeout")
            case ("hang", after_s):
                await anyio.sleep(after_s)
            case ("times_out", after_s):
                await anyio.sleep(after_s)
                return Unconfirmed("timeout")
        message = self.land(outbound)
        if message.channel_id != outbound.channel_id:
            self.webhook_id += 1
            return PostedElsewhere(message.channel_id, message.id)
        return Posted(message.id, message.text)

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        await anyio.sleep(TRANSIT_S)
        self.asked_where.append(outbound.webhook_id)
        if self.webhook_faults:
            return self.webhook_faults.popleft()
        home = self._stands_in(outbound)
        if home == outbound.channel_id:
            return None
        self.webhook_id += 1
        return home

    # ── Channel ─────────────────────────────────────────────────────────────────────────────────────

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        seen = await self._read(channel_id, after)
        is_too_much = isinstance(seen, tuple) and len(seen) >= READ_MAX
        return Refused("too_many_messages", final=True) if is_too_much else seen

    async def page(self, channel_id: int, *, after: int) -> PageOutcome:
        seen = await self._read(channel_id, after)
        if not isinstance(seen, tuple):
            return seen
        return Page(seen[:PAGE], newest=seen[PAGE - 1].id if len(seen) >= PAGE else None)

    async def _read(self, channel_id: int, after: int) -> ReadOutcome:
        await anyio.sleep(TRANSIT_S)
        self.reads.append((channel_id, after))
        refusal = None if self.is_outage_of_posts_alone else self._none_in_outage()
        if refusal is not None:
            return refusal
        of_channel = self.read_faults_of.get(channel_id)
        if of_channel:
            return of_channel.popleft()
        if self.read_faults:
            return self.read_faults.popleft()
        newer = [m for m in self.shown if m.channel_id == channel_id and m.id > after and m.id not in self.unseen]
        newer = [m for m in newer if m.at + self.hidden_s <= self.clock_now()]
        await anyio.sleep(self.read_takes_s)
        return tuple(sorted(newer, key=lambda m: m.id))

    async def delete(self, channel_id: int, message_id: int, webhook_id: int | None) -> DeleteOutcome:
        await anyio.sleep(TRANSIT_S)
        self.deletions.append(message_id)
        self.takedowns.append((channel_id, message_id, webhook_id))
        refusal = None if self.is_outage_of_posts_alone else self._none_in_outage()
        if refusal is not None:
            return refusal
        if self.delete_faults:
            return self.delete_faults.popleft()
        self.user_deletes(channel_id, message_id)
        return Deleted()

    def user_deletes(self, channel_id: int, message_id: int) -> None:
        if not any(m.id == message_id for m in self.shown):
            return
        self.shown = [m for m in self.shown if m.id != message_id]
        if self.sink is not None:
            self.sink(MessageDeleted(channel_id, message_id))

    def user_edits(self, channel_id: int, message_id: int, text: str) -> None:
        self.shown = [replace(m, text=text) if m.id == message_id else m for m in self.shown]
        for edited in [m for m in self.shown if m.id == message_id]:
            if self.sink is not None:
                self.sink(MessageEdited(edited))

    def forge(self, like: ChannelMessage, text: str) -> ChannelMessage:
        """A message of ours that no process of ours knows of."""
        return self._store(replace(like, text=text))

    async def named(self, message: ChannelMessage) -> ChannelMessage:
        return message

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

    # ── within ──────────────────────────────────────────────────────────────────────────────────────

    def land(self, outbound: Outbound) -> ChannelMessage:
        """Store what was sent, or find what its nonce stored before."""
        known = self._remembered(outbound)
        if known is not None:
            return known
        message = ChannelMessage(
            id=0,
            channel_id=self._stands_in(outbound),
            author_id=BOT,
            name=outbound.name,
            text=self.alter(outbound.text),
            at=self.clock_now(),
            is_ours=True,
            is_bot=True,
            webhook_id=outbound.webhook_id,
            is_embed=outbound.kind is OutboundKind.EMBED
            or (outbound.kind is OutboundKind.TEXT and outbound.webhook_id is not None),
            button_ids=tuple(button.custom_id for button in outbound.buttons),
        )
        stored = self._store(message)
        self.nonces[outbound.nonce] = stored.id
        return stored

    def _stands_in(self, outbound: Outbound) -> int:
        """Where its webhook is now."""
        home = None if outbound.webhook_id is None else self.moved_to.get(outbound.webhook_id)
        return outbound.channel_id if home is None else home

    def _remembered(self, outbound: Outbound) -> ChannelMessage | None:
        """The message that this nonce stored lately; webhooks have no nonces."""
        known = self.nonces.get(outbound.nonce) if outbound.webhook_id is None else None
        alike = [m for m in self.shown if m.id == known and m.at + self.nonce_window_s > self.clock_now()]
        return alike[0] if alike else None

    def _store(self, message: ChannelMessage) -> ChannelMessage:
        self._last_id = max(self._last_id + 1, int((self.clock_now() - EPOCH) * 1000) + 1_000)
        stored = replace(message, id=self._last_id)
        self.shown.append(stored)
        if self.sink is not None and (self.tells_of_ours or not stored.is_ours):
            self.sink(MessageSeen(stored))
        return stored
