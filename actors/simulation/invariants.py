"""What must hold when a world has come to rest: the channels, the journal and the history against each other.

The channels are the truth: what each message was posted under, what it shows, and who deleted it. Messages
are found by their nonce, which webhooks keep to themselves, so that equal texts are not taken for each other.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from sqlalchemy import Connection, select, text

from actors.adapters.store import history as stored_history
from actors.adapters.store.schema import AnyRow, history, inbox, move, outbox, part, response, session, turn
from actors.roleplay.history import belongs
from actors.roleplay.model import OutboxKind
from actors.simulation.discord import EVENT_DELAY_S, READABLE_AFTER_S, ChannelState, Discord, Shown
from actors.simulation.shape import Shape
from actors.simulation.watch import Broken, Watch
from actors.simulation.weather import GAP_S_MAX
from machines.facts import Held, NotInChannel, WaitElapsed
from machines.response import SILENT, State
from machines.session import State as SessionState

PREFIX: Final = "!"
ENDED: Final = "🎬"
"""How the answer to `!end` begins."""

OPEN_ENDS: Final = {
    "unfinished responses": "SELECT id FROM response WHERE state NOT IN ('Delivered', 'Failed') LIMIT 3",
    "open deliveries": "SELECT key FROM outbox WHERE done_at IS NULL LIMIT 3",
    "open turns": "SELECT turn.id FROM turn JOIN session ON session.id = turn.session_id"
    " WHERE speakers_left > 0 AND session.state <> 'Ended' LIMIT 3",
    "waiting messages": "SELECT message_id FROM inbox JOIN session ON session.id = inbox.session_id"
    " WHERE starts_turn AND NOT has_turn AND deleted_at IS NULL AND session.state <> 'Ended' LIMIT 3",
    "busy sessions": "SELECT id FROM session WHERE state = 'Responding' LIMIT 3",
}
_OPEN_ENDS: Final = {name: text(statement) for name, statement in OPEN_ENDS.items()}


def open_ends(connection: Connection) -> list[str]:
    """What is still to be done; nothing in a world at rest."""
    found: list[str] = []
    for name, statement in _OPEN_ENDS.items():
        rows = connection.execute(statement).scalars().all()
        if rows:
            found.append(f"{name}: {', '.join(map(str, rows))}")
    return found


def judge(connection: Connection, discord: Discord, watch: Watch, shape: Shape) -> tuple[Broken, ...]:
    """Every invariant that a world at rest breaks."""
    rest = Rest(connection, discord, watch, shape)
    return tuple(broken for invariant in INVARIANTS for broken in invariant(rest))


class Rest:
    """A world at rest: the rows of its database and the messages of its channels, each found by what names it."""

    def __init__(self, connection: Connection, discord: Discord, watch: Watch, shape: Shape) -> None:
        self.connection = connection
        self.discord = discord
        self.watch = watch
        self.shape = shape
        self.sessions: list[AnyRow] = list(connection.execute(select(session).order_by(session.c.id)))
        self.responses = {row.id: row for row in connection.execute(select(response).order_by(response.c.id))}
        self.outbox: list[AnyRow] = list(connection.execute(select(outbox).order_by(outbox.c.id)))
        self.inbox: list[AnyRow] = list(connection.execute(select(inbox).order_by(inbox.c.message_id)))
        self.heard_in = {row.message_id: row.session_id for row in self.inbox}
        self.parts: dict[str, list[AnyRow]] = defaultdict(list)
        self.part_of: dict[str, AnyRow] = {}
        for row in connection.execute(select(part).order_by(part.c.response_id, part.c.number)):
            self.parts[row.response_id].append(row)
            if row.nonce is not None:
                self.part_of[row.nonce] = row
        self.by_nonce: dict[str, list[Shown]] = defaultdict(list)
        for shown in discord.every_message():
            if shown.nonce:
                self.by_nonce[shown.nonce].append(shown)

        self.channel_of = {row.id: row.channel_id for row in self.sessions}
        self.moves: dict[str, list[AnyRow]] = defaultdict(list)
        for row in connection.execute(select(move).order_by(move.c.response_id, move.c.seq)):
            self.moves[row.response_id].append(row)

    def channel(self, channel_id: int) -> ChannelState:
        return self.discord.channels[channel_id]

    def channel_is_gone(self, session_id: str) -> bool:
        return self.channel(self.channel_of[session_id]).is_gone

    def is_gone(self, shown: Shown) -> bool:
        return self.channel(shown.message.channel_id).is_gone

    def refused_for_good(self, row: AnyRow) -> bool:
        """Whether a delivery was given up because Discord said that it never will take it."""
        has_reason = row.nonce in self.watch.refused_for_good or self.channel(row.channel_id).is_gone
        return bool(row.outcome == "dropped" and has_reason)

    def is_told_once(self, row: AnyRow, told: int) -> bool:
        """Where nobody let us look, twice told is better than untold."""
        return told == 1 or (told > 1 and bool(self.channel(row.channel_id).unreadable_ids))

    def ends(self) -> dict[str, int]:
        """The `!end` message of each session that was ended by one."""
        heard = [
            (row.channel_id, int(row.key.removeprefix("answer:")))
            for row in self.outbox
            if row.kind == OutboxKind.ANSWER and row.text.startswith(ENDED)
        ]
        return {
            row.id: min(
                message_id for at, message_id in heard if at == row.channel_id and message_id > row.opened_after
            )
            for row in self.sessions
            if row.ended_by == "end"
        }

    def in_play(self, channel: ChannelState, row: AnyRow, end: int | None, heard: set[int]) -> dict[int, str]:
        """(message id, text) of what the channel shows of a session, in its order."""
        after = [shown for shown in channel.shown.values() if shown.message.id > row.opened_after]
        return {
            shown.message.id: shown.message.text
            for shown in after
            if shown.deleted_by is None
            and (self._is_line_of(shown, row) if shown.nonce else self._is_heard_in(shown, row, end, heard, channel))
        }

    def _is_line_of(self, shown: Shown, row: AnyRow) -> bool:
        one = self.part_of.get(shown.nonce)
        if one is None or one.message_id != shown.message.id:
            return False
        owner = self.responses[one.response_id]
        return bool(owner.session_id == row.id and owner.state == State.DELIVERED)

    def _is_heard_in(self, shown: Shown, row: AnyRow, end: int | None, heard: set[int], channel: ChannelState) -> bool:
        """Whether a person's message belongs to a session; where it could not be known in time, whether it was heard.

        That is so for what was written while the gateway was down and the channel was closed to us, after an `!end`
        that we had not heard yet, and for what reads did not show yet when the session was over.
        """
        message = shown.message
        if not belongs(message, PREFIX) or (row.ended_at is not None and message.at > row.ended_at):
            return False
        if self.heard_in.get(message.id, row.id) != row.id:
            return False  # an `!end` and a `!start` before it came to us only later
        is_late = end is not None and message.id > end
        is_unreadable = message.id <= max(channel.unreadable_ids, default=0)
        return message.id in heard or not (is_late or is_unreadable or self._ended_too_soon(shown, row))

    def _ended_too_soon(self, shown: Shown, row: AnyRow) -> bool:
        at = shown.message.at
        if row.ended_at is None or row.ended_at - at > self.shape.limits.settle_s + READABLE_AFTER_S + GAP_S_MAX:
            return False
        return not shown.is_told or any(at <= death <= row.ended_at for death in self.watch.deaths)

    def is_unsure(self, message_ids: tuple[int, ...], row: AnyRow) -> bool:
        """Whether a line was amended around a crash, in a session that ended before it could be looked at twice."""
        shown = self.channel(row.channel_id).shown
        known = [shown[message_id] for message_id in message_ids if message_id in shown]
        amended = [each.amended_at for each in known if each.amended_at is not None]
        return row.ended_at is not None and any(
            row.ended_at - at <= self.shape.limits.settle_s + GAP_S_MAX
            and any(at - EVENT_DELAY_S <= death <= row.ended_at + GAP_S_MAX for death in self.watch.deaths)
            for at in amended
        )

    def last_reason(self, response_id: str) -> str | None:
        reason: str | None = self.moves[response_id][-1].reason
        return reason


# ── the invariants ──────────────────────────────────────────────────────────────────────────────────


def one_nonce_for_each_part(rest: Rest) -> Iterator[Broken]:
    """Whatever went on the wire is a part's or a delivery's, under the nonce that its row has."""
    known = rest.part_of.keys() | {row.nonce for row in rest.outbox}
    for nonce in sorted({wire.nonce for wire in rest.watch.on_wire} - known):
        yield Broken("one nonce", f"{nonce} went on the wire and is in no row", nonce.partition(".")[0])


def delivered_is_shown_once(rest: Rest) -> Iterator[Broken]:
    """Delivered: each part stands in the channel once, as the message that was committed, unless people deleted it."""
    for row in rest.responses.values():
        if row.state != State.DELIVERED or rest.channel_is_gone(row.session_id):
            continue
        for one in rest.parts[row.id]:
            copies = rest.by_nonce.get(one.nonce, [])
            committed = [shown for shown in copies if shown.message.id == one.message_id]
            if not committed:
                yield Broken("delivered is shown", f"part {one.number} of {row.id} was never in the channel", row.id)
            elif committed[0].deleted_by == "us":
                yield Broken("delivered is shown", f"part {one.number} of {row.id} was taken down by us", row.id)
            if any(shown.deleted_by is None for shown in copies if shown not in committed):
                yield Broken("shown once", f"part {one.number} of {row.id} stands in the channel twice", row.id)


def nothing_uncommitted_is_shown(rest: Rest) -> Iterator[Broken]:
    """Every line in a channel is a Delivered response's; of a Failed one nothing is left."""
    for nonce, copies in rest.by_nonce.items():
        one = rest.part_of.get(nonce)
        if one is None or rest.responses[one.response_id].state == State.DELIVERED:
            continue
        left = [shown for shown in copies if shown.deleted_by is None and not rest.is_gone(shown)]
        if left:
            yield Broken("failed leaves nothing", f"part {one.number} still stands in the channel", one.response_id)


