"""Implement the ports Store and AdapterTables on one database: each method passes one function to the executor."""

from __future__ import annotations

from actors.adapters.store.engine import soundness
from actors.adapters.store.engine.executor import Executor, operation, view
from actors.adapters.store.look import audit, overview, reports
from actors.adapters.store.look import recordings as recorded_rows
from actors.adapters.store.look import standing as standing_rows
from actors.adapters.store.play import allowance_uses as allowance_rows

# Aliases: a method would hide a module of the same name from the methods below it.
from actors.adapters.store.play import books as books_rows
from actors.adapters.store.play import characters as characters_rows
from actors.adapters.store.play import (
    deletion,
    discord_knowledge,
    error_counts,
    gathering,
    inbox,
    late_notices,
    missing_reports,
    outbox,
    reaper,
    redeliveries,
    responses,
    sessions,
    unfinished,
    webhooks,
)
from actors.adapters.store.play import exchanges as exchanges_rows
from actors.adapters.store.play import history as history_rows
from actors.adapters.store.play import lore as lore_rows
from actors.adapters.store.play import server_knowledge as server_knowledge_rows
from actors.adapters.store.play import server_uses as server_use_rows


class SqlStore:
    """The store in SQL. Its methods are those of the ports, whose docstrings describe them."""

    def __init__(self, executor: Executor, viewer: Executor | None = None) -> None:
        """`viewer` runs what people look at; without it the executor does."""
        self._executor = executor
        self._viewer = executor if viewer is None else viewer

    async def aclose(self) -> None:
        """Finish the operations that have begun, then close the database."""
        if self._viewer is not self._executor:
            await self._viewer.aclose()
        await self._executor.aclose()

    # ── sessions ────────────────────────────────────────────────────────────────────────────────────

    open_session = operation(sessions.open_session)
    session_in = operation(sessions.session_in)
    session = operation(sessions.session_of)
    open_sessions = operation(sessions.open_sessions)
    claim = operation(inbox.claim)
    move_session = operation(sessions.move_session)
    resume_session = operation(inbox.resume_session)
    pending = operation(sessions.pending)
    takes_part = operation(sessions.takes_part)

    # ── the inbox and turns ─────────────────────────────────────────────────────────────────────────

    accept = operation(inbox.accept)
    hold_turn = operation(gathering.hold_turn)
    next_work = operation(inbox.next_work)
    take_turn = operation(inbox.take_turn)
    pass_over = operation(inbox.pass_over)

    # ── responses ───────────────────────────────────────────────────────────────────────────────────

    start = operation(responses.start)
    record = operation(responses.record)
    keep_intent = operation(responses.keep_intent)
    look_up_redelivery = operation(redeliveries.look_up_redelivery)
    request_redelivery = operation(redeliveries.request_redelivery)
    look_up_missing = operation(missing_reports.look_up_missing)
    report_missing = operation(missing_reports.report_missing)
    cancel_reason = operation(responses.cancel_reason)
    moves = operation(unfinished.moves)

    # ── the history ─────────────────────────────────────────────────────────────────────────────────

    history = operation(history_rows.entries)
    recent_history = operation(history_rows.recent_entries)
    amend = operation(history_rows.amend)
    known_messages = operation(history_rows.known_messages)
    amend_all = operation(history_rows.amend_all)

    # ── deletion ────────────────────────────────────────────────────────────────────────────────────

    tidy = operation(deletion.tidy)
    prune = operation(deletion.prune)
    forget = operation(deletion.forget)
    people_named = operation(deletion.people_named)
    # ── lore ────────────────────────────────────────────────────────────────────────────────────────

    lore_memory = operation(lore_rows.lore_memory)
    books = operation(books_rows.books)
    keep_book = operation(books_rows.keep_book)
    switch_book = operation(books_rows.switch_book)

    # ── the reaper ──────────────────────────────────────────────────────────────────────────────────

    own_messages = operation(reaper.own_messages)
    handled_messages = operation(reaper.handled_messages)
    watched = operation(reaper.watched)
    watched_elsewhere = operation(reaper.watched_elsewhere)
    watched_texts = operation(reaper.watched_texts)

    # ── the outbox ──────────────────────────────────────────────────────────────────────────────────

    enqueue = operation(outbox.enqueue)
    leave_unanswered = operation(outbox.leave_unanswered)
    answers_waiting = operation(outbox.answers_waiting)
    answered_lately = operation(outbox.answered_lately)
    enqueue_copy = operation(outbox.enqueue_copy)
    due_outbox = operation(outbox.due_outbox)
    outbox_try = operation(outbox.outbox_try)
    outbox_later = operation(outbox.outbox_later)
    outbox_done = operation(late_notices.outbox_done)
    outbox_found = operation(late_notices.outbox_found)
    next_outbox_due = operation(outbox.next_outbox_due)
    outbox_hurry = operation(outbox.outbox_hurry)

    # ── characters ──────────────────────────────────────────────────────────────────────────────────

    characters = operation(characters_rows.characters)
    known_in = operation(characters_rows.known_in)
    versions = operation(characters_rows.versions)
    has_had_characters = operation(characters_rows.has_had_characters)
    add_character = operation(characters_rows.add_character)
    delete_character = operation(characters_rows.delete_character)

    # ── the Discord adapter's webhooks ──────────────────────────────────────────────────────────────

    webhook = operation(webhooks.webhook)
    any_webhook = operation(webhooks.any_webhook)
    keep_webhook = operation(webhooks.keep_webhook)
    webhook_picture = operation(webhooks.webhook_picture)
    note_picture = operation(webhooks.note_picture)
    forget_webhook = operation(webhooks.forget_webhook)
    webhook_token = operation(webhooks.webhook_token)
    webhook_home = operation(webhooks.webhook_home)
    known_webhooks = operation(webhooks.known_webhooks)
    place = operation(discord_knowledge.place)
    keep_place = operation(discord_knowledge.keep_place)
    refused_names = operation(discord_knowledge.refused_names)
    keep_refused_name = operation(discord_knowledge.keep_refused_name)

    # ── the model adapter's knowledge ───────────────────────────────────────────────────────────────

    server_knowledge = operation(server_knowledge_rows.server_knowledge)
    keep_server_knowledge = operation(server_knowledge_rows.keep_server_knowledge)

    # ── the account's allowance ─────────────────────────────────────────────────────────────────────

    allowance_uses = operation(allowance_rows.allowance_uses)
    keep_allowance_use = operation(allowance_rows.keep_allowance_use)
    forget_allowance_uses = operation(allowance_rows.forget_allowance_uses)

    # ── what servers use ────────────────────────────────────────────────────────────────────────────

    server_tokens = operation(server_use_rows.server_tokens)
    add_server_tokens = operation(server_use_rows.add_server_tokens)

    # ── the Journal port ────────────────────────────────────────────────────────────────────────────

    recorded = view(recorded_rows.recorded)
    recently_recorded = view(recorded_rows.recently_recorded)
    exchanges = view(exchanges_rows.exchanges)
    lines_by_state = view(reports.lines_by_state)
    untold_since = view(reports.untold_since)
    seen_sessions = view(overview.seen_sessions)
    seen_session = view(overview.seen_session)
    standing = view(standing_rows.standing)
    newest_responses = view(standing_rows.newest_responses)
    known_as = view(standing_rows.known_as)
    seen_lines = view(overview.seen_lines)

    # ── for the command line; not in the ports ──────────────────────────────────────────────────────

    require_sound = operation(soundness.require_sound)
    """Raises WrongRowsFound, a StoreError, if another program wrote invalid rows, and UnknownValues."""

    unsound = operation(soundness.unsound)
    """Describe each fault of the database; empty for a sound one. Slow for a large database."""

    find_sessions = operation(reports.find_sessions)
    """Return the session with this id, or all sessions of this channel, oldest first; empty if there is none."""

    find_responses = operation(recorded_rows.find_responses)
    """Return the response with this id, else a few whose ids begin with it; empty if there is none."""

    lines = operation(history_rows.lines)
    """Return the history message by message."""

    sessions_since = operation(audit.sessions_since)
    """Return the sessions that are open or ended at `since` or later, oldest first."""

    audited = operation(audit.audited)
    """Return everything that the audit needs about a session, read at one moment."""

    session_outcomes = operation(reports.session_outcomes)
    """Return the outcome of every response of a session, oldest first."""

    reliability = operation(reports.reliability)
    """Count the outcomes of the responses that ended at `since` or later."""

    add_errors = operation(error_counts.add_errors)
    """Add to the counts of the log's errors, by minute since 1970; without errors, note that they are counted."""
