"""What every store promises about retries: one wish, one replacement, and no copy taken for a line."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace

import pytest

from actors.ports.store import Fenced, RedeliveryAsked, RedeliveryOutcome
from actors.ports.work import NextRedelivery, ResponseRecord
from actors.roleplay.model import Button, Outbound, OutboxDraft, OutboxKind, ReplyAddress, nonce_of
from machines.facts import FoundInChannel, NotInChannel, SendRefused, SendUnconfirmed, Sent, WaitElapsed
from machines.response import Limits, Response, State
from tests.contracts.scene import CHANNEL, NOW, Line, Scene

ONCE = Limits(send_attempts=1)


def answered(key: str) -> Callable[[RedeliveryAsked], OutboxDraft]:
    return lambda asked: OutboxDraft(key, OutboxKind.ANSWER, CHANNEL, asked.outcome.value)


def notice(line: Line) -> OutboxDraft:
    key = f"notice:{line.response.id}"
    return OutboxDraft(key, OutboxKind.NOTICE, CHANNEL, "It failed.", response_id=line.response.id)


async def a_failed_line(scene: Scene, *texts: str, message_id: int = 10) -> Line:
    await scene.hear(message_id)
    line = await scene.line(limits=ONCE)
    await line.start(*(texts or ("Good evening.",)))
    await line.tell(SendRefused(NOW + 1, "outage"), outbox=[notice(line)])
    return line


async def ask(scene: Scene, response_id: str | None, key: str) -> RedeliveryAsked | None:
    asked = await scene.store.look_up_redelivery(response_id, channel_id=CHANNEL)
    is_new = await scene.store.request_redelivery(asked, answered(key)(asked), at=NOW + 2)
    return asked if is_new else None


def accepted(scene: Scene, line: Line, *, replaces: Line | None = None) -> RedeliveryAsked:
    newest = replaces or line
    return RedeliveryAsked(
        RedeliveryOutcome.ACCEPTED, "Mira", line.response.id, scene.claim.session_id, newest.response.id
    )


async def the_retry(scene: Scene) -> Line:
    """The next work's response, started."""
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    return await replacement(scene, work).start(*work.texts, replaces=work.replaces)


def replacement(scene: Scene, work: NextRedelivery) -> Line:
    """A response for the request, not started yet."""
    response, session_id = Response(scene.next_id(), ONCE), scene.claim.session_id
    record = ResponseRecord(response, session_id, CHANNEL, work.turn_id, work.trigger_id, work.character, None, ())
    return Line(scene.store, scene.claim, record, work.ordinal)


async def test_a_request_is_written_with_its_answer_and_is_the_next_work(scene: Scene) -> None:
    line = await a_failed_line(scene, "One.", "Two.")
    assert await scene.store.pending(now=NOW) == ()
    asked = await ask(scene, line.response.id, "a")
    assert asked == accepted(scene, line)
    assert await scene.store.pending(now=NOW) == (scene.claim.session_id,)
    answers = [row.draft.text for row in await scene.store.due_outbox(now=NOW + 9, limit=9) if row.draft.key == "a"]
    assert answers == ["accepted"]
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    assert (work.replaces, work.texts, work.trigger_id) == (line.response.id, ("One.", "Two."), 10)


async def test_the_same_request_changes_nothing_a_second_time(scene: Scene) -> None:
    line = await a_failed_line(scene)
    assert await scene.store.enqueue(answered("a")(RedeliveryAsked(RedeliveryOutcome.NONE)), at=NOW)
    assert await ask(scene, line.response.id, "a") is None
    assert await scene.store.next_work(scene.claim) is None


async def test_a_started_retry_takes_the_request_and_no_speakers_place(scene: Scene) -> None:
    line = await a_failed_line(scene)
    await scene.hear(11)
    await ask(scene, line.response.id, "a")
    retry = await the_retry(scene)
    await retry.keep_intent()
    await retry.tell(Sent(NOW + 3, 20, "Good evening."))
    assert retry.response.state is State.DELIVERED
    after = await scene.line()
    assert after.record.trigger_id == 11
    outcomes = [(await ask(scene, line.response.id, "b")), (await ask(scene, None, "c"))]
    assert [asked.outcome for asked in outcomes if asked] == [RedeliveryOutcome.DELIVERED] * 2


async def test_a_line_is_replaced_once_and_then_only_its_replacement(scene: Scene) -> None:
    line = await a_failed_line(scene)
    await ask(scene, line.response.id, "a")
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    retry = await the_retry(scene)
    with pytest.raises(Fenced, match="replaced already"):
        await replacement(scene, work).start(*work.texts, replaces=work.replaces)
    await retry.keep_intent()
    await retry.tell(SendRefused(NOW + 4, "outage"), outbox=[notice(retry)])
    assert await ask(scene, line.response.id, "b") == accepted(scene, line, replaces=retry)
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    assert work.replaces == retry.response.id


async def test_a_request_that_comes_to_something_else_meanwhile_is_looked_up_anew(scene: Scene) -> None:
    line = await a_failed_line(scene)
    asked = await scene.store.look_up_redelivery(line.response.id, channel_id=CHANNEL)
    await ask(scene, line.response.id, "first")
    with pytest.raises(Fenced, match="has changed"):
        await scene.store.request_redelivery(asked, answered("second")(asked), at=NOW)
    assert "second" not in [row.draft.key for row in await scene.store.due_outbox(now=NOW, limit=9)]


async def test_the_database_itself_refuses_a_second_replacement_on_its_way(scene: Scene) -> None:
    line = await a_failed_line(scene)  # and nobody asked for it: there is no request that could be taken twice
    work = NextRedelivery(line.response.id, line.record.turn_id, 10, 0, line.record.character, ("Good evening.",), None)
    await replacement(scene, work).start(*work.texts, replaces=work.replaces)
    with pytest.raises(sqlite3.IntegrityError):
        await replacement(scene, work).start(*work.texts, replaces=work.replaces)