def one_commit_for_each_delivered(rest: Rest) -> Iterator[Broken]:
    """Delivered and an entry in the history are the same set, one for one."""
    committed = Counter(
        rest.connection.execute(select(history.c.response_id).where(history.c.response_id.is_not(None))).scalars()
    )
    delivered = {row.id for row in rest.responses.values() if row.state == State.DELIVERED}
    for response_id in sorted(delivered ^ committed.keys()):
        yield Broken("one commit", f"{response_id}: {committed[response_id]} entries in the history", response_id)


def failed_is_told_once(rest: Rest) -> Iterator[Broken]:
    """Failed: one notice in the channel, unless nobody is to be told, or Discord refuses it for good."""
    notices = {row.response_id: row for row in rest.outbox if row.key.startswith("notice:")}
    for row in rest.responses.values():
        notice = notices.get(row.id)
        if row.state != State.FAILED:
            if notice is not None:
                yield Broken("failed is told", f"{row.id} is {row.state}, and its failure was told", row.id)
        elif notice is None:
            if row.cancel_by is None and rest.last_reason(row.id) not in SILENT:
                yield Broken("failed is told", f"{row.id} failed, and there is no notice of it", row.id)
        elif not rest.refused_for_good(notice):
            told = len(rest.by_nonce.get(notice.nonce, []))
            if not rest.is_told_once(notice, told):
                yield Broken("failed is told", f"the failure of {row.id} was told {told} times", row.id)


