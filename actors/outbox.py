"""The outbox: notices, take-downs and answers, each a small delivery that outlives the process.

    written with its cause ─► due ─► counted ─► wire ─► done
                               ▲────── later ◄────┘     (waits 1, 2, 4 … 60 s, an interaction 10; it never gives up)

The texts of a channel keep their order: one that must wait holds the later ones back. Channels are side by
side: one where Discord does not answer holds nobody else up.

It ends early only where there is nothing left to deliver to: then the row is closed as `dropped`, with an
error in the log. A notice or a take-down that is forbidden waits for the permission, or for a token that is valid,
up to a week, and in a closed thread until that is opened; an answer is dropped, for whoever asked asks again.

A notice that is withdrawn (its line came after all) is sent no more. One whose tries left it in doubt is looked for
in the channel: found, it is taken down; absent for as long as a line has to land, it is closed.

A text goes as the bot's own message, or through a webhook where the bot may not write. It is sent under one nonce;
when its first try is older than Discord remembers nonces for, or when a try went or goes through a webhook, which
have none, the channel is read back before the next. The answer to an interaction takes the place of its deferral, any
number of times with the same end, until its token expires.
"""

from __future__ import annotations

from typing import Final, assert_never

import anyio
import anyio.lowlevel

from actors.delivery import CHANNEL_GONE
from actors.ports import (
    Deleted,
    Fenced,
    HeldBack,
    Level,
    Noted,
    OutboxOutcome,
    OutboxSettled,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    Refused,
    Unconfirmed,
)
from actors.roleplay import notices
from actors.roleplay.history import is_strayed, shows
from actors.roleplay.model import ChannelMessage, Outbound, OutboundKind, OutboxDraft, OutboxKind, OutboxRow
from actors.supervisor import concerning
from actors.world import World
from machines.backoff import backoff_s
from machines.facts import WEBHOOK_MOVED
from machines.waits import NONCE_WINDOW_S

BATCH: Final = 200
"""Rows read at a time, none of them of a channel that is busy: it would hide all others."""

WAIT_MAX_S: Final = 60.0
"""The longest wait between two tries of one row."""

REPLY_WAIT_MAX_S: Final = 10.0
"""The same for the answer to an interaction: somebody looks at "thinking…", for a quarter of an hour at most."""

SWEEP_S: Final = 2.0
"""How long a row may lie that nobody woke us for."""

FORBIDDEN_S: Final = 7 * 86_400.0
FORBIDDEN_WAIT_MAX_S: Final = {OutboxKind.TAKEDOWN: 3600.0, OutboxKind.NOTICE: 300.0}
"""A second copy that we may not delete is tried after 1, 2, 4 … 60 minutes, and given up after a week. A notice that
we may not send is tried every five minutes at least: the texts behind it wait for it."""
CLOSED_WAIT_MAX_S: Final = 3600.0
"""In a closed thread: its opening is an event, and each READY tries again as well."""

FORBIDDEN: Final = {
    OutboxKind.TAKEDOWN: "A message of ours cannot be taken back: give the bot the permission {needs}.",
    OutboxKind.NOTICE: "A channel cannot be told that a line failed: give the bot the permission {needs}.",
}
NEEDS: Final = {OutboxKind.TAKEDOWN: "Manage Messages", OutboxKind.NOTICE: "Send Messages"}
"""Where Discord's adapter does not know it better."""
THREAD_CLOSED: Final = "thread_closed"
CLOSED: Final = "A thread is closed: what waits for it is delivered when somebody opens it."
UNAUTHORIZED: Final = "Discord does not know the bot's token any more: what waits in the outbox waits for a valid one."

Outcome = Posted | ChannelMessage | PostedElsewhere | Deleted | Refused | Unconfirmed | HeldBack


