"""Builds that are broken on purpose: each breaks one promise in the real path, by a wrapper around one port."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import replace
from itertools import count

from sqlalchemy import Connection, delete, select, update

from actors.adapters.discord.buckets import Buckets
from actors.adapters.store import SqlStore
from actors.adapters.store.engine.executor import Executor
from actors.adapters.store.engine.schema import history, history_message, inbox, session
from actors.adapters.store.engine.schema import outbox as outbox_table
from actors.adapters.store.play import outbox, responses
from actors.adapters.store.play.history import add_said
from actors.ports import (
    NO_WRITES,
    ElsewhereOutcome,
    Exchange,
    GatewayEvent,
    HeldBack,
    MessageSeen,
    MoveByWork,
    NextRedelivery,
    Posted,
    PostedElsewhere,
    PrepareOutcome,
    ReadOutcome,
    RedeliveryAsked,
    RedeliveryOutcome,
    Refused,
    ReplyOutcome,
    SendOutcome,
    SessionMove,
    Sink,
    Watched,
    Work,
    Writes,
)
from actors.readiness import Readiness
from actors.roleplay.model import (
    Amendment,
    ChannelMessage,
    Character,
    Claim,
    Outbound,
    OutboundKind,
    OutboxDraft,
    Reading,
    RecentHistory,
    ReplyAddress,
    ResponseId,
    SessionId,
    SessionRecord,
    Turn,
)
from actors.roleplay.pages import PagedRead
from actors.simulation.client import Client
from machines.facts import Generated
from machines.response import Move, Response


class CommitsBeforeSend:
    """A voice that reports a line as posted before it goes on the wire."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._ids = count(10**18)

    async def prepare(self, channel_id: int, character: Character) -> PrepareOutcome:
        return await self._client.prepare(channel_id, character)

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        return await self._client.prepare_text(channel_id)

    async def elsewhere(self, outbound: Outbound) -> ElsewhereOutcome:
        return await self._client.elsewhere(outbound)

    async def send(self, outbound: Outbound) -> SendOutcome:
        if outbound.kind is OutboundKind.TEXT:
            return await self._client.send(outbound)
        outcome = await self._client.send(outbound)
        return outcome if isinstance(outcome, Posted) else Posted(next(self._ids), outbound.text)


class FreshNonce(CommitsBeforeSend):
    """A voice that gives every try a nonce of its own."""

    async def send(self, outbound: Outbound) -> SendOutcome:
        return await self._client.send(replace(outbound, nonce=f"{outbound.nonce[:15]}~{next(self._ids) % 10**8}"))


class CommitsStrays(CommitsBeforeSend):
    """A voice that takes every message of a webhook for one in the channel that the webhook was made for."""

    async def send(self, outbound: Outbound) -> SendOutcome:
        outcome = await self._client.send(outbound)
        return Posted(outcome.message_id, outbound.text) if isinstance(outcome, PostedElsewhere) else outcome


class WritesItselfAlone:
    """A voice that sends notices as the bot's own messages, and knows no other way."""

    def __init__(self, client: Client) -> None:
        self.prepare = client.prepare
        self.send = client.send
        self.elsewhere = client.elsewhere

    async def prepare_text(self, channel_id: int) -> PrepareOutcome:
        return OutboundKind.TEXT, None


class OpenToOthers(Buckets):
    """Buckets that a 429 closes for nobody but the request that met it."""

    def held(self, bucket: str | None, resource: str | None = None) -> HeldBack | None:
        return None


class RespectsOwnLimitsAlone(CommitsBeforeSend):
    """A voice whose 429s hold their own line, and no other request."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        client.limits.buckets = OpenToOthers(client.limits.buckets._now)

    async def send(self, outbound: Outbound) -> SendOutcome:
        return await self._client.send(outbound)


class LooksNowhere:
    """A channel that is called empty without being read: retries without read-back."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.delete = client.delete
        self.typing = client.typing
        self.page = client.page
        self.named = client.named
        self.standing = client.standing

    async def messages(self, channel_id: int, *, after: int) -> ReadOutcome:
        return ()


class TrustsTheOrder(PagedRead[ChannelMessage]):
    """A read that takes the first message of a page for the newest, as Discord has it and discord.py trusts."""

    def take(self, page: Collection[ChannelMessage]) -> bool:
        listed = list(page)
        self.messages += reversed(listed)
        self.after = listed[0].id if listed else self.after
        return bool(listed)