def answers_arrive_once(rest: Rest) -> Iterator[Broken]:
    """Answers to commands, and notices of no response, arrive once."""
    for row in rest.outbox:
        if row.kind == OutboxKind.TAKEDOWN or row.key.startswith("notice:") or rest.refused_for_good(row):
            continue
        told = len(rest.by_nonce.get(row.nonce, []))
        if not rest.is_told_once(row, told):
            yield Broken("answers arrive", f"{row.key} arrived {told} times")


def each_message_has_one_turn(rest: Rest) -> Iterator[Broken]:
    """Each accepted message of an open session has one turn, and each of its speakers one response."""
    turns = {row.trigger_id: row for row in rest.connection.execute(select(turn))}
    is_ended = {row.id: row.state == SessionState.ENDED for row in rest.sessions}
    spoken = Counter(row.turn_id for row in rest.responses.values() if row.replaces is None)
    for row in rest.inbox:
        own = turns.get(row.message_id)
        if own is None:
            if row.starts_turn and row.deleted_at is None and not is_ended[row.session_id]:
                yield Broken("one turn", f"message {row.message_id} was never answered")
        elif spoken[own.id] != len(own.speakers) and not is_ended[row.session_id]:
            yield Broken("one turn", f"turn {own.id} has {spoken[own.id]} responses of {len(own.speakers)}")


def history_is_the_channel(rest: Rest) -> Iterator[Broken]:
    """A session's history is what its channel shows between its start and its end: messages, texts, order."""
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
    """The journal counts no more tries than are allowed; those on the wire are watched as they leave."""
    limits = rest.shape.limits
    for one in rest.part_of.values():
        if one.attempt > limits.send_attempts:
            yield Broken("attempts", f"part {one.number} was tried {one.attempt} times", one.response_id)


def no_retry_after_its_deadline(rest: Rest) -> Iterator[Broken]:
    """A try after the first begins before the deadline, which moves only by the time that a try was held back."""
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


def waiting_is_bounded(rest: Rest) -> Iterator[Broken]:
    """What does not fit the session's mailbox starts no turn, and the channel is told."""
    told = {row.key for row in rest.outbox}
    for row in rest.sessions:
        overflowed = [one for one in rest.inbox if one.session_id == row.id and not one.starts_turn]
        if overflowed and not any(f"overflow:{one.message_id}" in told for one in overflowed):
            yield Broken("bounds", f"session {row.id} overflowed, and nobody was told")


INVARIANTS: Final[tuple[Callable[[Rest], Iterator[Broken]], ...]] = (
    one_nonce_for_each_part,
    delivered_is_shown_once,
    nothing_uncommitted_is_shown,
    one_commit_for_each_delivered,
    failed_is_told_once,
    answers_arrive_once,
    each_message_has_one_turn,
    history_is_the_channel,
    attempts_are_bounded,
    no_retry_after_its_deadline,
    waiting_is_bounded,
)