class Outbox:
    """Delivers what is due: the rows of a channel in their order, channels side by side."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._busy: set[int] = set()  # channels with a task of their own
        self._forbidden: set[int] = set()  # rows that wait for a permission; each is told of once

    async def run(self) -> None:
        """Deliver for ever. Raises what the store raises."""
        async with anyio.create_task_group() as group:
            while True:
                self._world.outbox_bell.silence()
                now, busy = self._world.clock.now(), frozenset(self._busy)
                rows = await self._world.store.due_outbox(now=now, limit=BATCH, besides=busy)
                for channel_id, queue in _by_channel(rows).items():
                    self._busy.add(channel_id)
                    group.start_soon(self._deliver_in_order, channel_id, queue)
                if len(rows) < BATCH:
                    await self._world.outbox_bell.wait(await self._rest_s())

    async def _rest_s(self) -> float:
        """Until the next row is due; what is due in a busy channel is announced by the bell when that is done."""
        due_at = await self._world.store.next_outbox_due()
        rest_s = SWEEP_S if due_at is None else due_at - self._world.clock.now()
        return SWEEP_S if rest_s <= 0 and self._busy else min(SWEEP_S, max(0.0, rest_s))

    async def _deliver_in_order(self, channel_id: int, rows: list[OutboxRow]) -> None:
        """Try each row once, up to the first that must wait."""
        try:
            for row in rows:
                with self._world.shutdown.grace(), concerning(_where(row)):
                    if not await self._try(row):
                        break
                await anyio.lowlevel.checkpoint()
        finally:
            self._busy.discard(channel_id)
            self._world.outbox_bell.ring()

    async def _try(self, row: OutboxRow) -> bool:
        """Whether the row is done."""
        if row.draft.reply is not None and row.draft.reply.expires_at <= self._world.clock.now():
            return await self._give_up_reply(row)
        prepared = await self._prepare(row)
        webhook_id = prepared[1] if isinstance(prepared, tuple) else None
        # What the status page said since the notice was written; the first try decides.
        text = notices.reported(row.draft.text, self._world.breakers.indicator)
        try:
            tried = await self._world.store.outbox_try(
                row.id, at=self._world.clock.now(), text=text, webhook_id=webhook_id
            )
        except Fenced:
            return True  # it was withdrawn, and closed, since it was read
        outcome = await self._perform(tried, before=row) if isinstance(prepared, tuple) else prepared
        is_done = await self._settle(tried, outcome)
        self._world.trace.publish(_settled(tried, outcome, is_done=is_done))
        return is_done

    async def _prepare(self, row: OutboxRow) -> PrepareOutcome:
        """How it goes: only a text of the channel that is still to be sent has a choice."""
        draft = row.draft
        if draft.kind is OutboxKind.TAKEDOWN or draft.reply is not None or row.withdrawn_at is not None:
            return OutboundKind.TEXT, draft.webhook_id
        return await self._world.voice.prepare_text(draft.channel_id)

    async def _perform(self, row: OutboxRow, before: OutboxRow) -> Outcome:
        if row.draft.kind is OutboxKind.TAKEDOWN:
            return await self._take_down(row)
        if row.withdrawn_at is not None:
            return await self._look_for(row, before, row.withdrawn_at)
        return await self._say(row, before)

    async def _take_down(self, row: OutboxRow) -> Outcome:
        draft = row.draft
        if draft.message_id is None:
            raise ValueError(f"outbox row {row.id} is a takedown without a message")
        return await self._world.channel.delete(draft.channel_id, draft.message_id, draft.webhook_id)

    async def _say(self, row: OutboxRow, before: OutboxRow) -> Outcome:
        if row.draft.reply is not None:
            return await self._world.replies.answer(row.draft.reply, row.draft.text)
        if self._may_stand(row, before):
            found = await self._find(row, before)
            if found is not None:
                return found
        return await self._world.voice.send(row.outbound)

    async def _look_for(self, row: OutboxRow, before: OutboxRow, withdrawn_at: float) -> Outcome:
        """Find a withdrawn text that may stand there; it is gone when it had its time to land."""
        found = await self._find(row, before)
        left_s = withdrawn_at + self._world.rules.limits.settle_s - self._world.clock.now()
        if found is not None:
            return found
        return Unconfirmed("withdrawn", retry_after_s=left_s) if left_s > 0 else Deleted()

    def _may_stand(self, row: OutboxRow, before: OutboxRow) -> bool:
        """Whether an earlier try may have stored it, and no nonce keeps this one from storing it again."""
        is_by_webhook = row.draft.webhook_id is not None or before.draft.webhook_id is not None
        is_forgotten = self._world.clock.now() - row.first_try_at > NONCE_WINDOW_S
        return before.attempt > 0 and (is_by_webhook or is_forgotten)

    async def _find(self, row: OutboxRow, before: OutboxRow) -> Outcome | None:
        """What the channel says of a text that an earlier try may have stored; None where it is nowhere."""
        outbound = row.outbound
        seen = await self._world.channel.messages(outbound.channel_id, after=outbound.fence)
        if isinstance(seen, Refused) and seen.final and seen.reason != CHANNEL_GONE:
            return None  # where nobody lets us look, twice told is better than untold
        if not isinstance(seen, tuple):
            return seen
        own = await self._world.store.own_messages(outbound.channel_id, after=outbound.fence)
        for message in seen:
            if message.id not in own and shows(message, outbound):
                self._world.breakers.note_arrival()
                return message
        return await self._find_stray(before.outbound)

    async def _find_stray(self, tried: Outbound) -> Outcome | None:
        """Where its webhook was moved, a try may stand in another channel; None where it does not."""
        channel_id = None if tried.webhook_id is None else await self._world.voice.elsewhere(tried)
        if not isinstance(channel_id, int):
            return channel_id
        seen = await self._world.channel.messages(channel_id, after=tried.fence)
        if not isinstance(seen, tuple):
            return None if isinstance(seen, Refused) and seen.final else seen
        # Texts read alike: what another webhook said, or is known as another text's, is that channel's own.
        alike = [each for each in seen if each.webhook_id == tried.webhook_id and is_strayed(each, tried)]
        own = await self._world.store.own_messages(channel_id, after=tried.fence) if alike else frozenset()
        strays = (PostedElsewhere(channel_id, message.id) for message in alike if message.id not in own)
        return next(strays, None)

    async def _settle(self, row: OutboxRow, outcome: Outcome) -> bool:
        """Close the row, or put it off; whether it is closed."""
        at = self._world.clock.now()
        match outcome:
            case Posted(message_id=message_id):
                shown_as = message_id if row.draft.reply is None else None  # a reply is no message of the channel
                await self._world.store.outbox_done(row.id, message_id=shown_as, at=at, outcome="sent")
            case ChannelMessage():
                await self._world.store.outbox_found(row.id, message=outcome, at=at)
            case PostedElsewhere(channel_id=elsewhere, message_id=message_id):
                await self._world.store.enqueue(_stray(row, elsewhere, message_id), at=at)
                await self._world.store.outbox_later(row.id, due_at=at + self._wait_s(row))
                return False
            case Deleted():
                await self._world.store.outbox_done(row.id, message_id=None, at=at, outcome="deleted")
            case Refused(reason="removed"):
                await self._world.store.outbox_done(row.id, message_id=None, at=at, outcome="sent")
            case Refused(reason="forbidden" | "unauthorized" | "thread_closed") if self._may_pass(row, outcome, at):
                self._note_forbidden(row, outcome)
                await self._world.store.outbox_later(row.id, due_at=at + _forbidden_wait_s(row, outcome))
                return False
            case Refused(final=True):
                await self._world.store.outbox_done(row.id, message_id=None, at=at, outcome="dropped")
                words = f"The {row.draft.kind} could not be delivered and is dropped: {outcome.summary}"
                self._note("error", row, f"{words}; {_where(row)}.", outcome)
            case Unconfirmed(retry_after_s=wait_s) if row.draft.webhook_id is not None:
                settle_s = self._world.rules.limits.settle_s  # what went through a webhook may still land
                await self._world.store.outbox_later(row.id, due_at=at + max(wait_s, settle_s, self._wait_s(row)))
                return False
            case Refused(retry_after_s=wait_s) | Unconfirmed(retry_after_s=wait_s):
                await self._world.store.outbox_later(row.id, due_at=at + max(wait_s, self._wait_s(row)))
                return False
            case HeldBack(until=until):
                await self._world.store.outbox_later(row.id, due_at=until, was_tried=False)
                return False
            case _:
                assert_never(outcome)
        self._forbidden.discard(row.id)
        return True

    async def _give_up_reply(self, row: OutboxRow) -> bool:
        at = self._world.clock.now()
        await self._world.store.outbox_done(row.id, message_id=None, at=at, outcome="dropped")
        self._world.trace.publish(_ended(row, "dropped"))
        self._note("info", row, f"The answer to an interaction came too late: its token has expired; {_where(row)}.")
        return True

    def _note(self, level: Level, row: OutboxRow, words: str, refused: Refused | None = None) -> None:
        error, said = (None, "") if refused is None else (refused.error, refused.words)
        noted = Noted(level, words, row.session_id, error, row.draft.response_id, row.attempt, said)
        self._world.trace.publish(noted)

    def _may_pass(self, row: OutboxRow, refused: Refused, at: float) -> bool:
        """Whether it is worth the wait: a closed thread is opened one day, a permission comes within a week."""
        is_young = at - row.first_try_at < FORBIDDEN_S
        return row.draft.kind in FORBIDDEN and (refused.reason == THREAD_CLOSED or is_young)

    def _note_forbidden(self, row: OutboxRow, refused: Refused) -> None:
        if row.id not in self._forbidden:
            self._forbidden.add(row.id)
            level: Level = "warning" if refused.reason == THREAD_CLOSED else "error"
            words = f"{_why_it_waits(row.draft.kind, refused)} ({refused.summary}; {_where(row)})"
            self._note(level, row, words, refused)

    def _wait_s(self, row: OutboxRow) -> float:
        base_s = self._world.rules.limits.backoff_base_s
        wait_max_s = WAIT_MAX_S if row.draft.reply is None else REPLY_WAIT_MAX_S
        return backoff_s(row.attempt, base_s=base_s, max_s=wait_max_s, seed=row.draft.key)


def _stray(row: OutboxRow, channel_id: int, message_id: int) -> OutboxDraft:
    """What a moved webhook posted into another channel is taken back there."""
    return OutboxDraft(
        key=f"takedown:{message_id}",
        kind=OutboxKind.TAKEDOWN,
        channel_id=channel_id,
        message_id=message_id,
        webhook_id=row.outbound.webhook_id,
    )


def _by_channel(rows: tuple[OutboxRow, ...]) -> dict[int, list[OutboxRow]]:
    channels: dict[int, list[OutboxRow]] = {}
    for row in rows:
        channels.setdefault(row.draft.channel_id, []).append(row)
    return channels


async def hurry(world: World, channel_id: int | None) -> None:
    """What a channel (None: any) has put off for long may be possible now: an open thread, a permission."""
    put_off_s = WAIT_MAX_S if channel_id is None else 0.0
    await world.store.outbox_hurry(channel_id, at=world.clock.now(), put_off_s=put_off_s)
    world.outbox_bell.ring()


def _forbidden_wait_s(row: OutboxRow, refused: Refused) -> float:
    wait_max_s = CLOSED_WAIT_MAX_S if refused.reason == THREAD_CLOSED else FORBIDDEN_WAIT_MAX_S[row.draft.kind]
    return backoff_s(row.attempt, base_s=WAIT_MAX_S, max_s=wait_max_s)


def _why_it_waits(kind: OutboxKind, refused: Refused) -> str:
    match refused.reason:
        case "unauthorized":
            return UNAUTHORIZED
        case "thread_closed":
            return CLOSED
        case _:
            return FORBIDDEN[kind].format(needs=refused.needs or NEEDS[kind])


def _settled(row: OutboxRow, outcome: Outcome, *, is_done: bool) -> OutboxSettled:
    match outcome:
        case Posted() | ChannelMessage() | Refused(reason="removed"):
            return _ended(row, "sent")
        case Deleted():
            return _ended(row, "deleted")
        case PostedElsewhere():
            return _ended(row, "refused", WEBHOOK_MOVED)
        case Refused():
            return _ended(row, "dropped" if is_done else "refused", outcome.summary)
        case Unconfirmed():
            return _ended(row, "unconfirmed", outcome.summary)
        case HeldBack():
            return _ended(row, "held")
        case _:
            assert_never(outcome)


def _ended(row: OutboxRow, outcome: OutboxOutcome, reason: str = "") -> OutboxSettled:
    draft = row.draft
    return OutboxSettled(
        draft.kind, outcome, row.attempt, draft.response_id, row.session_id, row.id, draft.channel_id, reason
    )


def _where(row: OutboxRow) -> str:
    return f"outbox row {row.id} of channel {row.draft.channel_id}"