class WaitsForNobody(Readiness):
    """A response is generated whatever is still to be read."""

    async def wait_caught_up(self, channel_id: int) -> None:
        return


def deaf_to_copies(sink: Sink) -> Sink:
    """A gateway that tells a process of people's messages only."""

    def tell(event: GatewayEvent) -> None:
        if not (isinstance(event, MessageSeen) and event.message.is_ours):
            sink(event)

    return tell


class NoticesTriedOnce(SqlStore):
    """A store that closes a delivery where it is to be tried again."""

    async def outbox_later(self, row_id: int, *, due_at: float, was_tried: bool = True) -> None:
        await self._executor.run(outbox.outbox_done, row_id, message_id=None, at=due_at, outcome="dropped")


class HistoryLater(SqlStore):
    """A store that writes the history in a transaction of its own, after the move's."""

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        writes: Writes = NO_WRITES,
        *,
        exchange: Exchange | None = None,
    ) -> int:
        length = await self._executor.run(without_history, claim, response, move, writes)
        if writes.line_by is not None:
            await self._executor.run(said_later, claim.session_id, response, writes.line_by, move.at)
        return length


def without_history(
    conn: Connection,
    claim: Claim,
    after: Response,
    step: Move,
    writes: Writes = NO_WRITES,
) -> int:
    """`responses.record`, the history's entry taken out again."""
    length = responses.record(conn, claim, after, step, writes)
    if writes.line_by is not None:
        ids = [message_id for message_id, _ in after.shown]
        conn.execute(delete(history_message).where(history_message.c.message_id.in_(ids)))
        conn.execute(delete(history).where(history.c.response_id == after.id))
        shorter = session.c.history_length - 1
        conn.execute(update(session).where(session.c.id == claim.session_id).values(history_length=shorter))
    return length


without_history.__name__ = "record"


def said_later(conn: Connection, session_id: SessionId, response: Response, character: Character, at: float) -> int:
    return add_said(conn, session_id, response, character, at=at)


class TextLater(SqlStore):
    """A store that writes a text, and what goes on the wire, only when the first part has been answered."""

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor)
        self._moves: dict[str, tuple[Claim, Response, Move]] = {}
        self._intents: dict[str, Outbound] = {}

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        writes: Writes = NO_WRITES,
        *,
        exchange: Exchange | None = None,
    ) -> int:
        if isinstance(move.fact, Generated):
            self._moves[response.id] = (claim, copy(response), move)
            return 0
        if response.id in self._moves:
            await super().record(*self._moves[response.id])
            _, before, _ = self._moves.pop(response.id)
            if response.id in self._intents:
                await super().keep_intent(claim, before, self._intents.pop(response.id))
        return await super().record(claim, response, move, writes)

    async def keep_intent(self, claim: Claim, response: Response, outbound: Outbound) -> Outbound:
        if response.id not in self._moves:
            return await super().keep_intent(claim, response, outbound)
        self._intents[response.id] = outbound
        return outbound


