"""Indexes a world at rest for the invariants: its rows and its channels' messages, by their ids and nonces.

The channels are the reference: under which nonce each message was posted, what it shows, and who deleted it. Messages
are found by their nonce, which Discord does not show for webhooks, so that equal texts are not confused.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, select

from actors.adapters.store.engine.schema import (
    AnyRow,
    history_message,
    inbox,
    move,
    outbox,
    part,
    response,
    retry_request,
    session,
)
from actors.adapters.store.engine.schema import amendment as amendment_row
from actors.commands import ANSWERS_WAITING_MAX
from actors.roleplay.history import belongs
from actors.roleplay.model import OutboxKind
from actors.simulation.channels import ChannelState, Shown
from actors.simulation.discord import Discord
from actors.simulation.faulty_discord import READABLE_AFTER_S
from actors.simulation.hearing import PREFIX, SEEN, amendment
from actors.simulation.shape import Shape
from actors.simulation.watch import Watch
from actors.simulation.weather import GAP_S_MAX
from machines.response import State

ENDED: Final = "🎬"
"""The beginning of the answer to `!end`."""

MAY_COME_BACK: Final = frozenset({"forbidden", "unauthorized"})
"""Refusals that a person can end: final for a line, which gets a notice, but not for the notice."""


class Rest:
    """A world at rest: the rows of its database and the messages of its channels, with their indexes."""

    def __init__(self, connection: Connection, discord: Discord, watch: Watch, shape: Shape) -> None:
        self.connection = connection
        self.discord = discord
        self.watch = watch
        self.shape = shape
        self.sessions: list[AnyRow] = list(connection.execute(select(session).order_by(session.c.id)))
        self.responses = {row.id: row for row in connection.execute(select(response).order_by(response.c.id))}
        self.outbox: list[AnyRow] = list(connection.execute(select(outbox).order_by(outbox.c.id)))
        self.said = {row.message_id for row in self.outbox}
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
        self.requests: list[AnyRow] = list(connection.execute(select(retry_request)))
        self.copies: dict[tuple[str, str], list[Shown]] = defaultdict(list)  # by line and text, in its own channel
        self.committed: dict[int, AnyRow] = {}  # parts of Delivered responses, by message
        for nonce, one in self.part_of.items():
            self.copies[self.identity(one)] += [shown for shown in self.by_nonce[nonce] if not self.is_stray(shown)]
            if one.message_id is not None and self.is_delivered(one):
                self.committed[one.message_id] = one
        self.channel_of = {row.id: row.channel_id for row in self.sessions}
        self.moves: dict[str, list[AnyRow]] = defaultdict(list)
        for row in connection.execute(select(move).order_by(move.c.response_id, move.c.seq)):
            self.moves[row.response_id].append(row)

    def deleted_words(self) -> Iterator[tuple[str, int]]:
        """(table, message) of each text that is left of a message that was deleted."""
        deleted = select(amendment_row.c.message_id).where(amendment_row.c.text.is_(None))
        for table in (inbox, history_message, amendment_row):
            left = select(table.c.message_id).where(table.c.message_id.in_(deleted), table.c.text != "")
            yield from ((table.name, message_id) for message_id in self.connection.execute(left).scalars())

    def identity(self, one: AnyRow) -> tuple[str, str]:
        """The key of a line's part, the same in the failed response and in its redeliveries."""
        return self.line_of(one.response_id), one.text

    def is_dropped(self, one: AnyRow) -> bool:
        """Whether the part belongs to a text that Discord blocked, and that another text replaced."""
        return bool(one.number <= self.responses[one.response_id].dropped_parts)

    def is_delivered(self, one: AnyRow) -> bool:
        return self.responses[one.response_id].state == State.DELIVERED and not self.is_dropped(one)

    def texts_of(self, response_id: str, *, first: bool = False) -> list[str]:
        """The parts of a response's last text, or of its first one."""
        parts = self.parts[response_id]
        last = [one for one in parts if not self.is_dropped(one)]
        return [one.text for one in ([one for one in parts if self.is_dropped(one)] or last if first else last)]

    def is_stray(self, shown: Shown) -> bool:
        """Whether a part is in another channel than its own, because its webhook was moved."""
        one = self.part_of.get(shown.nonce)
        return one is not None and one.channel_id != shown.message.channel_id

    def line_of(self, response_id: str) -> str:
        """The first of the responses that replace each other: all of them deliver one line."""
        while (replaced := self.responses[response_id].replaces) is not None:
            response_id = replaced
        return response_id

    def is_committed(self, shown: Shown) -> bool:
        """Whether a message belongs to a Delivered response: its own, or a late one of a response that it replaces."""
        one, owner = self.part_of.get(shown.nonce), self.committed.get(shown.message.id)
        return one is not None and owner is not None and self.identity(owner) == self.identity(one)

    def channel(self, channel_id: int) -> ChannelState:
        return self.discord.channels[channel_id]

    def channel_is_gone(self, session_id: str) -> bool:
        return self.channel(self.channel_of[session_id]).is_gone

    def is_gone(self, shown: Shown) -> bool:
        return self.channel(shown.message.channel_id).is_gone

    def refused_for_good(self, row: AnyRow) -> bool:
        """Whether a delivery was given up because Discord refused it permanently.

        A permission or a valid token may be restored, so a notice must wait for it.
        """
        reason = self.watch.refused_for_good.get(row.nonce) or self.watch.refused_for_good.get(row.key)
        may_come_back = reason in MAY_COME_BACK and row.kind == OutboxKind.NOTICE
        has_reason = (reason is not None and not may_come_back) or self.channel(row.channel_id).is_gone
        return bool(row.outcome == "dropped" and has_reason)

    def is_left_unanswered(self, row: AnyRow) -> bool:
        """Whether an answer was dropped without an attempt, because the maximum of answers waited before it."""
        if row.kind != OutboxKind.ANSWER or row.outcome != "dropped" or row.attempt:
            return False
        before = [
            other
            for other in self.outbox
            if other.kind == OutboxKind.ANSWER
            and other.channel_id == row.channel_id
            and other.id < row.id
            and (other.done_at is None or other.done_at >= row.done_at)
        ]
        return len(before) >= ANSWERS_WAITING_MAX

    def is_told(self, row: AnyRow) -> bool:
        """Whether a text was posted, and we did not delete the message as which it was confirmed."""
        own = self.channel(row.channel_id).shown.get(row.message_id)
        return bool(self.by_nonce.get(row.nonce)) and (own is None or own.deleted_by != "us")

    def doubles(self, row: AnyRow) -> list[Shown]:
        """Copies of a text in the channel besides its confirmed message, which are not another text's message."""
        if row.outcome != "sent":
            return []
        standing = [shown for shown in self.by_nonce.get(row.nonce, []) if shown.deleted_by is None]
        return [shown for shown in standing if shown.message.id not in self.said]

    def is_said_by_another(self, row: AnyRow) -> bool:
        """Whether it was confirmed as a copy of an equal, earlier text that was belated or given up. Reads show no
        nonce, so the two cannot be told apart."""
        shown = self.channel(row.channel_id).shown.get(row.message_id)
        if shown is None or shown.message.text != row.text:
            return False
        given_up = {other.nonce for other in self.outbox if other.outcome == "dropped"}
        is_its_own = [other.id for other in self.outbox if other.message_id == row.message_id] == [row.id]
        return is_its_own and (shown.is_belated or shown.nonce in given_up)

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
        """Message id ─► text of the session's messages that the channel shows, in its order."""
        after = [shown for shown in channel.shown.values() if shown.message.id > row.opened_after]
        return {
            shown.message.id: shown.message.text
            for shown in after
            if shown.deleted_by is None
            and (self._is_line_of(shown, row) if shown.nonce else self._is_heard_in(shown, row, end, heard, channel))
        }

    def _is_line_of(self, shown: Shown, row: AnyRow) -> bool:
        one = self.part_of.get(shown.nonce)
        return one is not None and self.is_committed(shown) and self.responses[one.response_id].session_id == row.id

    def _is_heard_in(self, shown: Shown, row: AnyRow, end: int | None, heard: set[int], channel: ChannelState) -> bool:
        """Whether a person's message belongs to a session; if the bot could not know in time, whether it was handled.

        It could not know of a message written after an `!end` that had not arrived yet, and of one that no process
        lived to handle and no catch-up read, because reads were forbidden or the session ended too soon.
        """
        message = shown.message
        if not belongs(message, PREFIX) or (row.ended_at is not None and message.at > row.ended_at):
            return False
        if self.heard_in.get(message.id, row.id) != row.id:
            return False  # an `!end` and a `!start` before it arrived only later
        is_late = end is not None and message.id > end
        if message.id in heard or is_late:
            return message.id in heard
        if not belongs(replace(message, text=shown.said), PREFIX):  # an aside that was edited into the play
            return self.watch.hearing.knows(amendment(shown), by=row.ended_at)
        if self.watch.hearing.knows((SEEN, message.id, ""), by=row.ended_at):
            return True
        if row.ended_at is not None and not belongs(replace(message, text=shown.text_at(row.ended_at)), PREFIX):
            return False  # it was edited out of the play before the scene ended, and had not been handled before
        until = row.ended_at or math.inf
        is_unreadable = any(message.at <= at <= until for at in channel.forbidden_at)
        ended_at = row.ended_at if end is None else channel.shown[end].message.at
        return not (is_unreadable or self._ended_too_soon(shown, row, ended_at))

    def _ended_too_soon(self, shown: Shown, row: AnyRow, ended_at: float | None) -> bool:
        """`ended_at`: when the `!end` was written, even if a full disk delayed its execution."""
        at = shown.message.at
        if ended_at is None or ended_at - at > self.shape.limits.settle_s + READABLE_AFTER_S + GAP_S_MAX:
            return False
        # Its event may have been lost, or have arrived after the `!end`.
        is_told = shown.told_at <= row.ended_at
        return not is_told or any(at <= death <= row.ended_at for death in self.watch.deaths)

    def is_unsure(self, message_ids: tuple[int, ...], row: AnyRow) -> bool:
        """Whether the bot could not know of a line's change: it came after or shortly before its session's end, no
        process lived to handle its event, and no catch-up followed."""
        shown = self.channel(row.channel_id).shown
        known = [shown[message_id] for message_id in message_ids if message_id in shown]
        return row.ended_at is not None and any(
            each.amended_at is not None
            and row.ended_at - each.amended_at <= self.shape.limits.settle_s + GAP_S_MAX
            and not self.watch.hearing.knows(amendment(each))
            for each in known
        )

    def last_reason(self, response_id: str) -> str | None:
        reason: str | None = self.moves[response_id][-1].reason
        return reason
