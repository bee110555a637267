"""Checks a world at rest: compares its channels, its journal and its history with each other."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, select, text

from actors.adapters.store.engine.schema import AnyRow, history, history_message, session, turn
from actors.adapters.store.play import history as stored_history
from actors.adapters.store.play.sessions import IS_UNFINISHED
from actors.ports import RedeliveryOutcome
from actors.redeliveries import WORDS
from actors.roleplay import notices
from actors.roleplay.model import OutboxKind
from actors.simulation.channels import Shown
from actors.simulation.discord import Discord
from actors.simulation.hearing import PRESSED, SEEN
from actors.simulation.rest import Rest
from actors.simulation.shape import Shape
from actors.simulation.watch import Broken, Watch
from machines.facts import RATE_LIMIT, Cancelled, Held, NotInChannel, WaitElapsed
from machines.response import SILENT, State
from machines.session import State as SessionState
from machines.waits import WAITED_OUT_S

ON_ITS_WAY_AGAIN: Final = WORDS[RedeliveryOutcome.ACCEPTED].partition("{name}")[2]
"""The end of the answer to an accepted request for a redelivery."""

REPLY_TRIES: Final = 8
"""So many attempts fit into the 15 minutes in which an interaction can be answered, if Discord's breaker opens for a
minute repeatedly and processes live for ten seconds: in a bad world all of them fail."""

_GOES_ON: Final = f"session.state NOT IN ('{SessionState.ENDED}', '{SessionState.PAUSED}')"

OPEN_ENDS: Final = {
    "unfinished responses": f"SELECT id FROM response WHERE {IS_UNFINISHED} LIMIT 3",
    "open deliveries": "SELECT key FROM outbox WHERE done_at IS NULL LIMIT 3",
    "requests to retry": "SELECT response_id FROM retry_request JOIN session ON session.id = retry_request.session_id"
    f" WHERE taken_by IS NULL AND {_GOES_ON} LIMIT 3",
    "open turns": "SELECT turn.id FROM turn JOIN session ON session.id = turn.session_id"
    f" WHERE speakers_left > 0 AND {_GOES_ON} LIMIT 3",
    "waiting messages": "SELECT message_id FROM inbox JOIN session ON session.id = inbox.session_id"
    f" WHERE starts_turn AND turn_id IS NULL AND deleted_at IS NULL AND {_GOES_ON} LIMIT 3",
    "busy sessions": f"SELECT id FROM session WHERE state = '{SessionState.RESPONDING}' LIMIT 3",
}
_OPEN_ENDS: Final = {name: text(statement) for name, statement in OPEN_ENDS.items()}


def open_ends(connection: Connection) -> list[str]:
    """The unfinished work; empty in a world at rest."""
    found: list[str] = []
    for name, statement in _OPEN_ENDS.items():
        rows = connection.execute(statement).scalars().all()
        if rows:
            found.append(f"{name}: {', '.join(map(str, rows))}")
    return found


def judge(connection: Connection, discord: Discord, watch: Watch, shape: Shape) -> tuple[Broken, ...]:
    """Every invariant that a world at rest breaks."""
    watch.hearing.listens(None)
    rest = Rest(connection, discord, watch, shape)
    return tuple(broken for invariant in INVARIANTS for broken in invariant(rest))


# ── the invariants ──────────────────────────────────────────────────────────────────────────────────


def one_nonce_for_each_part(rest: Rest) -> Iterator[Broken]:
    """Every sent request belongs to a part or a delivery, under the nonce in its row."""
    known = rest.part_of.keys() | {row.nonce for row in rest.outbox}
    for nonce in sorted({wire.nonce for wire in rest.watch.on_wire} - known):
        yield Broken("one nonce", f"{nonce} was sent, and no row has it", nonce.partition(".")[0])


def delivered_is_shown_once(rest: Rest) -> Iterator[Broken]:
    """Delivered: each part is in the channel once, as the message that was committed, unless people deleted it."""
    for row in rest.responses.values():
        if row.state != State.DELIVERED or rest.channel_is_gone(row.session_id):
            continue
        for one in rest.parts[row.id]:
            if rest.is_dropped(one):
                continue
            copies = rest.copies[rest.identity(one)]
            committed = [shown for shown in copies if shown.message.id == one.message_id]
            if not committed:
                yield Broken("delivered is shown", f"part {one.number} of {row.id} was never in the channel", row.id)
            elif committed[0].deleted_by == "us":
                yield Broken("delivered is shown", f"part {one.number} of {row.id} was deleted by us", row.id)
            if any(shown.deleted_by is None for shown in copies if shown not in committed):
                yield Broken("shown once", f"part {one.number} of {row.id} is in the channel twice", row.id)


def nothing_uncommitted_is_shown(rest: Rest) -> Iterator[Broken]:
    """Every line in a channel belongs to a Delivered response; nothing of a Failed one is left."""
    for nonce, copies in rest.by_nonce.items():
        one = rest.part_of.get(nonce)
        if one is None or rest.is_delivered(one):
            continue
        standing = [shown for shown in copies if _stands(rest, shown) and not rest.is_stray(shown)]
        left = [shown for shown in standing if not rest.is_committed(shown)]
        if left:
            yield Broken("failed leaves nothing", f"part {one.number} is still in the channel", one.response_id)


def _stands(rest: Rest, shown: Shown) -> bool:
    return shown.deleted_by is None and not rest.is_gone(shown)


def no_line_stands_where_its_scene_is_not(rest: Rest) -> Iterator[Broken]:
    """A line that a moved webhook posted elsewhere is deleted if the bot could know of it, and is in no history."""
    for nonce, copies in rest.by_nonce.items():
        one = rest.part_of.get(nonce)
        strays = [shown for shown in copies if _stands(rest, shown) and rest.is_stray(shown)]
        for shown in strays:
            if one is not None and rest.watch.hearing.knows((SEEN, shown.message.id, "")):
                words = f"part {one.number} is in channel {shown.message.channel_id}"
                yield Broken("stray line", words, one.response_id)
    committed = select(history_message.c.message_id, session.c.channel_id).select_from(
        history_message.join(history).join(session, session.c.id == history.c.session_id)
    )
    for message_id, channel_id in rest.connection.execute(committed):
        if message_id not in rest.channel(channel_id).shown:
            yield Broken("stray line", f"the history of channel {channel_id} has message {message_id} of another one")


def one_commit_for_each_delivered(rest: Rest) -> Iterator[Broken]:
    """Each Delivered response has one entry in the history, and no other response has one."""
    committed = Counter(
        rest.connection.execute(select(history.c.response_id).where(history.c.response_id.is_not(None))).scalars()
    )
    delivered = {row.id for row in rest.responses.values() if row.state == State.DELIVERED}
    for response_id in sorted(delivered ^ committed.keys()):
        yield Broken("one commit", f"{response_id}: {committed[response_id]} entries in the history", response_id)


def told_is_shown_once(rest: Rest) -> Iterator[Broken]:
    """A notice or an answer is in its channel once: a second copy is deleted."""
    for row in rest.outbox:
        if not rest.channel(row.channel_id).is_gone and rest.doubles(row):
            yield Broken("told once", f"{row.key} is in the channel twice", row.response_id)


def failed_is_told(rest: Rest) -> Iterator[Broken]:
    """Failed: a notice arrived, unless somebody cancelled, the reason is SILENT, or Discord refused it permanently."""
    notices = {row.response_id: row for row in rest.outbox if row.key.startswith("notice:")}
    for row in rest.responses.values():
        notice = notices.get(row.id)
        if row.state != State.FAILED:
            if notice is not None:
                yield Broken("failed is told", f"{row.id} is {row.state}, and its failure was announced", row.id)
        elif notice is None:
            if row.cancel_by is None and rest.last_reason(row.id) not in SILENT:
                yield Broken("failed is told", f"{row.id} failed, and has no notice", row.id)
        elif not (rest.refused_for_good(notice) or rest.is_told(notice)):
            yield Broken("failed is told", f"the notice of {row.id} did not arrive, or was deleted", row.id)


def answers_arrive(rest: Rest) -> Iterator[Broken]:
    """Answers to commands, and notices that belong to no response, arrive."""
    for row in rest.outbox:
        if (
            row.kind == OutboxKind.TAKEDOWN
            or row.key.startswith(("notice:", notices.LATE))
            or rest.refused_for_good(row)
        ):
            continue
        if rest.is_left_unanswered(row):
            continue
        if row.reply_expires_at is None and not (rest.is_told(row) or rest.is_said_by_another(row)):
            yield Broken("answers arrive", f"{row.key} did not arrive, or was deleted")


def late_is_withdrawn(rest: Rest) -> Iterator[Broken]:
    """No notice that a line is late is left, because every line has ended."""
    for row in rest.outbox:
        if not row.key.startswith(notices.LATE) or rest.channel(row.channel_id).is_gone:
            continue
        if any(shown.deleted_by is None for shown in rest.by_nonce.get(row.nonce, [])):
            yield Broken("late is withdrawn", f"{row.key} is still in the channel", row.response_id)


def presses_are_answered_once(rest: Rest) -> Iterator[Broken]:
    """The answer to a press replaces its deferral, with one text, and is posted nowhere else."""
    rows = {row.key: row for row in rest.outbox if row.reply_expires_at is not None}
    for press in rest.discord.interactions.values():
        row, told = rows.get(f"answer:{press.id}"), set(press.answers)
        if row is None:
            if told or rest.watch.hearing.knows((PRESSED, press.id, "")):
                yield Broken("presses are answered", f"the press {press.id} was received, and has no answer")
        elif rest.by_nonce.get(row.nonce):
            yield Broken("presses are answered", f"the answer to {press.id} was posted into the channel")
        elif told - {row.text} or (not told and row.outcome == "sent"):
            yield Broken("presses are answered", f"{press.id} was answered with {sorted(told)}, not {row.text!r}")
        elif not told and press.is_deferred and row.attempt < REPLY_TRIES and not rest.refused_for_good(row):
            yield Broken("presses are answered", f"{press.id} was not answered before its token expired")


def a_redelivery_replaces_once(rest: Rest) -> Iterator[Broken]:
    """Each promised redelivery is one new response: the same text, to the same message."""
    replaced: dict[str, list[AnyRow]] = defaultdict(list)
    for row in rest.responses.values():
        if row.replaces is not None:
            replaced[row.replaces].append(row)
    taken = {row.response_id: [] if row.taken_by is None else [row.taken_by] for row in rest.requests}
    for response_id in sorted(replaced.keys() | taken.keys()):
        failed, by = rest.responses[response_id], replaced[response_id]
        if [row.id for row in by] != taken.get(response_id):
            words = f"{response_id} was replaced {len(by)} times, its request was taken by {taken.get(response_id)}"
            yield Broken("one replacement", words, response_id)
        if failed.state != State.FAILED:
            yield Broken("one replacement", f"{response_id} is {failed.state}, and was redelivered", response_id)
        for row in by:
            if _said_to(row) != _said_to(failed):
                yield Broken("one replacement", f"{row.id} answers another message, or as another character", row.id)
            texts = rest.texts_of(response_id)
            again = rest.texts_of(row.id, first=True)
            # Of a line that a moderator deleted no words are left: it is written anew, or can no longer be compared.
            if texts and all((*texts, *again)) and again != texts:
                yield Broken("one replacement", f"{row.id} has another text than {response_id}", row.id)
    promised = sum(row.kind == OutboxKind.ANSWER and row.text.endswith(ON_ITS_WAY_AGAIN) for row in rest.outbox)
    if promised != len(taken):
        yield Broken("one replacement", f"{promised} redeliveries were promised, {len(taken)} requested")


def _said_to(row: AnyRow) -> tuple[str, str, int, int, str]:
    return row.session_id, row.turn_id, row.trigger_id, row.ordinal, row.character_id


def each_message_has_one_turn(rest: Rest) -> Iterator[Broken]:
    """Each accepted message of an open session has one turn; each speaker of a turn has one response.

    A turn's cause is the newest of its messages.
    """
    turns = {row.id: row for row in rest.connection.execute(select(turn))}
    is_over = {row.id: row.state in (SessionState.ENDED, SessionState.PAUSED) for row in rest.sessions}
    spoken = Counter(row.turn_id for row in rest.responses.values() if row.replaces is None)
    newest: dict[str, int] = {}
    for row in rest.inbox:
        if row.turn_id is not None:
            newest[row.turn_id] = max(row.message_id, newest.get(row.turn_id, 0))
        elif row.starts_turn and row.deleted_at is None and not is_over[row.session_id]:
            yield Broken("one turn", f"message {row.message_id} was never answered")
    for own in turns.values():
        if newest.get(own.id) != own.cause_id:
            yield Broken("one turn", f"turn {own.id} is caused by {own.cause_id}, its newest is {newest.get(own.id)}")
        if spoken[own.id] != len(own.speakers) and not is_over[own.session_id]:
            yield Broken("one turn", f"turn {own.id} has {spoken[own.id]} responses of {len(own.speakers)}")


def history_is_the_channel(rest: Rest) -> Iterator[Broken]:
    """A session's history equals what its channel shows between its start and its end: messages, texts, order."""
    ends = rest.ends()
    for row in rest.sessions:
        channel = rest.channel(row.channel_id)
        if channel.is_gone or row.ended_by == "channel_gone":
            continue
        entries = stored_history.entries(rest.connection, row.id)
        said = [(entry.message_ids, entry.text) for entry in entries if not rest.is_unsure(entry.message_ids, row)]
        in_history = [message_id for message_ids, _ in said for message_id in message_ids]
        unsure = {entry_id for entry in entries for entry_id in entry.message_ids} - set(in_history)
        shown = rest.in_play(channel, row, ends.get(row.id), set(in_history))
        expected = {message_id: words for message_id, words in shown.items() if message_id not in unsure}
        firsts = [message_ids[0] for message_ids, _ in said]
        if firsts != sorted(firsts):
            yield Broken("order", f"the history of session {row.id} is not in the channel's order")
        if sorted(in_history) != list(expected):
            extra, missing = set(in_history) - expected.keys(), expected.keys() - set(in_history)
            yield Broken("history is the channel", f"session {row.id}: extra {extra}, missing {missing}")
            continue
        for message_ids, words in said:
            if words != "\n".join(expected[message_id] for message_id in message_ids):
                yield Broken("history is the channel", f"session {row.id}: another text of message {message_ids[0]}")


