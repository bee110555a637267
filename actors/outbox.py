"""The outbox: delivers notices, take-downs and answers, across restarts.

    row stored with its cause ─► due ─► try counted ─► sent ─► done
                                  ▲─────── later ◄──────┘   (waits 1, 2, 4 … 60 s; for an interaction at most 10 s)

The texts of a channel keep their order: a text that must wait delays the later ones of its channel. Channels are
delivered concurrently: one in which Discord does not answer delays no other.

A row is retried without end, unless Discord refuses it for good; then it is closed as `dropped`, with an error in the
log. A forbidden notice or take-down waits up to a week for the permission or a valid token, and in a closed thread
until the thread is opened. A forbidden answer is dropped: the person can ask again.

A withdrawn notice (its line arrived after all) is not sent again. If an earlier try may have stored it, the channel is
searched: a found notice is taken down; if it is still absent after the settle time, the row is closed.

A text is sent as the bot's own message, or through a webhook where the bot may not write. It is sent under one nonce.
The channel is read back before the next try if Discord has forgotten the nonce, or if any try uses a webhook, which has
no nonce. The answer to an interaction replaces its deferral; repeating that is harmless until the token expires.
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
from actors.services import Services
from actors.supervisor import concerning
from machines.backoff import backoff_s
from machines.facts import WEBHOOK_MOVED
from machines.waits import NONCE_WINDOW_S

BATCH: Final = 200
"""Rows read at a time. Rows of busy channels are left out: they could fill the batch and hide all others."""

WAIT_MAX_S: Final = 60.0
"""The longest wait between two tries of one row."""

REPLY_WAIT_MAX_S: Final = 10.0
"""The same for the answer to an interaction: a person sees "thinking…" meanwhile, for 15 minutes at most."""

SWEEP_S: Final = 2.0
"""Longest time between two looks at the store, for due rows that no bell announced."""

FORBIDDEN_S: Final = 7 * 86_400.0
FORBIDDEN_WAIT_MAX_S: Final = {OutboxKind.TAKEDOWN: 3600.0, OutboxKind.NOTICE: 300.0}
"""A message that we may not delete is tried again after 1, 2, 4 … 60 minutes, and given up after a week. A notice that
we may not send is tried at least every five minutes, since later texts wait for it."""
CLOSED_WAIT_MAX_S: Final = 3600.0
"""Longest wait in a closed thread; the thread's opening and each READY cause an earlier try."""

FORBIDDEN: Final = {
    OutboxKind.TAKEDOWN: "A message of the bot cannot be deleted. Give the bot the permission {needs}.",
    OutboxKind.NOTICE: "The notice of a failed line cannot be sent. Give the bot the permission {needs}.",
}
NEEDS: Final = {OutboxKind.TAKEDOWN: "Manage Messages", OutboxKind.NOTICE: "Send Messages"}
"""The permission to name if Discord's adapter does not name one."""
THREAD_CLOSED: Final = "thread_closed"
CLOSED: Final = "A thread is closed. Deliveries to it wait until somebody opens it."
UNAUTHORIZED: Final = "Discord rejects the bot's token. The outbox waits; set a valid DISCORD_TOKEN and restart."

Outcome = Posted | ChannelMessage | PostedElsewhere | Deleted | Refused | Unconfirmed | HeldBack


