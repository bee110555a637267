"""What every store promises about responses: moves, intents, guards, and what a new process reads back."""

from __future__ import annotations

import pytest

from actors.adapters.store import SqlStore
from actors.ports.store import Fenced
from actors.ports.work import NextSpeaker, ResponseRecord, SessionMove, Writes
from actors.roleplay.model import Claim, OutboundKind, OutboxDraft, OutboxKind, base36, nonce_of
from machines.facts import (
    Cancelled,
    FoundInChannel,
    Generated,
    GenerationFailed,
    NotInChannel,
    SendRefused,
    SendUnconfirmed,
    Sent,
    Started,
    WaitElapsed,
)
from machines.response import Limits, State, advance
from tests.contracts.scene import CHANNEL, MIRA, NOW, TOBIN, Scene, said, waiting


async def unfinished(scene: Scene) -> ResponseRecord:
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, ResponseRecord)
    return work


async def test_a_response_is_read_back_as_it_was_left(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line(limits=Limits(send_attempts=5, settle_s=2.5))).start()
    await line.tell(GenerationFailed(NOW + 1, "overloaded", retry_after_s=2.0, model="large"))
    await line.tell(WaitElapsed(NOW + 3))
    await line.tell(GenerationFailed(NOW + 4, "length"))
    await line.tell(WaitElapsed(NOW + 8))
    await line.tell(Generated(NOW + 9, ("One.", "Two.")))
    await line.keep_intent()
    await line.tell(Sent(NOW + 10, 11, "One!"))
    intent = await line.keep_intent(kind=OutboundKind.WEBHOOK, webhook_id=77)
    await line.tell(SendUnconfirmed(NOW + 11, "timeout", retry_after_s=1.0))

    left = await unfinished(scene)

    assert left.response == line.response
    assert left.outbound == intent
    assert left.reasons == (("overloaded", "large"), ("length", ""))
    assert (left.session_id, left.channel_id, left.turn_id) == (scene.claim.session_id, CHANNEL, line.record.turn_id)
    assert (left.trigger_id, left.character) == (10, MIRA)


