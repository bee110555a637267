"""What every store promises about sessions, their inbox and their cast."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.store import SqlStore
from actors.observation import LineView, SessionView
from actors.ports.inbox import Accepted
from actors.ports.store import Fenced, ToCatchUp
from actors.ports.work import MoveByWork, NextMessages, NextSpeaker, SessionMove
from actors.roleplay.addressing import Heard
from actors.roleplay.model import Character, Turn, base36
from actors.roleplay.turns import Before
from machines.facts import Cancelled, FoundInChannel, SendUnconfirmed, Sent, Started
from machines.response import advance
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, Scene, a_session, an_answer, open_scene, said, waiting


async def test_a_session_is_read_back_with_its_cast_in_order(store: SqlStore) -> None:
    for character in (MIRA, TOBIN):
        await store.add_character(character, at=NOW)
    session = a_session(cast=(TOBIN, MIRA))
    assert await store.open_session(session, an_answer()) == session
    assert await store.session_in(CHANNEL) == session
    assert await store.session(session.id) == session
    assert [row.draft for row in await store.due_outbox(now=NOW, limit=9)] == [an_answer()]


async def test_a_second_session_in_a_channel_is_refused_with_its_answer(scene: Scene) -> None:
    assert await scene.store.open_session(a_session(101), an_answer("second")) is None
    assert await scene.store.session(base36(101)) is None
    assert [row.draft.key for row in await scene.store.due_outbox(now=NOW, limit=9)] == ["start-100"]


async def test_a_command_that_was_answered_before_opens_nothing(scene: Scene) -> None:
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert await scene.store.open_session(a_session(101), an_answer("start-100")) is None
    assert await scene.store.session_in(CHANNEL) is None


async def test_a_channel_is_free_again_when_its_session_has_ended(scene: Scene) -> None:
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert await scene.store.session_in(CHANNEL) is None
    await open_scene(scene.store, number=101)
    assert [found.id for found in await scene.store.find_sessions(str(CHANNEL))] == [base36(100), base36(101)]


async def test_sessions_are_found_by_id_and_by_channel(scene: Scene) -> None:
    await open_scene(scene.store, number=101, channel_id=501)
    assert [found.id for found in await scene.store.find_sessions(base36(101))] == [base36(101)]
    assert [found.id for found in await scene.store.find_sessions("500")] == [base36(100)]
    assert await scene.store.find_sessions("nowhere") == ()


async def test_each_claim_raises_the_epoch(scene: Scene) -> None:
    first, *_ = await scene.store.claim(scene.claim.session_id)
    second, record, _ = await scene.store.claim(scene.claim.session_id)
    assert (first.epoch, second.epoch, record.epoch) == (2, 3, 3)


async def test_an_unknown_session_cannot_be_claimed(store: SqlStore) -> None:
    with pytest.raises(LookupError):
        await store.claim(base36(7))
    assert await store.session(base36(7)) is None


async def test_a_sessions_move_from_an_older_version_is_fenced_and_writes_nothing(scene: Scene) -> None:
    await scene.store.move_session(scene.claim.session_id, SessionMove("Responding", 2, NOW))
    with pytest.raises(Fenced):
        await scene.store.move_session(
            scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"), outbox=(an_answer("end"),)
        )
    record = await scene.store.session(scene.claim.session_id)
    assert record is not None
    assert (record.state, record.version) == ("Responding", 2)
    assert [row.draft.key for row in await scene.store.due_outbox(now=NOW, limit=9)] == ["start-100"]


async def test_open_sessions_say_after_which_message_to_read_again(scene: Scene) -> None:
    await open_scene(scene.store, number=101, channel_id=501)
    await scene.hear(12)
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    await line.tell(Sent(NOW, 20, "Hello."))
    assert await scene.store.open_sessions(since=NOW, lookback=1) == (
        ToCatchUp(base36(100), CHANNEL, 12, 12),
        ToCatchUp(base36(101), 501, 1, 1),
    )
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert [each.session_id for each in await scene.store.open_sessions(since=NOW, lookback=1)] == [base36(101)]


async def test_a_channel_is_read_again_from_before_a_line_that_may_turn_up_twice(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.", at=NOW + 5)
    await line.keep_intent()
    await line.tell(SendUnconfirmed(NOW + 6, "timeout"))
    await line.tell(FoundInChannel(NOW + 6, 20, "Hello."), watch=True)
    await scene.hear(30)
    for since, after in ((NOW + 4, 10), (NOW + 5, 30)):
        (found,) = await scene.store.open_sessions(since=since, lookback=0)
        assert (found.after, found.known_after) == (after, after)


@pytest.mark.parametrize(("lookback", "known_after"), [(1, 29), (2, 19), (3, 19), (4, 9), (5, 1), (80, 1)])
async def test_the_newest_messages_of_the_history_are_to_be_compared(
    scene: Scene, lookback: int, known_after: int
) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(Sent(NOW, 21, "Two."))
    await scene.hear(30)
    (found,) = await scene.store.open_sessions(since=NOW, lookback=lookback)
    assert (found.after, found.known_after) == (30, known_after)


# ── the inbox ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_is_accepted_once(scene: Scene) -> None:
    here = scene.claim.session_id
    assert await scene.store.accept(said(10)) == Accepted(here, is_new=True)
    assert await scene.store.accept(said(10, "Told twice.")) == Accepted(here, is_new=False)
    assert [entry.text for entry in await scene.store.history(here)] == ["Hello?"]


async def test_nothing_is_accepted_where_no_session_is_open(scene: Scene) -> None:
    assert await scene.store.accept(said(10, channel_id=501)) is None
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert await scene.store.accept(said(11)) is None
    assert await scene.store.history(scene.claim.session_id) == ()


async def test_what_was_said_before_the_session_opened_is_not_accepted(store: SqlStore) -> None:
    await store.add_character(MIRA, at=NOW)
    await store.open_session(replace(a_session(cast=(MIRA,)), opened_after=50), an_answer())
    assert await store.accept(said(49)) is None
    assert await store.accept(said(50)) is None
    assert await store.accept(said(51)) is not None


async def test_a_message_of_an_ended_session_stays_that_sessions(scene: Scene) -> None:
    await scene.hear(10)
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    await open_scene(scene.store, number=101)
    assert await scene.store.accept(said(10)) == Accepted(base36(100), is_new=False)
    assert await scene.store.history(base36(101)) == ()


async def test_a_deleted_message_without_a_turn_starts_none(scene: Scene) -> None:
    await scene.hear(10)
    await scene.hear(11)
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    assert waiting(await scene.store.next_work(scene.claim)) == [11]
    with pytest.raises(Fenced):
        await scene.take_turn(10)


async def test_what_waits_says_to_whose_line_it_replies_and_what_it_says_now(scene: Scene) -> None:
    store = scene.store
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    await line.keep_intent()
    await line.tell(Sent(NOW, 20, "Hello."))
    await store.accept(replace(said(30, "Why?"), replies_to=20))
    await store.amend(CHANNEL, 30, text="Why not?", at=NOW)
    work = await store.next_work(scene.claim)
    assert work == NextMessages((Heard(30, "Why not?", MIRA.id),), Before(MIRA.id, (MIRA.id,)))


async def test_a_turn_keeps_who_had_spoken_in_its_round(scene: Scene) -> None:
    await scene.hear(10)
    turn = Turn(base36(900), scene.claim.session_id, 10, (), (TOBIN.id,))
    await scene.store.take_turn(scene.claim, turn)
    await scene.hear(11)
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextMessages)
    assert work.before == Before(None, (), (TOBIN.id,))


async def test_a_turn_answers_all_that_waits_up_to_its_cause(scene: Scene) -> None:
    for message_id in (12, 10, 11):
        await scene.hear(message_id)
    assert waiting(await scene.store.next_work(scene.claim)) == [10, 11, 12]
    await scene.hear(13)  # after the speakers were drawn
    await scene.take_turn(12)
    await (await (await scene.line()).start("One.")).tell(Sent(NOW, 20, "One."))
    assert waiting(await scene.store.next_work(scene.claim)) == [13]
    for message_id in (10, 11, 12):
        with pytest.raises(Fenced):
            await scene.take_turn(message_id)


async def test_a_turn_loses_its_reason_with_the_last_of_its_messages(scene: Scene) -> None:
    for message_id in (10, 11, 12):
        await scene.hear(message_id)
    await scene.take_turn(12, MIRA, TOBIN)
    line = await (await scene.line()).start("One.")
    for message_id, reason in ((12, None), (10, None), (11, "trigger_deleted")):
        await scene.store.amend(CHANNEL, message_id, text=None, at=NOW)
        assert await scene.store.cancel_reason(line.response.id) == reason
    await line.tell(Sent(NOW, 20, "One."))
    second = await (await scene.line()).start("Two.")
    assert await scene.store.cancel_reason(second.response.id) is None, "it has delivered something"


async def test_a_message_is_answered_by_one_turn(scene: Scene) -> None:
    await scene.hear(10)
    await scene.take_turn(10)
    with pytest.raises(Fenced):
        await scene.take_turn(10)


# ── characters ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_claim_says_what_is_to_be_done(scene: Scene) -> None:
    await scene.hear(10)
    *_, work = await scene.store.claim(scene.claim.session_id)
    assert waiting(work) == [10]


async def test_a_turn_is_taken_with_the_sessions_move_or_not_at_all(scene: Scene) -> None:
    store, session_id = scene.store, scene.claim.session_id
    await scene.hear(10)
    turn = Turn(base36(900), session_id, 10, (MIRA.id,))
    with pytest.raises(Fenced):
        await store.take_turn(scene.claim, turn, move=SessionMove("Responding", 3, NOW))
    assert waiting(await store.next_work(scene.claim)) == [10]
    work = await store.take_turn(scene.claim, turn, move=SessionMove("Responding", 2, NOW))
    assert work == NextSpeaker(turn, 0, MIRA)
    record = await store.session(session_id)
    assert record is not None
    assert (record.state, record.version) == ("Responding", 2)


def by_work(version: int) -> MoveByWork:
    return MoveByWork(SessionMove("Responding", version, NOW), SessionMove("Idle", version, NOW))


async def state_of(scene: Scene) -> tuple[str, int]:
    record = await scene.store.session(scene.claim.session_id)
    assert record is not None
    return record.state, record.version


async def test_the_session_moves_by_what_it_has_to_do_next(scene: Scene) -> None:
    store = scene.store
    assert await store.next_work(scene.claim, move=by_work(2)) is None
    assert await state_of(scene) == ("Idle", 2)
    await scene.hear(10)
    assert waiting(await store.next_work(scene.claim, move=by_work(3))) == [10]
    assert await state_of(scene) == ("Responding", 3)
    with pytest.raises(Fenced):
        await store.next_work(scene.claim, move=by_work(3))


async def test_a_pause_ends_by_what_waited_for_its_end_with_the_answer(scene: Scene) -> None:
    store, session_id = scene.store, scene.claim.session_id
    await scene.hear(10)
    await store.move_session(session_id, SessionMove("Paused", 2, NOW))
    await store.resume_session(session_id, by_work(3), outbox=(an_answer("resume"),))
    assert await state_of(scene) == ("Responding", 3)
    assert [row.draft.key for row in await store.due_outbox(now=NOW, limit=9)] == ["start-100", "resume"]
    with pytest.raises(Fenced):
        await store.resume_session(session_id, by_work(3), outbox=())


async def test_what_is_said_in_a_pause_is_kept_and_starts_no_turn(scene: Scene) -> None:
    store, session_id = scene.store, scene.claim.session_id
    await store.move_session(session_id, SessionMove("Paused", 2, NOW))
    await scene.hear(10)
    assert [entry.message_ids for entry in await store.history(session_id)] == [(10,)]
    await store.resume_session(session_id, by_work(3), outbox=())
    assert await state_of(scene) == ("Idle", 3)
    await scene.hear(11)
    assert waiting(await store.next_work(scene.claim)) == [11]


async def test_no_response_begins_once_its_session_is_paused(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await scene.store.move_session(scene.claim.session_id, SessionMove("Paused", 2, NOW))
    with pytest.raises(Fenced, match="paused"):
        await line.start()


async def test_a_line_that_has_lost_its_reason_before_it_starts_says_so(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    first = advance(line.response, Started(NOW, ()))
    assert await scene.store.start(line.claim, line.record, line.ordinal, first) == "trigger_deleted"
    await scene.hear(11)
    await line.tell(Cancelled(NOW, "trigger_deleted"))
    other = await scene.line()
    first = advance(other.response, Started(NOW, ()))
    assert await scene.store.start(other.claim, other.record, other.ordinal, first) is None


async def test_an_import_under_the_same_name_makes_a_new_version(store: SqlStore) -> None:
    newer = Character(id=base36(9), name="MIRA", card_json="{}", picture=b"other")
    assert await store.add_character(MIRA, at=NOW) is False
    assert await store.add_character(newer, at=NOW) is True
    assert await store.characters() == (newer,)


async def test_characters_are_listed_by_name_without_case(store: SqlStore) -> None:
    lower = Character(id=base36(8), name="anna", card_json="{}")
    for character in (TOBIN, lower, MIRA):
        await store.add_character(character, at=NOW)
    assert [character.name for character in await store.characters()] == ["anna", "Mira", "Tobin"]


async def test_a_deleted_character_stays_in_its_running_session(scene: Scene) -> None:
    assert await scene.store.delete_character("mIrA") == MIRA.id
    assert await scene.store.delete_character("Mira") is None
    assert await scene.store.characters() == (TOBIN,)
    record = await scene.store.session_in(CHANNEL)
    assert record is not None
    assert record.cast == (MIRA, TOBIN)


async def test_a_store_that_has_had_a_character_remembers_it_when_it_is_deleted(store: SqlStore) -> None:
    assert await store.has_had_characters() is False
    await store.add_character(MIRA, at=NOW)
    await store.delete_character("Mira")
    assert await store.characters() == ()
    assert await store.has_had_characters() is True


async def test_onlookers_see_who_waits_speaks_and_comes_next_the_open_sessions_first(scene: Scene) -> None:
    await open_scene(scene.store, number=101, channel_id=501)
    await scene.store.move_session(base36(101), SessionMove("Ended", 2, NOW, "end"))
    await scene.hear(10)
    await scene.hear(11)
    await scene.take_turn(10, MIRA, TOBIN)
    before, _ = await scene.store.seen_sessions(limit=9)
    assert (before.on_its_way, before.next_speakers) == (None, ("Mira", "Tobin"))
    line = await (await scene.line()).start()
    now, ended = await scene.store.seen_sessions(limit=9)
    assert now == SessionView(
        session_id=scene.claim.session_id,
        channel_id=CHANNEL,
        state="Idle",
        opened_at=NOW,
        cast=("Mira", "Tobin"),
        history_length=2,
        waiting=1,
        on_its_way=line.response.id,
        next_speakers=("Tobin",),
    )
    assert (ended.session_id, ended.state, ended.waiting, ended.next_speakers) == (base36(101), "Ended", 0, ())
    assert await scene.store.seen_sessions(limit=1) == (now,)


async def test_onlookers_see_the_newest_lines_oldest_first_without_their_texts(scene: Scene) -> None:
    for message_id in (10, 11, 12):
        await scene.hear(message_id)
    seen = await scene.store.seen_lines(scene.claim.session_id, limit=2)
    assert seen == tuple(LineView("user", "Robin", NOW + message_id, None) for message_id in (11, 12))
    assert await scene.store.seen_lines("nosuch", limit=2) == ()