async def test_the_newest_failure_that_nobody_asked_for_comes_first(scene: Scene) -> None:
    first = await a_failed_line(scene, "First.")
    second = await a_failed_line(scene, "Second.", message_id=12)
    for key, wanted in (("a", second), ("b", first)):
        await ask(scene, None, key)
        retry = await the_retry(scene)
        assert retry.response.texts == wanted.response.texts
        await retry.keep_intent()
        await retry.tell(SendRefused(NOW + 4, "outage"))  # nobody is told of this one
    asked = await ask(scene, "nobody", "c")
    assert asked == RedeliveryAsked(RedeliveryOutcome.NONE)


async def test_a_part_is_never_found_in_a_message_that_is_to_go(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await line.start("Good evening.")
    await line.keep_intent()
    await line.tell(SendUnconfirmed(NOW + 1, "timeout"))
    copy = OutboxDraft("takedown:20", OutboxKind.TAKEDOWN, CHANNEL, message_id=20)
    assert await scene.store.enqueue_copy(copy, at=NOW)
    assert await scene.store.own_messages(CHANNEL, after=10) == {20}
    with pytest.raises(Fenced, match="to be taken down"):
        await line.twin().tell(FoundInChannel(NOW + 2, 20, "Good evening."))
    await line.tell(FoundInChannel(NOW + 2, 21, "Good evening."))
    assert line.response.state is State.DELIVERED


async def test_a_message_in_which_a_part_was_found_is_no_copy_any_more(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await line.start("Good evening.")
    await line.keep_intent()
    await line.tell(SendUnconfirmed(NOW + 1, "timeout"))
    await line.tell(FoundInChannel(NOW + 2, 20, "Good evening."))
    copy = OutboxDraft("takedown:20", OutboxKind.TAKEDOWN, CHANNEL, message_id=20)
    assert not await scene.store.enqueue_copy(copy, at=NOW + 3)


async def test_what_is_sent_after_a_copy_was_condemned_is_fenced_behind_it(scene: Scene) -> None:
    await scene.store.enqueue_copy(OutboxDraft("t", OutboxKind.TAKEDOWN, CHANNEL, message_id=77), at=NOW)
    await scene.hear(10)
    line = await scene.line()
    await line.start("Good evening.")
    kept: Outbound = await line.keep_intent()
    assert kept.watermark == 77


async def test_a_doubtful_line_that_is_asked_for_is_watched_however_old_and_says_where_to_look(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line(limits=ONCE)
    await line.start("Good evening.")
    await line.keep_intent()
    await line.tell(SendUnconfirmed(NOW + 1, "timeout"))
    await line.tell(NotInChannel(NOW + 9), outbox=[notice(line)])
    assert await scene.store.watched(CHANNEL, since=NOW + 99_999) == ()
    await ask(scene, line.response.id, "a")
    [part] = await scene.store.watched(CHANNEL, since=NOW + 99_999)
    assert part.outbound.nonce == nonce_of(line.response.id, 1)
    work = await scene.store.next_work(scene.claim)
    assert isinstance(work, NextRedelivery)
    assert work.look_after == 10


async def test_buttons_and_the_reply_are_read_back_and_the_token_goes_when_the_row_is_done(scene: Scene) -> None:
    store = scene.store
    address = ReplyAddress("secret", NOW + 900)
    draft = OutboxDraft("r", OutboxKind.ANSWER, CHANNEL, "Yes.", buttons=(Button("Retry", "retry:1"),), reply=address)
    assert "secret" not in repr(draft)
    await store.enqueue(draft, at=NOW)
    [row] = [row for row in await store.due_outbox(now=NOW, limit=9) if row.draft.key == "r"]
    assert row.draft == draft
    await store.outbox_done(row.id, message_id=None, at=NOW, outcome="sent")
    assert not await store.enqueue(replace(draft, text="Again."), at=NOW)


async def test_an_answer_to_an_interaction_waits_for_no_text_and_none_for_it(scene: Scene) -> None:
    store = scene.store
    [start] = await store.due_outbox(now=NOW, limit=9)
    await store.outbox_later(start.id, due_at=NOW + 60)
    reply = OutboxDraft("r", OutboxKind.ANSWER, CHANNEL, "Yes.", reply=ReplyAddress("secret", NOW + 900))
    await store.enqueue(reply, at=NOW)
    [row] = await store.due_outbox(now=NOW, limit=9)
    assert row.draft == reply
    await store.outbox_later(row.id, due_at=NOW + 300)
    assert [row.draft.key for row in await store.due_outbox(now=NOW + 60, limit=9)] == [start.draft.key]


async def test_a_busy_channel_hides_no_other(scene: Scene) -> None:
    store = scene.store
    for number in range(5):
        await store.enqueue(OutboxDraft(f"a{number}", OutboxKind.NOTICE, 1, "…"), at=NOW - 9)
    await store.enqueue(OutboxDraft("b", OutboxKind.NOTICE, 2, "…"), at=NOW)
    assert [row.draft.key for row in await store.due_outbox(now=NOW, limit=2, besides={1, CHANNEL})] == ["b"]


async def test_a_wait_between_tries_is_no_failure_to_ask_for(scene: Scene) -> None:
    await scene.hear(10)
    line = await scene.line()
    await line.start("Good evening.")
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 1, "outage"))
    asked = await ask(scene, line.response.id, "a")
    assert asked == RedeliveryAsked(RedeliveryOutcome.NONE)
    await line.tell(WaitElapsed(NOW + 3))
    assert line.response.state is State.SENDING