def attempts_are_bounded(rest: Rest) -> Iterator[Broken]:
    """The journal has no more attempts than allowed; `Watch` counts those on the wire."""
    limits = rest.shape.limits
    for one in rest.part_of.values():
        if one.attempt > limits.send_attempts:
            yield Broken("attempts", f"part {one.number} was tried {one.attempt} times", one.response_id)


def no_retry_after_its_deadline(rest: Rest) -> Iterator[Broken]:
    """A retry begins before the deadline, which is extended only by the time for which attempts were held."""
    for response_id, moves in rest.moves.items():
        deadline_at = moves[0].at + rest.shape.limits.deadline_s
        for row in moves:
            if row.fact == Held.__name__:
                deadline_at += max(0.0, json.loads(row.fields)["until"] - row.at)
            is_retry = row.fact in (WaitElapsed.__name__, NotInChannel.__name__) and row.dest != State.FAILED
            if is_retry and row.at > deadline_at:
                late_s = row.at - deadline_at
                yield Broken(
                    "deadline", f"{response_id} was tried again {late_s:.1f} s after its deadline", response_id
                )


def limits_hold_a_line_for_so_long_and_say_so(rest: Rest) -> Iterator[Broken]:
    """Closed buckets hold an unsent line for `hold_max_s` at most in all; a notice announces each long hold."""
    told = {row.key for row in rest.outbox}
    for response_id, moves in rest.moves.items():
        held_s, is_wanted = 0.0, True
        for row in moves:
            is_wanted &= row.fact != Cancelled.__name__
            if row.fact != Held.__name__ or row.reason != RATE_LIMIT or row.dest == State.FAILED:
                continue
            fields = json.loads(row.fields)
            wait_s = max(0.0, fields["until"] - row.at)
            held_s += wait_s
            if row.source != State.SENDING:
                continue
            if held_s > rest.shape.limits.hold_max_s:
                yield Broken("bounds", f"{response_id} was held for {held_s:.1f} s by limits", response_id)
            channel_id = rest.channel_of[rest.responses[response_id].session_id]
            key = f"held:{channel_id}:{RATE_LIMIT}:{fields['since']:.0f}"
            # A notice that is withdrawn with its line frees its key: the next one of this closing is another row.
            is_told = any(each == key or each.startswith(f"{key}:") for each in told)
            if wait_s > WAITED_OUT_S and is_wanted and not is_told:
                yield Broken("a hold is told", f"no notice says that {response_id} waits {wait_s:.1f} s", response_id)


def deleted_words_are_gone(rest: Rest) -> Iterator[Broken]:
    """No text of a message that was deleted in Discord is left where people's words and lines are read."""
    for table, message_id in rest.deleted_words():
        yield Broken("deleted words are gone", f"{table} still has the text of the deleted message {message_id}")


INVARIANTS: Final[tuple[Callable[[Rest], Iterator[Broken]], ...]] = (
    one_nonce_for_each_part,
    delivered_is_shown_once,
    nothing_uncommitted_is_shown,
    no_line_stands_where_its_scene_is_not,
    one_commit_for_each_delivered,
    failed_is_told,
    answers_arrive,
    told_is_shown_once,
    late_is_withdrawn,
    presses_are_answered_once,
    a_redelivery_replaces_once,
    each_message_has_one_turn,
    history_is_the_channel,
    attempts_are_bounded,
    no_retry_after_its_deadline,
    limits_hold_a_line_for_so_long_and_say_so,
    deleted_words_are_gone,
)