class WatchesNothing(SqlStore):
    """A store that names no line whose copy may turn up: the reaper is off."""

    async def watched(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        return ()


class WatchesItsOwnChannels(SqlStore):
    """A store that names no line of another channel: the reaper takes a moved webhook's messages for nobody's."""

    async def watched_elsewhere(self, channel_id: int, webhook_id: int, *, since: float) -> tuple[Watched, ...]:
        return ()


class WatchesLinesAlone(SqlStore):
    """A store that names no text whose copy may turn up: notices and answers have no reaper."""

    async def watched_texts(self, channel_id: int, *, since: float) -> tuple[Watched, ...]:
        return ()


class IgnoresAmendments(SqlStore):
    """A store to which edits and deletions mean nothing."""

    async def amend(self, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
        return None

    async def amend_all(self, channel_id: int, amendments: Sequence[Amendment], *, at: float) -> tuple[SessionId, ...]:
        return ()


class AnswersAsides(SqlStore):
    """A store in which a message that is edited out of the play still waits for its turn."""

    async def amend(self, channel_id: int, message_id: int, *, text: str | None, at: float) -> SessionId | None:
        session_id = await super().amend(channel_id, message_id, text=text, at=at)
        if text == "":
            await self._executor.run(wait_all_the_same, message_id)
        return session_id


def wait_all_the_same(conn: Connection, message_id: int) -> None:
    conn.execute(update(inbox).where(inbox.c.message_id == message_id).values(deleted_at=None))


class AnswersAloud:
    """What answers an interaction with a message of the channel."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def answer(self, reply: ReplyAddress, text: str) -> ReplyOutcome:
        channel_id = self._client._discord.interactions[reply.token].channel_id
        posted = await self._client.send(Outbound(OutboundKind.TEXT, channel_id, "", text, f"aloud {reply.token}"))
        return Refused("webhook_moved") if isinstance(posted, PostedElsewhere) else posted


class RetriesAnew(SqlStore):
    """A store that forgets the text of a line that is to be delivered again."""

    async def claim(self, session_id: SessionId) -> tuple[Claim, SessionRecord, Work]:
        claim, record, work = await super().claim(session_id)
        return claim, record, _without_texts(work)

    async def next_work(self, claim: Claim, *, move: MoveByWork | None = None) -> Work:
        return _without_texts(await super().next_work(claim, move=move))

    async def take_turn(self, claim: Claim, turn: Turn, *, move: SessionMove | None = None) -> Work:
        return _without_texts(await super().take_turn(claim, turn, move=move))


def _without_texts(work: Work) -> Work:
    return replace(work, texts=()) if isinstance(work, NextRedelivery) else work


class PromisesOnly(SqlStore):
    """A store that says that a line is on its way again, and notes no request."""

    async def look_up_redelivery(self, response_id: ResponseId | None, *, channel_id: int) -> RedeliveryAsked:
        return RedeliveryAsked(RedeliveryOutcome.ACCEPTED, "Maren")

    async def request_redelivery(self, asked: RedeliveryAsked, answer: OutboxDraft, *, at: float) -> bool:
        return await self.enqueue(answer, at=at)


class DeafToPresses(SqlStore):
    """A store that takes a request to retry, and writes neither it nor its answer."""

    async def request_redelivery(self, asked: RedeliveryAsked, answer: OutboxDraft, *, at: float) -> bool:
        return False


class ShortMemory(SqlStore):
    """A store that reads no more than the three newest lines for a prompt."""

    async def recent_history(
        self,
        session_id: SessionId,
        *,
        entries_max: int,
        characters_max: int | None = None,
        reading: Reading | None = None,
    ) -> RecentHistory:
        return await super().recent_history(session_id, entries_max=3, characters_max=characters_max, reading=reading)


class HearsNothingAgain(SqlStore):
    """A store that calls all that a catch-up reads handled."""

    async def handled_messages(self, channel_id: int, *, after: int) -> frozenset[int]:
        await super().handled_messages(channel_id, after=after)
        return EVERYTHING


class Stumbles(SqlStore):
    """A store that meets a mistake of its own now and then; whoever asks again is served."""

    def __init__(self, executor: Executor) -> None:
        super().__init__(executor)
        self._calls = count(1)

    async def own_messages(self, channel_id: int, *, after: int, with_takedowns: bool = True) -> frozenset[int]:
        if next(self._calls) % 10 == 0:
            raise KeyError("a programmer's error")
        return await super().own_messages(channel_id, after=after, with_takedowns=with_takedowns)


class KeepsLateNotices(SqlStore):
    """A store that says that a line comes late, also when it has come."""

    async def record(
        self,
        claim: Claim,
        response: Response,
        move: Move,
        writes: Writes = NO_WRITES,
        *,
        exchange: Exchange | None = None,
    ) -> int:
        length = await super().record(claim, response, move, writes)
        await self._executor.run(forget_withdrawals)
        return length


def forget_withdrawals(conn: Connection) -> None:
    rows, is_withdrawn = outbox_table, outbox_table.c.withdrawn_at.is_not(None)
    conn.execute(delete(rows).where(rows.c.target_id.in_(select(rows.c.message_id).where(is_withdrawn))))
    conn.execute(update(rows).where(is_withdrawn, rows.c.outcome == "deleted").values(done_at=None, outcome=None))
    conn.execute(update(rows).where(is_withdrawn).values(withdrawn_at=None))


class _Everything(frozenset[int]):
    def __contains__(self, one: object) -> bool:
        return True


EVERYTHING = _Everything()


class TakesNoTurn(SqlStore):
    """A store that meets a mistake of its own whenever a turn begins, as for an order with a wrong rule."""

    async def take_turn(self, claim: Claim, new: Turn, *, move: SessionMove | None = None) -> Work | None:
        raise KeyError("a programmer's error")


class FindsNoWork(SqlStore):
    """A store whose sessions never have anything to do."""

    async def claim(self, session_id: SessionId) -> tuple[Claim, SessionRecord, Work | None]:
        claim, record, _ = await super().claim(session_id)
        return claim, record, None