async def test_a_response_that_was_never_near_the_wire_has_no_intent(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Given.")
    left = await unfinished(scene)
    assert left.outbound is None
    assert left.response == line.response


async def test_moves_are_read_back_in_order_with_their_facts(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start()
    generated, sent = Generated(NOW + 1, ("One.", "Two.")), Sent(NOW + 2, 11, "One.")
    await line.tell(generated)
    await line.tell(sent)
    assert await scene.store.moves(line.response.id) == (
        ("[*]", "Generating", Started(NOW)),
        ("Generating", "Sending", generated),
        ("Sending", "Sending", sent),
    )


async def test_record_returns_the_length_of_the_history(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    assert await line.tell(Cancelled(NOW, "end")) == 1
    assert await line.tell(Sent(NOW, 11, "Hello.")) == 2
    assert len(await scene.store.history(scene.claim.session_id)) == 2


async def test_delivered_and_its_line_are_one_transaction(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    step = advance(line.response, Sent(NOW, 11, "Hello."))
    with pytest.raises(ValueError, match="with no line"):
        await scene.store.record(line.claim, line.response, step)
    assert len(await scene.store.history(scene.claim.session_id)) == 1
    assert (await unfinished(scene)).response.version == 1


async def test_a_line_enters_the_history_with_no_other_move_than_delivered(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    step = advance(line.response, Cancelled(NOW, "end"))
    with pytest.raises(ValueError, match="with a line"):
        await scene.store.record(line.claim, line.response, step, Writes(line_by=line.record.character))
    assert len(await scene.store.history(scene.claim.session_id)) == 1
    assert (await unfinished(scene)).response.version == 1


async def test_what_a_move_asks_to_be_told_is_written_with_it(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    notice = OutboxDraft("notice-1", OutboxKind.NOTICE, CHANNEL, text="It failed.", response_id=line.response.id)
    await line.tell(SendRefused(NOW + 5, "forbidden", 403, final=True), outbox=(notice,))
    rows = await scene.store.due_outbox(now=NOW + 5, limit=10)
    assert [row.draft for row in rows][1:] == [notice]


# ── guards ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_second_claim_fences_every_write_of_the_first(scene: Scene) -> None:
    await scene.hear(10)
    await scene.hear(12)
    line = await (await scene.line()).start("Hello.")
    await scene.store.claim(scene.claim.session_id)
    before = await scene.store.moves(line.response.id)

    with pytest.raises(Fenced):
        await scene.store.next_work(scene.claim)
    with pytest.raises(Fenced):
        await scene.take_turn(12)
    with pytest.raises(Fenced):
        await line.keep_intent()
    with pytest.raises(Fenced):
        await line.twin().tell(Sent(NOW, 11, "Hello."))
    with pytest.raises(Fenced):
        await line.twin().tell(Cancelled(NOW, "end"))
    assert await scene.store.moves(line.response.id) == before
    assert len(await scene.store.history(scene.claim.session_id)) == 2


async def test_a_start_under_an_old_claim_writes_nothing(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await scene.store.claim(scene.claim.session_id)
    with pytest.raises(Fenced):
        await line.start("Hello.")
    assert await scene.store.moves(line.response.id) == ()


async def test_a_move_told_twice_is_fenced_and_written_once(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    step = advance(line.response, SendRefused(NOW, "outage", 503))
    await scene.store.record(line.claim, line.response, step)
    with pytest.raises(Fenced):
        await scene.store.record(line.claim, line.response, step)
    assert len(await scene.store.moves(line.response.id)) == 2


async def test_two_moves_from_one_version_leave_only_the_first(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    twin = line.twin()
    await line.tell(SendRefused(NOW, "outage", 503))
    with pytest.raises(Fenced):
        await twin.tell(Sent(NOW, 11, "Hello."))
    assert (await unfinished(scene)).response.state is State.RETRYING


async def test_an_intent_of_an_older_version_is_fenced(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    twin = line.twin()
    await line.tell(SendUnconfirmed(NOW, "timeout"))
    with pytest.raises(Fenced):
        await twin.keep_intent()


async def test_a_response_of_another_session_cannot_be_moved(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    line.claim = Claim(base36(999), 1)
    with pytest.raises(Fenced):
        await line.tell(Sent(NOW, 11, "Hello."))


# ── intents ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_fence_is_the_newest_message_known_and_stays_that_of_the_first_try(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    assert (await line.keep_intent(watermark=3)).watermark == 10
    await line.tell(SendUnconfirmed(NOW, "timeout"))
    await scene.hear(40)
    await line.tell(NotInChannel(NOW + 5))
    again = await line.keep_intent(watermark=99, kind=OutboundKind.WEBHOOK, webhook_id=5)
    assert again == line.outbound(watermark=10, kind=OutboundKind.WEBHOOK, webhook_id=5)


async def test_a_fence_that_the_caller_knows_to_be_newer_counts(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    assert (await line.keep_intent(watermark=30)).watermark == 30


async def test_the_fence_knows_our_own_parts_and_answers(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.", "Three.")
    await line.keep_intent()
    await line.tell(Sent(NOW, 20, "One."))
    assert (await line.keep_intent()).watermark == 20
    await line.tell(Sent(NOW, 21, "Two."))
    [answer] = await scene.store.due_outbox(now=NOW, limit=1)
    await scene.store.outbox_done(answer.id, message_id=35, at=NOW, outcome="sent")
    assert (await line.keep_intent()).watermark == 35


async def test_another_channels_messages_raise_no_fence(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    assert await store.accept(said(900, channel_id=501)) is None
    line = await (await scene.line()).start("Hello.")
    assert (await line.keep_intent()).watermark == 10


async def test_the_nonce_of_a_part_never_changes(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    await line.keep_intent()
    with pytest.raises(ValueError, match="another nonce"):
        await line.keep_intent(nonce="another")
    with pytest.raises(ValueError, match="another nonce or text"):
        await line.keep_intent(text="Another text.")
    kept = (await unfinished(scene)).outbound
    assert kept is not None
    assert kept.nonce == nonce_of(line.response.id, 1)


# ── what comes next ─────────────────────────────────────────────────────────────────────────────────


async def test_work_is_unfinished_responses_then_speakers_then_messages(scene: Scene) -> None:
    store, claim = scene.store, scene.claim
    assert await store.next_work(claim) is None
    await scene.hear(10)
    assert waiting(await store.next_work(claim)) == [10]
    turn = await scene.take_turn(10, TOBIN, MIRA)
    await scene.hear(12)
    assert await store.next_work(claim) == NextSpeaker(turn, 0, TOBIN)
    first = await (await scene.line()).start("One.")
    assert (await unfinished(scene)).response.id == first.response.id
    await first.tell(Sent(NOW, 20, "One."))
    assert await store.next_work(claim) == NextSpeaker(turn, 1, MIRA)
    second = await (await scene.line()).start("Two.")
    await second.tell(SendRefused(NOW, "forbidden", 403, final=True))
    assert waiting(await store.next_work(claim)) == [12]


async def test_a_replacement_takes_no_speakers_place(scene: Scene) -> None:
    await scene.hear(10)
    turn = await scene.take_turn(10, MIRA, TOBIN)
    first = await (await scene.line()).start("One.")
    await first.tell(SendRefused(NOW, "forbidden", 403, final=True))
    retry = await scene.line()
    retry.ordinal = 0
    await retry.start("One.", replaces=first.response.id)
    await retry.tell(Sent(NOW, 20, "One."))
    assert await scene.store.next_work(scene.claim) == NextSpeaker(turn, 1, TOBIN)


async def test_an_ended_session_only_finishes(scene: Scene) -> None:
    await scene.hear(10)
    await scene.hear(12)
    await scene.take_turn(10, MIRA, TOBIN)
    line = await (await scene.line()).start("Hello.")
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert (await unfinished(scene)).response.id == line.response.id
    await line.tell(Sent(NOW, 20, "Hello."))
    assert await scene.store.next_work(scene.claim) is None


async def test_pending_names_sessions_whose_work_can_be_done_now(scene: Scene) -> None:
    store, here = scene.store, (scene.claim.session_id,)
    assert await store.pending(now=NOW) == ()
    await scene.hear(10)
    assert await store.pending(now=NOW) == here
    await scene.take_turn(10)
    assert await store.pending(now=NOW) == here
    line = await (await scene.line()).start("Hello.")
    assert await store.pending(now=NOW) == here
    await line.tell(SendRefused(NOW, "rate_limit", 429, retry_after_s=30))
    await scene.hear(12)
    assert await store.pending(now=NOW + 29) == ()
    assert await store.pending(now=NOW + 30) == here
    await store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "end"))
    assert await store.pending(now=NOW + 30) == here
    await line.tell(Cancelled(NOW + 30, "end"))
    assert await store.pending(now=NOW + 99) == ()


async def test_a_paused_session_has_no_work_but_what_is_unfinished(scene: Scene) -> None:
    await scene.hear(10)
    await scene.store.move_session(scene.claim.session_id, SessionMove("Paused", 2, NOW))
    assert await scene.store.pending(now=NOW) == ()


# ── why a line lost its reason ──────────────────────────────────────────────────────────────────────


async def test_a_line_loses_its_reason_with_its_session(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")
    assert await scene.store.cancel_reason(line.response.id) is None
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW, "channel_gone"))
    assert await scene.store.cancel_reason(line.response.id) == "channel_gone"


async def test_a_line_loses_its_reason_with_its_trigger_until_its_turn_delivered(scene: Scene) -> None:
    await scene.hear(10)
    await scene.take_turn(10, MIRA, TOBIN)
    first = await (await scene.line()).start("One.", "Two.")
    await first.tell(Sent(NOW, 20, "One."))
    await scene.store.amend(CHANNEL, 10, text=None, at=NOW)
    assert await scene.store.cancel_reason(first.response.id) == "trigger_deleted"
    await first.tell(Sent(NOW, 21, "Two."))
    second = await (await scene.line()).start("Three.")
    assert await scene.store.cancel_reason(second.response.id) is None


# ── the reaper ──────────────────────────────────────────────────────────────────────────────────────


async def test_watched_are_parts_on_their_way_and_doubtful_ones_tried_lately(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    assert await scene.store.watched(CHANNEL, since=0) == ()
    first = await line.keep_intent()
    [on_its_way] = await scene.store.watched(CHANNEL, since=NOW + 99)
    assert (on_its_way.outbound, on_its_way.message_id, on_its_way.is_final) == (first, None, False)

    await line.tell(SendUnconfirmed(NOW + 1, "timeout"))
    await line.tell(FoundInChannel(NOW + 2, 11, "One."))
    await line.keep_intent()
    await line.tell(Sent(NOW + 3, 12, "Two."), watch=True)
    assert [(one.message_id, one.is_final) for one in await scene.store.watched(CHANNEL, since=NOW - 1)] == [
        (11, True),
        (12, True),
    ]
    assert [one.message_id for one in await scene.store.watched(CHANNEL, since=NOW + 1)] == [12]
    assert await scene.store.watched(CHANNEL + 1, since=0) == ()


async def test_a_delivered_line_without_doubt_is_not_watched(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.")
    await line.keep_intent()
    await line.tell(Sent(NOW + 3, 12, "One."))
    assert await scene.store.watched(CHANNEL, since=0) == ()


async def test_own_messages_are_confirmed_parts_and_answers(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.keep_intent()
    await line.tell(Sent(NOW, 20, "One."))
    [answer] = await scene.store.due_outbox(now=NOW, limit=1)
    await scene.store.outbox_done(answer.id, message_id=19, at=NOW, outcome="sent")
    assert await scene.store.own_messages(CHANNEL, after=0) == {19, 20}
    assert await scene.store.own_messages(CHANNEL, after=19) == {20}
    assert await scene.store.own_messages(CHANNEL + 1, after=0) == frozenset()