class Outbox:
    """Delivers due rows: those of one channel in order, channels concurrently."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy: set[int] = set()  # channels with a running task
        self._forbidden: set[int] = set()  # rows that wait for a permission; each is logged once

    async def run(self) -> None:
        """Deliver until cancelled. Raises what the store raises."""
        async with anyio.create_task_group() as group:
            while True:
                self._services.outbox_bell.silence()
                now, busy = self._services.clock.now(), frozenset(self._busy)
                rows = await self._services.store.due_outbox(now=now, limit=BATCH, besides=busy)
                for channel_id, queue in _by_channel(rows).items():
                    self._busy.add(channel_id)
                    group.start_soon(self._deliver_in_order, channel_id, queue)
                if len(rows) < BATCH:
                    await self._services.outbox_bell.wait(await self._rest_s())

    async def _rest_s(self) -> float:
        """Seconds until the next row is due; for a busy channel, its task rings the bell at its end."""
        due_at = await self._services.store.next_outbox_due()
        rest_s = SWEEP_S if due_at is None else due_at - self._services.clock.now()
        return SWEEP_S if rest_s <= 0 and self._busy else min(SWEEP_S, max(0.0, rest_s))

    async def _deliver_in_order(self, channel_id: int, rows: list[OutboxRow]) -> None:
        """Try each row once; stop at the first that must wait."""
        try:
            for row in rows:
                with self._services.shutdown.grace(), concerning(_where(row)):
                    if not await self._try(row):
                        break
                await anyio.lowlevel.checkpoint()
        finally:
            self._busy.discard(channel_id)
            self._services.outbox_bell.ring()

    async def _try(self, row: OutboxRow) -> bool:
        """Try a row once; True if it is done."""
        if row.draft.reply is not None and row.draft.reply.expires_at <= self._services.clock.now():
            return await self._give_up_reply(row)
        prepared = await self._prepare(row)
        webhook_id = prepared[1] if isinstance(prepared, tuple) else None
        # The notice gets the newest status report; the text of the first try stays.
        text = notices.reported(row.draft.text, self._services.breakers.indicator)
        try:
            tried = await self._services.store.outbox_try(
                row.id, at=self._services.clock.now(), text=text, webhook_id=webhook_id
            )
        except Fenced:
            return True  # it was withdrawn and closed after we read it
        outcome = await self._perform(tried, before=row) if isinstance(prepared, tuple) else prepared
        is_done = await self._settle(tried, outcome)
        self._services.trace.publish(_settled(tried, outcome, is_done=is_done))
        return is_done

    async def _prepare(self, row: OutboxRow) -> PrepareOutcome:
        """Choose how to send; only a text for the channel that is not withdrawn has a choice."""
        draft = row.draft
        if draft.kind is OutboxKind.TAKEDOWN or draft.reply is not None or row.withdrawn_at is not None:
            return OutboundKind.TEXT, draft.webhook_id
        return await self._services.voice.prepare_text(draft.channel_id)

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
        return await self._services.channel.delete(draft.channel_id, draft.message_id, draft.webhook_id)

    async def _say(self, row: OutboxRow, before: OutboxRow) -> Outcome:
        if row.draft.reply is not None:
            return await self._services.replies.answer(row.draft.reply, row.draft.text)
        if self._may_stand(row, before):
            found = await self._find(row, before)
            if found is not None:
                return found
        return await self._services.voice.send(row.outbound)

    async def _look_for(self, row: OutboxRow, before: OutboxRow, withdrawn_at: float) -> Outcome:
        """Look for a withdrawn text in the channel; if absent after the settle time, it counts as deleted."""
        found = await self._find(row, before)
        left_s = withdrawn_at + self._services.rules.limits.settle_s - self._services.clock.now()
        if found is not None:
            return found
        return Unconfirmed("withdrawn", retry_after_s=left_s) if left_s > 0 else Deleted()

    def _may_stand(self, row: OutboxRow, before: OutboxRow) -> bool:
        """Whether an earlier try may have stored the text, and no nonce prevents a second copy."""
        is_by_webhook = row.draft.webhook_id is not None or before.draft.webhook_id is not None
        is_forgotten = self._services.clock.now() - row.first_try_at > NONCE_WINDOW_S
        return before.attempt > 0 and (is_by_webhook or is_forgotten)

    async def _find(self, row: OutboxRow, before: OutboxRow) -> Outcome | None:
        """Look for a text that an earlier try may have stored: the message, or why it is unknown; None if absent."""
        outbound = row.outbound
        seen = await self._services.channel.messages(outbound.channel_id, after=outbound.watermark)
        if isinstance(seen, Refused) and seen.final and seen.reason != CHANNEL_GONE:
            return None  # we may not read here: a duplicate is better than no notice
        if not isinstance(seen, tuple):
            return seen
        own = await self._services.store.own_messages(outbound.channel_id, after=outbound.watermark)
        for message in seen:
            if message.id not in own and shows(message, outbound):
                self._services.breakers.note_arrival()
                return message
        return await self._find_stray(before.outbound)

    async def _find_stray(self, tried: Outbound) -> Outcome | None:
        """Look in the channel to which the try's webhook was moved; None if not moved, or the text is absent."""
        channel_id = None if tried.webhook_id is None else await self._services.voice.elsewhere(tried)
        if not isinstance(channel_id, int):
            return channel_id
        seen = await self._services.channel.messages(channel_id, after=tried.watermark)
        if not isinstance(seen, tuple):
            return None if isinstance(seen, Refused) and seen.final else seen
        # Different texts may read alike: a message by another webhook, or known as another text, is not ours.
        alike = [each for each in seen if each.webhook_id == tried.webhook_id and is_strayed(each, tried)]
        own = await self._services.store.own_messages(channel_id, after=tried.watermark) if alike else frozenset()
        strays = (PostedElsewhere(channel_id, message.id) for message in alike if message.id not in own)
        return next(strays, None)

    async def _settle(self, row: OutboxRow, outcome: Outcome) -> bool:
        """Close the row or postpone it; True if it is closed."""
        at = self._services.clock.now()
        match outcome:
            case Posted(message_id=message_id):
                shown_as = message_id if row.draft.reply is None else None  # a reply is not a message of the channel
                await self._services.store.outbox_done(row.id, message_id=shown_as, at=at, outcome="sent")
            case ChannelMessage():
                await self._services.store.outbox_found(row.id, message=outcome, at=at)
            case PostedElsewhere(channel_id=elsewhere, message_id=message_id):
                await self._services.store.enqueue(_stray(row, elsewhere, message_id), at=at)
                await self._services.store.outbox_later(row.id, due_at=at + self._wait_s(row))
                return False
            case Deleted():
                await self._services.store.outbox_done(row.id, message_id=None, at=at, outcome="deleted")
            case Refused(reason="removed"):
                await self._services.store.outbox_done(row.id, message_id=None, at=at, outcome="sent")
            case Refused(reason="forbidden" | "unauthorized" | "thread_closed") if self._may_pass(row, outcome, at):
                self._note_forbidden(row, outcome)
                await self._services.store.outbox_later(row.id, due_at=at + _forbidden_wait_s(row, outcome))
                return False
            case Refused(final=True):
                await self._services.store.outbox_done(row.id, message_id=None, at=at, outcome="dropped")
                words = f"The {row.draft.kind} could not be delivered and was dropped: {outcome.summary}"
                self._note("error", row, f"{words}; {_where(row)}.", outcome)
            case Unconfirmed(retry_after_s=wait_s) if row.draft.webhook_id is not None:
                settle_s = self._services.rules.limits.settle_s  # a text sent through a webhook may still arrive
                await self._services.store.outbox_later(row.id, due_at=at + max(wait_s, settle_s, self._wait_s(row)))
                return False
            case Refused(retry_after_s=wait_s) | Unconfirmed(retry_after_s=wait_s):
                await self._services.store.outbox_later(row.id, due_at=at + max(wait_s, self._wait_s(row)))
                return False
            case HeldBack(until=until):
                await self._services.store.outbox_later(row.id, due_at=until, was_tried=False)
                return False
            case _:
                assert_never(outcome)
        self._forbidden.discard(row.id)
        return True

    async def _give_up_reply(self, row: OutboxRow) -> bool:
        at = self._services.clock.now()
        await self._services.store.outbox_done(row.id, message_id=None, at=at, outcome="dropped")
        self._services.trace.publish(_ended(row, "dropped"))
        self._note("info", row, f"An interaction was not answered in time: its token has expired; {_where(row)}.")
        return True

    def _note(self, level: Level, row: OutboxRow, words: str, refused: Refused | None = None) -> None:
        error, said = (None, "") if refused is None else (refused.error, refused.words)
        noted = Noted(level, words, row.session_id, error, row.draft.response_id, row.attempt, said)
        self._services.trace.publish(noted)

    def _may_pass(self, row: OutboxRow, refused: Refused, at: float) -> bool:
        """Whether to keep waiting: for a closed thread always, for a permission up to a week."""
        is_young = at - row.first_try_at < FORBIDDEN_S
        return row.draft.kind in FORBIDDEN and (refused.reason == THREAD_CLOSED or is_young)

    def _note_forbidden(self, row: OutboxRow, refused: Refused) -> None:
        if row.id not in self._forbidden:
            self._forbidden.add(row.id)
            level: Level = "warning" if refused.reason == THREAD_CLOSED else "error"
            words = f"{_why_it_waits(row.draft.kind, refused)} ({refused.summary}; {_where(row)})"
            self._note(level, row, words, refused)

    def _wait_s(self, row: OutboxRow) -> float:
        base_s = self._services.rules.limits.backoff_base_s
        wait_max_s = WAIT_MAX_S if row.draft.reply is None else REPLY_WAIT_MAX_S
        return backoff_s(row.attempt, base_s=base_s, max_s=wait_max_s, seed=row.draft.key)


def _stray(row: OutboxRow, channel_id: int, message_id: int) -> OutboxDraft:
    """The take-down of a text that a moved webhook posted into another channel."""
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


async def hurry(services: Services, channel_id: int | None) -> None:
    """Retry the postponed rows of a channel (None: of all, those put off longest) now: a thread was opened, or a
    permission may have been given."""
    put_off_s = WAIT_MAX_S if channel_id is None else 0.0
    await services.store.outbox_hurry(channel_id, at=services.clock.now(), put_off_s=put_off_s)
    services.outbox_bell.ring()


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
