"""Port of the database, and the records that it returns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from actors.ports.characters import CharacterStore
from actors.ports.deletion import DeletionStore
from actors.ports.exchange import Exchange
from actors.ports.inbox import InboxStore
from actors.ports.lore import LoreStore
from actors.ports.server_uses import ServerUses
from actors.ports.work import NO_WRITES, MoveByWork, ResponseRecord, SessionMove, Work, Writes
from actors.roleplay.missing_reports import Finding, MissingReport, SeenTurn
from actors.roleplay.model import (
    Amendment,
    ChannelMessage,
    Claim,
    Entry,
    KnownMessage,
    Outbound,
    OutboxDraft,
    OutboxRow,
    Reading,
    RecentHistory,
    ResponseId,
    SessionId,
    SessionRecord,
    Turn,
)
from actors.roleplay.quotas import NO_QUOTAS, Excess, Quotas
from machines.facts import Fact
from machines.response import Move, Response


class Fenced(Exception):
    """Another worker holds the session now, or the row has changed: discard what you know and read again."""


class RedeliveryOutcome(StrEnum):
    """The result of a request to deliver a failed line again; only ACCEPTED changes anything."""

    ACCEPTED = "accepted"
    ON_ITS_WAY = "on its way"  # already requested, or being delivered
    DELIVERED = "delivered"  # already in the channel, by its response or an earlier redelivery
    WITHDRAWN = "withdrawn"  # the message that it answers was deleted, or edited to be an aside
    SESSION_ENDED = "session ended"
    NONE = "none"  # there is no failed line that was announced in the channel


@dataclass(frozen=True, slots=True)
class RedeliveryAsked:
    """The result of a request to redeliver `response_id`, and its speaker; None if there is no such line.

    If it is accepted, `session_id` has work: to replace `replaces`, the newest of the line's replacements.
    """

    outcome: RedeliveryOutcome
    name: str = ""
    response_id: ResponseId | None = None
    session_id: SessionId | None = None
    replaces: ResponseId | None = None


@dataclass(frozen=True, slots=True)
class ReportedMissing:
    """A report that a line did not arrive; `is_new`: the first by this person about this turn."""

    finding: Finding
    is_new: bool
    session_id: SessionId | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A part, or a text of the outbox, whose second copy is deleted if it appears.

    `is_final`: no attempt of it is in progress.
    """

    outbound: Outbound
    message_id: int | None
    is_final: bool


@dataclass(frozen=True, slots=True)
class ToCatchUp:
    """A channel to read again after a gap: that of an open session, or one in which a text's copy may appear (None).
    Messages after `after` may be unprocessed; those after `known_after` (never newer), edited or deleted.
    """

    session_id: SessionId | None
    channel_id: int
    after: int
    known_after: int


