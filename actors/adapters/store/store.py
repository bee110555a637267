"""The ports Store and Webhooks over one database: each method hands one function to the executor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from actors.adapters.store import (
    audit,
    characters,
    exchanges,
    history,
    inbox,
    outbox,
    overview,
    reaper,
    recorded,
    reports,
    responses,
    retries,
    sessions,
    standing,
    unfinished,
    webhooks,
)
from actors.adapters.store.executor import Executor
from actors.ports.exchange import Exchange
from actors.ports.journal import KnownAs, LinesInState, Recorded, SeenLine, SeenSession, Standing
from actors.ports.store import Accepted, RetryAsked, ToCatchUp, Watched
from actors.ports.work import MoveByWork, ResponseRecord, SessionMove, Work
from actors.roleplay.model import (
    Amendment,
    ChannelMessage,
    Character,
    CharacterId,
    Claim,
    Entry,
    KnownMessage,
    Line,
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


class SqlStore:
    """The durable truth in SQL. The methods are those of the ports, whose docstrings say what they promise."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._run = executor.run

    async def aclose(self) -> None:
        """Finish what was begun and let go of the database."""
        await self._executor.aclose()

    # ── sessions ────────────────────────────────────────────────────────────────────────────────────

    async def open_session(self, session: SessionRecord, answer: OutboxDraft) -> SessionRecord | None:
        return await self._run(sessions.open_session, session, answer)

    async def session_in(self, channel_id: int) -> SessionRecord | None:
        return await self._run(sessions.session_in, channel_id)

    async def session(self, session_id: SessionId) -> SessionRecord | None:
        return await self._run(sessions.session_of, session_id)

    async def open_sessions(self, *, since: float, lookback: int) -> tuple[ToCatchUp, ...]:
        return await self._run(sessions.open_sessions, since=since, lookback=lookback)

    async def claim(self, session_id: SessionId) -> tuple[Claim, SessionRecord, Work]:
        return await self._run(inbox.claim, session_id)

    async def move_session(
        self, session_id: SessionId, move: SessionMove, *, outbox: Sequence[OutboxDraft] = ()
    ) -> None:
        await self._run(sessions.move_session, session_id, move, outbox=outbox)

    async def resume_session(self, session_id: SessionId, move: MoveByWork, *, outbox: Sequence[OutboxDraft]) -> None:
        await self._run(inbox.resume_session, session_id, move, outbox=outbox)

    async def pending(self, *, now: float) -> tuple[SessionId, ...]:
        return await self._run(sessions.pending, now=now)

    # ── the inbox and turns ─────────────────────────────────────────────────────────────────────────

    async def accept(
        self, message: ChannelMessage, *, waiting_max: int, overflow: OutboxDraft | None = None
    ) -> Accepted | None:
        return await self._run(inbox.accept, message, waiting_max=waiting_max, overflow=overflow)

    async def next_work(self, claim: Claim, *, move: MoveByWork | None = None) -> Work:
        return await self._run(inbox.next_work, claim, move=move)

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        return await self._run(inbox.take_turn, claim, turn, move=move)

    # ── responses ───────────────────────────────────────────────────────────────────────────────────

    async def start(
        self,
        claim: Claim,
        record: ResponseRecord,
        ordinal: int,
        move: Move,
        *,
        replaces: ResponseId | None = None,
    ) -> str | None:
        return await self._run(responses.start, claim, record, ordinal, move, replaces=replaces)

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        *,
        commit: Entry | None = None,
        outbox: Sequence[OutboxDraft] = (),
        watch: bool = False,
        exchange: Exchange | None = None,
    ) -> int:
        return await self._run(
            responses.record, claim, response, move, commit=commit, outbox=outbox, watch=watch, exchange=exchange
        )

    async def keep_intent(self, claim: Claim, response: Response, outbound: Outbound) -> Outbound:
        return await self._run(responses.keep_intent, claim, response, outbound)

    async def request_retry(
        self,
        response_id: ResponseId | None,
        *,
        channel_id: int,
        at: float,
        answer: Callable[[RetryAsked], OutboxDraft],
    ) -> RetryAsked | None:
        return await self._run(retries.request_retry, response_id, channel_id=channel_id, at=at, answer=answer)

    async def cancel_reason(self, response_id: ResponseId) -> str | None:
        return await self._run(responses.cancel_reason, response_id)

    async def moves(self, response_id: ResponseId) -> tuple[tuple[str, str, Fact], ...]:
        return await self._run(unfinished.moves, response_id)

    # ── the history ─────────────────────────────────────────────────────────────────────────────────

    async def history(self, session_id: SessionId) -> tuple[Entry, ...]:
        return await self._run(history.entries, session_id)

    async def recent_history(
        self, session_id: SessionId, *, entries_max: int, characters_max: int | None = None
    ) -> RecentHistory:
        return await self._run(
            history.recent_entries, session_id, entries_max=entries_max, characters_max=characters_max
        )

    async def amend(self, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
        return await self._run(history.amend, channel_id, message_id, text=text, at=at)

    async def known_messages(self, channel_id: int, *, after: int) -> tuple[KnownMessage, ...]:
        return await self._run(history.known_messages, channel_id, after=after)

    async def amend_all(self, channel_id: int, amendments: Sequence[Amendment], *, at: float) -> tuple[SessionId, ...]:
        return await self._run(history.amend_all, channel_id, amendments, at=at)

    # ── the reaper ──────────────────────────────────────────────────────────────────────────────────

    async def own_messages(self, channel_id: int, *, after: int) -> frozenset[int]:
        return await self._run(reaper.own_messages, channel_id, after=after)

    async def handled_messages(self, channel_id: int, *, after: int) -> frozenset[int]:
        return await self._run(reaper.handled_messages, channel_id, after=after)

    async def watched(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        return await self._run(reaper.watched, channel_id, since=since)

    async def watched_texts(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        return await self._run(reaper.watched_texts, channel_id, since=since)

    # ── the outbox ──────────────────────────────────────────────────────────────────────────────────

    async def enqueue(self, draft: OutboxDraft, *, at: float) -> bool:
        return await self._run(outbox.enqueue, draft, at=at)

    async def leave_unanswered(self, draft: OutboxDraft, *, at: float) -> None:
        await self._run(outbox.leave_unanswered, draft, at=at)

    async def answers_waiting(self, channel_id: int) -> int:
        return await self._run(outbox.answers_waiting, channel_id)

    async def enqueue_copy(self, draft: OutboxDraft, *, at: float) -> bool:
        return await self._run(outbox.enqueue_copy, draft, at=at)

    async def due_outbox(
        self, *, now: float, limit: int, besides: Collection[int] = frozenset()
    ) -> tuple[OutboxRow, ...]:
        return await self._run(outbox.due_outbox, now=now, limit=limit, besides=besides)

    async def outbox_try(self, row_id: int, *, at: float) -> OutboxRow:
        return await self._run(outbox.outbox_try, row_id, at=at)

    async def outbox_later(self, row_id: int, *, due_at: float) -> None:
        await self._run(outbox.outbox_later, row_id, due_at=due_at)

    async def outbox_done(self, row_id: int, *, message_id: int | None, at: float, outcome: str) -> None:
        await self._run(outbox.outbox_done, row_id, message_id=message_id, at=at, outcome=outcome)

    async def next_outbox_due(self) -> float | None:
        return await self._run(outbox.next_outbox_due)

    # ── characters ──────────────────────────────────────────────────────────────────────────────────

    async def characters(self) -> tuple[Character, ...]:
        return await self._run(characters.characters)

    async def has_had_characters(self) -> bool:
        return await self._run(characters.has_had_characters)

    async def add_character(self, character: Character, *, at: float) -> bool:
        return await self._run(characters.add_character, character, at=at)

    async def delete_character(self, name: str) -> CharacterId | None:
        return await self._run(characters.delete_character, name)

    # ── the Discord adapter's webhooks ──────────────────────────────────────────────────────────────

    async def webhook(self, channel_id: int, character_key: str) -> tuple[int, str] | None:
        return await self._run(webhooks.webhook, channel_id, character_key)

    async def keep_webhook(self, channel_id: int, character_key: str, webhook_id: int, token: str) -> None:
        await self._run(webhooks.keep_webhook, channel_id, character_key, webhook_id, token)

    async def forget_webhook(self, webhook_id: int) -> None:
        await self._run(webhooks.forget_webhook, webhook_id)

    async def webhook_token(self, webhook_id: int) -> str | None:
        return await self._run(webhooks.webhook_token, webhook_id)

    async def known_webhooks(self, channel_id: int) -> frozenset[int]:
        return await self._run(webhooks.known_webhooks, channel_id)

    # ── the Journal port ────────────────────────────────────────────────────────────────────────────

    async def recorded(self, response_id: ResponseId) -> Recorded | None:
        return await self._run(recorded.recorded, response_id)

    async def recently_recorded(
        self, *, limit: int, state: str | None = None, session_id: SessionId | None = None
    ) -> tuple[Recorded, ...]:
        return await self._run(recorded.recently_recorded, limit=limit, state=state, session_id=session_id)

    async def exchanges(self, response_id: ResponseId, *, with_texts: bool = False) -> tuple[tuple[int, Exchange], ...]:
        return await self._run(exchanges.exchanges, response_id, with_texts=with_texts)

    async def lines_by_state(self) -> tuple[LinesInState, ...]:
        return await self._run(reports.lines_by_state)

    async def untold_since(self) -> float | None:
        return await self._run(reports.untold_since)

    async def seen_sessions(self, *, limit: int) -> tuple[SeenSession, ...]:
        return await self._run(overview.seen_sessions, limit=limit)

    async def seen_session(self, channel_id: int) -> SeenSession | None:
        return await self._run(overview.seen_session, channel_id)

    async def standing(self, response_id: ResponseId) -> Standing | None:
        return await self._run(standing.standing, response_id)

    async def newest_responses(self, channel_id: int, *, limit: int) -> tuple[ResponseId, ...]:
        return await self._run(standing.newest_responses, channel_id, limit=limit)

    async def known_as(self, channel_id: int, message_id: int) -> KnownAs | None:
        return await self._run(standing.known_as, channel_id, message_id)

    async def seen_lines(self, session_id: SessionId, *, limit: int) -> tuple[SeenLine, ...]:
        return await self._run(overview.seen_lines, session_id, limit=limit)

    # ── for the command line; not in the ports ──────────────────────────────────────────────────────

    async def find_sessions(self, channel_or_session: str) -> tuple[SessionRecord, ...]:
        """The session of this id, or all of this channel, oldest first; empty where there is none."""
        return await self._run(reports.find_sessions, channel_or_session)

    async def find_responses(self, wanted: str) -> tuple[ResponseId, ...]:
        """The response of this id, else a few whose ids begin so; none where none does."""
        return await self._run(recorded.find_responses, wanted)

    async def lines(self, session_id: SessionId) -> tuple[Line, ...]:
        """The history message by message."""
        return await self._run(history.lines, session_id)

    async def sessions_since(self, *, since: float) -> tuple[SessionId, ...]:
        """Those that are open, or ended at `since` or later; oldest first."""
        return await self._run(audit.sessions_since, since=since)

    async def audited(self, session_id: SessionId) -> audit.Audited:
        """Everything that the audit needs of a session, as of one moment."""
        return await self._run(audit.audited, session_id)

    async def session_outcomes(self, session_id: SessionId) -> tuple[reports.ResponseOutcome, ...]:
        """Every response of a session, oldest first."""
        return await self._run(reports.session_outcomes, session_id)

    async def reliability(self, *, since: float) -> reports.Reliability:
        """What became of the responses that ended at `since` or later."""
        return await self._run(reports.reliability, since=since)
