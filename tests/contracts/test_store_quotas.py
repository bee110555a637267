"""F4: what the store counts for limits, in the transaction that they decide."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.store import SqlStore
from actors.ports import Accepted, Fenced
from actors.roleplay.model import Character, OutboxDraft, OutboxKind, SessionRecord, base36
from actors.roleplay.quotas import Excess, Quotas
from actors.session_moves import move_of
from machines.session import EndRequested
from tests.contracts.scene import CHANNEL, MIRA, NOW, Scene, a_session, an_answer, said, waiting

LIMITED = OutboxDraft("turns:7:1", OutboxKind.ANSWER, CHANNEL, "Too many turns.")


def opened_by(number: int, *, server: int | None = 77, opener: int = 7) -> SessionRecord:
    return replace(a_session(number, channel_id=number), server_id=server, opener_id=opener)


async def opening(store: SqlStore, session: SessionRecord, quotas: Quotas) -> SessionRecord | Excess | None:
    return await store.open_session(session, an_answer(f"s{session.id}", channel_id=session.channel_id), quotas=quotas)


async def test_f4_open_scenes_of_a_person_and_of_a_server_are_counted_and_ended_ones_are_not(scene: Scene) -> None:
    store, quotas = scene.store, Quotas(scenes_per_server=3, scenes_per_person=2)
    first = opened_by(201)
    assert await opening(store, first, quotas) == first
    assert await opening(store, opened_by(202), quotas) == opened_by(202)
    assert await opening(store, opened_by(203), quotas) is Excess.SCENES_OF_PERSON
    assert await opening(store, opened_by(203, opener=8), quotas) == opened_by(203, opener=8)
    assert await opening(store, opened_by(204, opener=9), quotas) is Excess.SCENES_OF_SERVER
    assert await opening(store, opened_by(204, server=78, opener=9), quotas) == opened_by(204, server=78, opener=9)
    assert await store.session_in(205) is None
    await end(store, first)
    assert await opening(store, opened_by(205), quotas) == opened_by(205)


async def end(store: SqlStore, session: SessionRecord) -> None:
    await store.move_session(session.id, move_of(session, EndRequested(NOW), ended_by="end"))


async def test_f4_a_message_beyond_the_limit_is_heard_and_begins_no_turn(scene: Scene) -> None:
    store, here = scene.store, scene.claim.session_id
    for message_id in (10, 11):
        assert await store.accept(said(message_id), turns_max=2) == Accepted(here, is_new=True)
    for message_id in (12, 13):
        accepted = await store.accept(said(message_id), turns_max=2, limited=LIMITED)
        assert accepted == Accepted(here, is_new=True, is_limited=True)
    other = replace(said(14), author_id=8)
    assert await store.accept(other, turns_max=2) == Accepted(here, is_new=True)
    later = replace(said(15), at=NOW + 10 + 60)
    assert await store.accept(later, turns_max=2) == Accepted(here, is_new=True)
    assert [entry.message_ids for entry in await store.history(here)] == [(each,) for each in range(10, 16)]
    rows = await store.due_outbox(now=NOW + 100, limit=50)
    assert [row.draft.text for row in rows].count("Too many turns.") == 1


async def test_f4_a_message_that_comes_twice_counts_once(scene: Scene) -> None:
    for _ in range(3):
        await scene.store.accept(said(10), turns_max=2)
    accepted = await scene.store.accept(said(11), turns_max=2)
    assert accepted == Accepted(scene.claim.session_id, is_new=True)


async def test_f4_a_message_that_is_passed_over_is_answered_by_no_turn_and_the_next_one_is(scene: Scene) -> None:
    await scene.hear(10)
    await scene.hear(11)
    notice = replace(LIMITED, key="tokens:1")
    work = await scene.store.pass_over(scene.claim, 10, notice, at=NOW)
    assert waiting(work) == [11]
    with pytest.raises(Fenced):
        await scene.store.pass_over(scene.claim, 10, notice, at=NOW)


async def test_f4_who_wrote_takes_part(scene: Scene) -> None:
    here = scene.claim.session_id
    assert not await scene.store.takes_part(here, 7)
    await scene.hear(10)
    assert await scene.store.takes_part(here, 7)
    assert not await scene.store.takes_part(here, 8)


async def test_f4_a_servers_tokens_are_counted_by_day(store: SqlStore) -> None:
    assert await store.server_tokens(77, day=1) == 0
    for tokens in (500, 700, -200):
        await store.add_server_tokens(77, day=1, tokens=tokens)
    await store.add_server_tokens(77, day=2, tokens=5)
    assert [await store.server_tokens(77, day=day) for day in (1, 2)] == [1000, 5]
    assert await store.server_tokens(78, day=1) == 0
    await store.add_server_tokens(78, day=100, tokens=5)
    assert await store.server_tokens(77, day=1) == 0, "old days go"


async def test_f4_answers_to_a_persons_commands_are_counted_by_channel_and_time(store: SqlStore) -> None:
    for number, at in enumerate((0.0, 50.0, 55.0)):
        await store.enqueue(replace(an_answer(f"answer:{number}"), asked_by=7), at=NOW + at)
    await store.enqueue(replace(an_answer("answer:8"), asked_by=8), at=NOW + 55)
    await store.enqueue(an_answer("answer:9"), at=NOW + 55)
    assert await store.answered_lately(CHANNEL, 7, since=NOW) == 2
    assert await store.answered_lately(CHANNEL + 1, 7, since=NOW) == 0


async def seen(store: SqlStore, server_id: int | None) -> tuple[Character, ...]:
    return await store.versions([known.id for known in await store.known_in(server_id)])


async def test_f4_a_server_sees_its_own_characters_and_the_operators(store: SqlStore) -> None:
    own = Character(base36(8), "mira", '{"name": "mira"}', server_id=77)
    other = Character(base36(9), "Zoe", '{"name": "Zoe"}', server_id=78)
    for character in (MIRA, own, other):
        assert not await store.add_character(character, at=NOW)
    assert await seen(store, 77) == (own,)
    assert await seen(store, 78) == (MIRA, other)
    assert await seen(store, None) == (MIRA,)
    assert await store.characters() == (MIRA, own, other)
    assert await store.delete_character("MIRA", 77) == own.id
    assert await seen(store, 77) == (MIRA,)
    assert await store.delete_character("Zoe") is None
