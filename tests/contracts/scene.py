"""A small world for tests of stores: a session with a cast, people who speak, and lines on their way."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

from actors.adapters.store import SqlStore
from actors.ports.work import NextMessages, NextSpeaker, ResponseRecord, Work, Writes
from actors.roleplay.model import (
    ChannelMessage,
    Character,
    Claim,
    Outbound,
    OutboundKind,
    OutboxDraft,
    OutboxKind,
    ResponseId,
    SessionRecord,
    Turn,
    base36,
    nonce_of,
)
from actors.roleplay.turns import TurnOrder
from machines.facts import CommitLine, Fact, Started
from machines.response import Limits, Move, Response, advance

CHANNEL: Final = 500
NOW: Final = 1_750_000_000.0
MIRA: Final = Character(id=base36(1), name="Mira", card_json='{"name": "Mira"}', picture=b"png")
TOBIN: Final = Character(id=base36(2), name="Tobin", card_json='{"name": "Tobin"}')


def a_session(
    number: int = 100, *, channel_id: int = CHANNEL, cast: Sequence[Character] = (MIRA, TOBIN)
) -> SessionRecord:
    return SessionRecord(
        id=base36(number),
        channel_id=channel_id,
        state="Idle",
        version=1,
        epoch=0,
        order=TurnOrder.EVERYONE,
        scenario="An inn at night.",
        cast=tuple(cast),
        opened_at=NOW,
        opened_after=1,
    )


def an_answer(key: str = "start", *, channel_id: int = CHANNEL) -> OutboxDraft:
    return OutboxDraft(key=key, kind=OutboxKind.ANSWER, channel_id=channel_id, text="The curtain rises.")


def said(message_id: int, text: str = "Hello?", *, channel_id: int = CHANNEL) -> ChannelMessage:
    return ChannelMessage(
        id=message_id, channel_id=channel_id, author_id=7, name="Robin", text=text, at=NOW + message_id
    )


def waiting(work: Work) -> list[int] | None:
    """The messages that wait for a turn; None if the work is something else."""
    return [each.message_id for each in work.messages] if isinstance(work, NextMessages) else None


@dataclass
class Line:
    """A response and its last move, told to a store fact by fact."""

    store: SqlStore
    claim: Claim
    record: ResponseRecord
    ordinal: int
    channel_id: int = CHANNEL

    @property
    def response(self) -> Response:
        return self.record.response

    def twin(self) -> Line:
        """The same response as another process knows it."""
        return replace(self, record=replace(self.record, response=copy(self.response)))

    async def start(self, *texts: str, at: float = NOW, replaces: ResponseId | None = None) -> Line:
        first = advance(self.response, Started(at, texts))
        await self.store.start(self.claim, self.record, self.ordinal, first, replaces=replaces)
        return self

    async def tell(self, fact: Fact, *, outbox: Sequence[OutboxDraft] = (), watch: bool = False) -> int:
        step = advance(self.response, fact)
        writes = replace(self.writes(step), outbox=tuple(outbox), arms_reaper=watch)
        return await self.store.record(self.claim, self.response, step, writes)

    def writes(self, step: Move) -> Writes:
        """The line alone: what else is written, a test says itself."""
        is_line = CommitLine() in step.effects
        return Writes(line_by=self.record.character if is_line else None)

    def outbound(self, **changes: object) -> Outbound:
        part = self.response.part
        plain = Outbound(
            kind=OutboundKind.EMBED,
            channel_id=self.channel_id,
            name=self.record.character.name,
            text=self.response.texts[part - 1],
            nonce=nonce_of(self.response.id, self.response.dropped_parts + part),
            character_id=self.record.character.id,
        )
        return replace(plain, **changes)  # type: ignore[arg-type]

    async def keep_intent(self, **changes: object) -> Outbound:
        return await self.store.keep_intent(self.claim, self.response, self.outbound(**changes))


@dataclass
class Scene:
    """An open session that is claimed; ids of turns and responses are counted from `number`."""

    store: SqlStore
    claim: Claim
    channel_id: int = CHANNEL
    number: int = 1000

    def next_id(self) -> str:
        self.number += 1
        return base36(self.number)

    async def hear(self, message_id: int, text: str = "Hello?") -> None:
        accepted = await self.store.accept(said(message_id, text, channel_id=self.channel_id))
        assert accepted is not None
        assert accepted.is_new

    async def take_turn(self, message_id: int, *speakers: Character) -> Turn:
        turn = Turn(self.next_id(), self.claim.session_id, message_id, tuple(one.id for one in speakers or (MIRA,)))
        await self.store.take_turn(self.claim, turn)
        return turn

    async def line(self, *, limits: Limits | None = None) -> Line:
        """The next speaker's response, not started yet; a message without a turn is given one for MIRA."""
        work = await self.store.next_work(self.claim)
        if isinstance(work, NextMessages):
            await self.take_turn(work.messages[-1].message_id)
            work = await self.store.next_work(self.claim)
        assert isinstance(work, NextSpeaker)
        record = ResponseRecord(
            response=Response(self.next_id(), limits or Limits()),
            session_id=self.claim.session_id,
            channel_id=self.channel_id,
            turn_id=work.turn.id,
            trigger_id=work.turn.cause_id,
            character=work.character,
            outbound=None,
            reasons=(),
        )
        return Line(self.store, self.claim, record, work.ordinal, self.channel_id)


async def open_scene(store: SqlStore, *, number: int = 100, channel_id: int = CHANNEL) -> Scene:
    """A session of MIRA and TOBIN, open and claimed; its answer is the outbox row `start-<number>`."""
    if not await store.characters():
        await store.add_character(MIRA, at=NOW)
        await store.add_character(TOBIN, at=NOW)
    answer = an_answer(f"start-{number}", channel_id=channel_id)
    opened = await store.open_session(a_session(number, channel_id=channel_id), answer)
    assert isinstance(opened, SessionRecord)
    claim, *_ = await store.claim(opened.id)
    return Scene(store, claim, channel_id, number * 1000)