class Store(CharacterStore, DeletionStore, InboxStore, LoreStore, ServerUses, Protocol):
    """The database. Each call is one transaction, which is durable when it returns.

    Calls that take a Claim or a Response raise Fenced if the epoch or the version is not the newest.
    """

    # sessions
    async def open_session(
        self, session: SessionRecord, answer: OutboxDraft, *, quotas: Quotas = NO_QUOTAS
    ) -> SessionRecord | Excess | None:
        """Write `session` and the answer to its command.

        Writes nothing if a session is open there, or the command was answered before (None), or if its server or its
        opener has too many open sessions (the Excess).
        """
        ...

    async def session_in(self, channel_id: int) -> SessionRecord | None:
        """The open session of this channel or thread."""
        ...

    async def session(self, session_id: SessionId) -> SessionRecord | None: ...

    async def open_sessions(self, *, since: float, lookback: int) -> tuple[ToCatchUp, ...]:
        """Return every open session with the message after which its channel must be read again.

        That is the last message heard, or the watermark of a doubtful line that was tried after `since`; the newest
        `lookback` messages of the history are compared. An ended session is included if a copy of such a line may still
        appear. The channels of doubtful notices and answers follow, from their watermarks on.
        """
        ...

    async def takes_part(self, session_id: SessionId, user_id: int) -> bool:
        """Return whether the person wrote a line in this session."""
        ...

    async def claim(self, session_id: SessionId) -> tuple[Claim, SessionRecord, Work]:
        """Take the session over: its epoch rises, and the next write of the worker before raises Fenced."""
        ...

    async def move_session(
        self, session_id: SessionId, move: SessionMove, *, outbox: Sequence[OutboxDraft] = ()
    ) -> None:
        """Record a session's move with its announcements. Raises Fenced if another move came first."""
        ...

    async def resume_session(self, session_id: SessionId, move: MoveByWork, *, outbox: Sequence[OutboxDraft]) -> None:
        """End a session's pause; its next state depends on waiting work. Raises Fenced if another move came first."""
        ...

    # the inbox and turns
    async def next_work(self, claim: Claim, *, move: MoveByWork | None = None) -> Work:
        """Return what the session has to do now, and the move that it makes for it."""
        ...

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        """Open a turn for all messages that wait up to its cause, with the session's move if it was idle.

        Returns the next work. Raises Fenced if the cause does not wait.
        """

    # responses
    async def start(
        self,
        claim: Claim,
        record: ResponseRecord,
        ordinal: int,
        move: Move,
        *,
        replaces: ResponseId | None = None,
    ) -> str | None:
        """Write a new response with its first move; one that `replaces` another is not counted as the turn's speaker.

        This takes the request to redeliver the replaced one. Raises Fenced if that is replaced already, or the
        session was paused meanwhile. Returns the reason to cancel it at once, if any (see `cancel_reason`).
        """
        ...

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        writes: Writes = NO_WRITES,
        *,
        exchange: Exchange | None = None,
    ) -> int:
        """Write a move, the response after it and the move's writes in one transaction.

        A move to Delivered commits its line: the text that `response` has as shown.

        An `exchange` is kept for observers until its session has enough newer responses. A final move withdraws the
        channel's notices about late lines, unless another line is still in progress there.

        Returns the length of the session's history after it. Raises Fenced also if the part was found in a message that
        is to be deleted: the channel must be read again.
        """
        ...

    async def look_up_redelivery(self, response_id: ResponseId | None, *, channel_id: int) -> RedeliveryAsked:
        """Return what a request to redeliver a failed line of this channel (None: its last one) would do now."""
        ...

    async def request_redelivery(self, asked: RedeliveryAsked, answer: OutboxDraft, *, at: float) -> bool:
        """Write a request that was looked up, with its answer, in one transaction.

        Returns False and writes nothing if this request was answered before. Raises Fenced if its result has changed
        meanwhile.
        """
        ...

    async def look_up_missing(self, report: MissingReport) -> SeenTurn | None:
        """Return the outcome of the turn that a report is about; None if none is known."""
        ...

    async def report_missing(
        self, report: MissingReport, seen: SeenTurn | None, answer: OutboxDraft
    ) -> ReportedMissing | None:
        """Write a report with its finding and its answer in one transaction.

        Returns None and writes nothing if it was answered before.
        """
        ...

    async def keep_intent(self, claim: Claim, response: Response, outbound: Outbound) -> Outbound:
        """Write an intent before its request is sent; return it with the watermark of its first attempt.

        Raises ValueError if the part's nonce or text would change: one nonce is one message.
        """
        ...

    async def history(self, session_id: SessionId) -> tuple[Entry, ...]:
        """Return the whole shared history in the channel's order, with edits, without deleted lines.

        The cost grows with its length: for transcripts and audits. Prompts use `recent_history`.
        """
        ...

    async def recent_history(
        self,
        session_id: SessionId,
        *,
        entries_max: int,
        characters_max: int | None = None,
        reading: Reading | None = None,
    ) -> RecentHistory:
        """Return the newest lines of `history`, at a cost that does not grow with it; with `reading`, of these.

        It stops with the line that exceeds `characters_max`, and earlier if most of the newest messages were deleted.
        """
        ...

    async def cancel_reason(self, response_id: ResponseId) -> str | None:
        """Return why this response should be cancelled: its session ended (by what), or `trigger_deleted`; else None.

        The latter means that all messages of its turn were deleted, or edited to be asides, while the turn had
        delivered nothing.
        """
        ...

    async def moves(self, response_id: ResponseId) -> tuple[tuple[str, str, Fact], ...]:
        """(from, to, fact) of each move of a response, oldest first."""
        ...

    async def own_messages(self, channel_id: int, *, after: int, with_takedowns: bool = True) -> frozenset[int]:
        """Return message ids after `after` that cannot be a line in doubt.

        These are confirmed parts, notices and answers and, on request, messages that are to be deleted.
        """
        ...

    async def handled_messages(self, channel_id: int, *, after: int) -> frozenset[int]:
        """Return message ids after `after` that are fully handled.

        These are people's lines in the inbox, answered commands, and confirmed messages of ours.
        """
        ...

    async def amend(self, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
        """Record that a line was edited, or deleted (None); return its session, None if it is not a line.

        A user message that was deleted, or has no text any more (edited to be an aside), starts no turn if it has none
        yet; if it gets text again, it waits for its turn again. While a response is in progress in the channel, an
        unknown message may be its part, changed before its id was known: the change is kept for it.
        """
        ...

    async def known_messages(self, channel_id: int, *, after: int) -> tuple[KnownMessage, ...]:
        """Return messages after `after` of lines, and of responses in progress; without deleted ones."""
        ...

    async def amend_all(self, channel_id: int, amendments: Sequence[Amendment], *, at: float) -> tuple[SessionId, ...]:
        """Apply `amend` to each, all or none; return the sessions of the lines."""
        ...

    # the reaper
    async def watched(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        """Return parts of unfinished responses, and of doubtful ones tried after `since` or redelivered."""
        ...

    async def watched_elsewhere(self, channel_id: int, webhook_id: int, *, since: float) -> tuple[Watched, ...]:
        """The same for the channel that this webhook was made for, unless that is `channel_id`.

        If the webhook was moved, a message in `channel_id` may be a stray part of a line of that channel.
        """
        ...

    async def watched_texts(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        """Return notices and answers in progress, and those done after `since` that took more than one attempt."""
        ...

    # the outbox
    async def enqueue(self, draft: OutboxDraft, *, at: float) -> bool:
        """Add a delivery; False if its key is known, or for a takedown of another response's line.

        A takedown of one of our parts gets the webhook that sent it.
        """
        ...

    async def leave_unanswered(self, draft: OutboxDraft, *, at: float) -> None:
        """Record that a command was handled without an answer."""
        ...

    async def answers_waiting(self, channel_id: int) -> int:
        """Count the answers to commands of this channel that are not delivered yet."""
        ...

    async def answered_lately(self, channel_id: int, user_id: int, *, since: float) -> int:
        """Count the commands of this person that were answered in this channel after `since`."""
        ...

    async def enqueue_copy(self, draft: OutboxDraft, *, at: float) -> bool:
        """Add a takedown; False if its message has become a line or a text, or its key is known."""
        ...

    async def due_outbox(
        self, *, now: float, limit: int, besides: Collection[int] = frozenset()
    ) -> tuple[OutboxRow, ...]:
        """Return due deliveries, the longest due first, without those of the channels `besides`."""
        ...

    async def outbox_try(
        self, row_id: int, *, at: float, text: str | None = None, webhook_id: int | None = None
    ) -> OutboxRow:
        """Count an attempt before it is sent; return the row with attempt, first_try_at and watermark set.

        `text` replaces the text at the first attempt; later ones repeat it. A text is sent through `webhook_id`, or as
        the bot's own message. This, `outbox_later` and `outbox_done` raise Fenced if the row is done.
        """
        ...

    async def outbox_later(self, row_id: int, *, due_at: float, was_tried: bool = True) -> None:
        """Put the next attempt off; an attempt that was not sent is not counted."""
        ...

    async def outbox_done(self, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
        """Close a row: `sent`, `deleted` or `dropped` (the channel is gone).

        A notice that was withdrawn meanwhile gets its takedown in the same transaction.
        """
        ...

    async def outbox_found(self, row_id: int, *, message: ChannelMessage, at: float) -> None:
        """Close a row as `sent`: this message of the channel is its text, from an earlier attempt."""
        ...

    async def next_outbox_due(self) -> float | None: ...

    async def outbox_hurry(self, channel_id: int | None, *, at: float, put_off_s: float = 0.0) -> None:
        """Make deliveries of a channel (None: any) that are put off for longer than `put_off_s` due at `at`."""
        ...

    # the sweeper
    async def pending(self, *, now: float) -> tuple[SessionId, ...]:
        """Return sessions with work, also ended ones: an unfinished response, a redelivery, a turn, a message."""
        ...
