"""The durable truth, and what it hands to the actors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from actors.ports.exchange import Exchange
from actors.ports.work import NO_WRITES, MoveByWork, ResponseRecord, SessionMove, Work, Writes
from actors.roleplay.missing import Finding, MissingReport, SeenTurn
from actors.roleplay.model import (
    Amendment,
    ChannelMessage,
    Character,
    CharacterId,
    Claim,
    Entry,
    KnownMessage,
    Outbound,
    OutboxDraft,
    OutboxRow,
    RecentHistory,
    ResponseId,
    SessionId,
    SessionRecord,
    Turn,
)
from machines.facts import Fact
from machines.response import Move, Response


class Fenced(Exception):
    """Somebody else holds the session now, or the row moved on: drop what you know and read again."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A user message is in the inbox and in the history. `is_new` is False for one handled before.

    It starts no turn where `is_overflow` (too much waits already) or `is_paused` (the scene is paused).
    """

    session_id: SessionId
    is_new: bool
    is_overflow: bool = False
    is_paused: bool = False


class RetryOutcome(StrEnum):
    """What came of the wish to have a failed line again; all but ACCEPTED change nothing."""

    ACCEPTED = "accepted"
    ON_ITS_WAY = "on its way"  # asked for already, or being delivered again
    DELIVERED = "delivered"  # it stands in the channel, at once or by an earlier retry
    WITHDRAWN = "withdrawn"  # the message that it answers was deleted, or edited out of the play
    SESSION_ENDED = "session ended"
    NONE = "none"  # no failed line that the channel was told of


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """What a request for `response_id` comes to, and whose line that is; None where there is no such line.

    When it is accepted, `session_id` has work: to replace `replaces`, the newest of the line's replacements.
    """

    outcome: RetryOutcome
    name: str = ""
    response_id: ResponseId | None = None
    session_id: SessionId | None = None
    replaces: ResponseId | None = None


@dataclass(frozen=True, slots=True)
class ReportedMissing:
    """A report of a line that did not come; `is_new`: the first of this person about this turn."""

    finding: Finding
    is_new: bool
    session_id: SessionId | None


@dataclass(frozen=True, slots=True)
class Watched:
    """A part, or a text of the outbox, whose second copy is to be deleted, should it turn up.

    `is_final`: nothing of it is on its way any more.
    """

    outbound: Outbound
    message_id: int | None
    is_final: bool


@dataclass(frozen=True, slots=True)
class ToCatchUp:
    """A channel that is to be read again after a gap: an open session's, or where a text's copy may land (None).

    What is newer than `after` may be unheard. From `known_after` (never newer) on, what is known may have
    been edited or deleted meanwhile.
    """

    session_id: SessionId | None
    channel_id: int
    after: int
    known_after: int


class Store(Protocol):
    """The durable truth. Each call is one transaction, done or not done when it returns.

    Calls that take a Claim or a Response raise Fenced when the epoch or the version is not the newest.
    """

    # sessions
    async def open_session(self, session: SessionRecord, answer: OutboxDraft) -> SessionRecord | None:
        """Write `session` and the answer to its command.

        None, and nothing written, if one is open there, or if the command was answered before.
        """
        ...

    async def session_in(self, channel_id: int) -> SessionRecord | None:
        """The open session of this channel or thread."""
        ...

    async def session(self, session_id: SessionId) -> SessionRecord | None: ...

    async def open_sessions(self, *, since: float, lookback: int) -> tuple[ToCatchUp, ...]:
        """Every open session, and from where on its channel is to be read again.

        What is unheard is newer than the last message heard, or than doubtful lines tried after `since`;
        the newest `lookback` messages of the history are to be compared. A session that has ended is among them
        where such a line's copy may land after its end. What is unheard is newer, too, than the fences of doubtful
        notices and answers, whose channels follow.
        """
        ...

    async def claim(self, session_id: SessionId) -> tuple[Claim, SessionRecord, Work]:
        """Take the session over: its epoch rises, and whoever held it is Fenced at the next write."""
        ...

    async def move_session(
        self, session_id: SessionId, move: SessionMove, *, outbox: Sequence[OutboxDraft] = ()
    ) -> None:
        """Record a session's move with what it asks to be told. Raises Fenced when another move came first."""
        ...

    async def resume_session(self, session_id: SessionId, move: MoveByWork, *, outbox: Sequence[OutboxDraft]) -> None:
        """End a session's pause, by whether anything waited for that. Raises Fenced when another move came first."""
        ...

    # the inbox and turns
    async def accept(
        self, message: ChannelMessage, *, waiting_max: int, overflow: OutboxDraft | None = None
    ) -> Accepted | None:
        """Inbox and history in one transaction, once per message id; None where no session was open then.

        In a paused session it starts no turn: the first message after the pause does, and reads it.
        With `waiting_max` messages waiting it starts no turn, and the channel is told so by `overflow`: with the
        first one since nothing waited.
        """
        ...

    async def next_work(self, claim: Claim, *, move: MoveByWork | None = None) -> Work:
        """What the session has to do now, and the move that it makes because of it."""
        ...

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        """Answer a message with a turn, with the session's move where it was idle; returns what is to be done next."""
        ...

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
        """Write a new response with its first move; one that `replaces` another takes no speaker's place.

        The request to retry the replaced one is then taken. Raises Fenced when it is replaced already, and when the
        session was paused meanwhile.
        Returns why it has no reason already, if so (see `cancel_reason`).
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
        """The move, the response after it and all that belongs to it, in one transaction.

        Delivered and its line are one: the line is what `response` has as shown.

        An `exchange` is kept for those who look on, until its session has enough newer responses. A final move
        withdraws the channel's notices that a line comes late, unless another line is on its way there.

        Returns the length of the session's history after it. Raises Fenced, too, when the part was found in a
        message that is to be taken down: the channel is to be read again.
        """
        ...

    async def look_up_retry(self, response_id: ResponseId | None, *, channel_id: int) -> RetryAsked:
        """What a request for a failed line of this channel (None: its last one) comes to now."""
        ...

    async def request_retry(self, asked: RetryAsked, answer: OutboxDraft, *, at: float) -> bool:
        """Write a request that was looked up, with its answer, in one transaction.

        False, and nothing written, when this very request was answered before. Raises Fenced when it comes to
        something else meanwhile.
        """
        ...

    async def look_up_missing(self, report: MissingReport) -> SeenTurn | None:
        """What became of the turn that a report is about; None where none is known."""
        ...

    async def report_missing(
        self, report: MissingReport, seen: SeenTurn | None, answer: OutboxDraft
    ) -> ReportedMissing | None:
        """Write a report with what was seen and its answer, in one transaction.

        None, and nothing written, when it was answered before.
        """
        ...

    async def keep_intent(self, claim: Claim, response: Response, outbound: Outbound) -> Outbound:
        """Write what is about to go on the wire; returns it with its fence, which is that of the first try.

        Raises ValueError when the part's nonce or text would change: one nonce is one message.
        """
        ...

    async def history(self, session_id: SessionId) -> tuple[Entry, ...]:
        """The whole shared history in the channel's order, amendments applied, deleted lines left out.

        It costs as much as there is of it: for transcripts and audits. Whoever plays reads `recent_history`.
        """
        ...

    async def recent_history(
        self, session_id: SessionId, *, entries_max: int, characters_max: int | None = None
    ) -> RecentHistory:
        """The newest lines of `history`, at a cost that does not grow with it.

        It ends with the line that makes them longer than `characters_max`, and early where most of the newest
        messages were deleted.
        """
        ...

    async def cancel_reason(self, response_id: ResponseId) -> str | None:
        """Why this response has lost its reason: its session ended (by what), or `trigger_deleted`.

        A trigger that was edited out of the play counts as deleted.

        The trigger's deletion counts only while its turn has delivered nothing.
        """
        ...

    async def moves(self, response_id: ResponseId) -> tuple[tuple[str, str, Fact], ...]:
        """(from, to, fact) of each move of a response, oldest first."""
        ...

    async def own_messages(self, channel_id: int, *, after: int, with_takedowns: bool = True) -> frozenset[int]:
        """Ids newer than `after` that no line may be taken for any more.

        Those of parts, notices and answers that are confirmed and, if wanted, those that are to be taken down.
        """
        ...

    async def handled_messages(self, channel_id: int, *, after: int) -> frozenset[int]:
        """Ids newer than `after` with which nothing is to be done any more.

        People's lines in the inbox, commands that have their answer, confirmed messages of ours.
        """
        ...

    async def amend(self, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
        """Note that a line was edited, or deleted (None); returns its session, None where it is no line.

        A user message that is deleted, or has no text any more (it was edited out of the play), starts no turn if it
        has none yet; one that has text again waits for its turn again, whatever waits. While a response is on its
        way in the channel, an unknown message may be its part, changed before we were told its id: what is noted
        waits for it.
        """
        ...

    async def known_messages(self, channel_id: int, *, after: int) -> tuple[KnownMessage, ...]:
        """Messages newer than `after` that belong to lines, or to such on their way; without deleted ones."""
        ...

    async def amend_all(self, channel_id: int, amendments: Sequence[Amendment], *, at: float) -> tuple[SessionId, ...]:
        """`amend` for each, all or none; returns the sessions whose lines they are."""
        ...

    # the reaper
    async def watched(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        """Parts of doubtful responses tried after `since` or asked for again, and all of those not final."""
        ...

    async def watched_elsewhere(self, channel_id: int, webhook_id: int, *, since: float) -> tuple[Watched, ...]:
        """The same of the channel that this webhook was made for, unless that is `channel_id` itself.

        Of a webhook that was moved, a message in `channel_id` may be a stray part of a line there.
        """
        ...

    async def watched_texts(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        """Notices and answers on their way, and those done after `since` that one try did not settle."""
        ...

    # the outbox
    async def enqueue(self, draft: OutboxDraft, *, at: float) -> bool:
        """Add a delivery; False when its key is known already, or for a takedown of another response's line.

        A takedown of one of our parts is given the webhook that sent it.
        """
        ...

    async def leave_unanswered(self, draft: OutboxDraft, *, at: float) -> None:
        """Note that a command is handled whose answer is not given."""
        ...

    async def answers_waiting(self, channel_id: int) -> int:
        """Answers to commands of this channel that are not done."""
        ...

    async def enqueue_copy(self, draft: OutboxDraft, *, at: float) -> bool:
        """Add a takedown unless its message has become a line or a text, or its key is known: False then."""
        ...

    async def due_outbox(
        self, *, now: float, limit: int, besides: Collection[int] = frozenset()
    ) -> tuple[OutboxRow, ...]:
        """Deliveries whose time has come, the longest due first, those of the channels `besides` left out."""
        ...

    async def outbox_try(
        self, row_id: int, *, at: float, text: str | None = None, webhook_id: int | None = None
    ) -> OutboxRow:
        """Count a try before the wire; returns the row with attempt, first_try_at and fence set.

        With `text`, the first try says that instead; later ones repeat it. A text's try goes through `webhook_id` or is
        the bot's own. This, `outbox_later` and `outbox_done` raise Fenced when the row is done.
        """
        ...

    async def outbox_later(self, row_id: int, *, due_at: float, was_tried: bool = True) -> None:
        """Put the next try off; one that did not leave the process is given back."""
        ...

    async def outbox_done(self, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
        """Close a row: `sent`, `deleted` or `dropped` (the channel is gone).

        A notice that was withdrawn meanwhile gets its take-down with it.
        """
        ...

    async def outbox_found(self, row_id: int, *, message: ChannelMessage, at: float) -> None:
        """Close a row as `sent`: this message of the channel is its text, sent by an earlier try in its own way."""
        ...

    async def next_outbox_due(self) -> float | None: ...

    async def outbox_hurry(self, channel_id: int | None, *, at: float, put_off_s: float = 0.0) -> None:
        """Make due at `at` what a channel (None: any) has put off for longer than `put_off_s`."""
        ...

    # the sweeper
    async def pending(self, *, now: float) -> tuple[SessionId, ...]:
        """Open or ended sessions with work: an unfinished response, a retry, an open turn, a message without one."""
        ...

    # characters
    async def characters(self) -> tuple[Character, ...]:
        """The current version of each, by name."""
        ...

    async def has_had_characters(self) -> bool:
        """Whether there was ever one, deleted ones included: a new database has had none."""

    async def add_character(self, character: Character, *, at: float) -> bool:
        """Add a version; True where it replaces one of that name (compared without case)."""
        ...

    async def delete_character(self, name: str) -> CharacterId | None:
        """Take a character from the list; running sessions keep theirs. None where there is none."""
        ...
