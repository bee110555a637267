"""What every store promises about the outbox, the webhooks and the tables of deliveries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.store import ResponseOutcome, SqlStore
from actors.ports.store import Fenced, ToCatchUp
from actors.roleplay.model import Button, OutboundKind, OutboxDraft, OutboxKind, ReplyAddress
from machines.facts import Cancelled, Held, NotInChannel, SendRefused, SendUnconfirmed, Sent, WaitElapsed
from machines.response import State
from tests.contracts.scene import CHANNEL, NOW, Scene

NOTICE = OutboxDraft(key="n", kind=OutboxKind.NOTICE, channel_id=CHANNEL, text="It failed.")
TAKEDOWN = OutboxDraft(key="t", kind=OutboxKind.TAKEDOWN, channel_id=CHANNEL, message_id=20, webhook_id=4)


async def test_a_delivery_is_asked_for_once_by_its_key(store: SqlStore) -> None:
    assert await store.enqueue(NOTICE, at=NOW) is True
    assert await store.enqueue(replace(NOTICE, text="Again."), at=NOW) is False
    assert [row.draft for row in await store.due_outbox(now=NOW, limit=9)] == [NOTICE]


async def test_a_row_is_read_back_whole(store: SqlStore) -> None:
    await store.enqueue(TAKEDOWN, at=NOW)
    [row] = await store.due_outbox(now=NOW, limit=9)
    assert row.draft == TAKEDOWN
    assert (row.attempt, row.first_try_at, row.due_at) == (0, 0.0, NOW)


async def test_due_rows_are_the_longest_due_first_and_bounded(store: SqlStore) -> None:
    for number in (3, 1, 2):
        await store.enqueue(replace(NOTICE, key=f"n{number}", channel_id=number), at=NOW + number)
    assert await store.next_outbox_due() == NOW + 1
    assert [row.draft.key for row in await store.due_outbox(now=NOW + 2, limit=9)] == ["n1", "n2"]
    assert [row.draft.key for row in await store.due_outbox(now=NOW + 9, limit=1)] == ["n1"]


async def test_fence_and_first_try_are_those_of_the_first_try(scene: Scene) -> None:
    store = scene.store
    [row] = await store.due_outbox(now=NOW, limit=1)
    await scene.hear(10)
    first = await store.outbox_try(row.id, at=NOW + 1)
    await scene.hear(30)
    second = await store.outbox_try(row.id, at=NOW + 5)
    assert (first.attempt, first.watermark, first.first_try_at) == (1, 10, NOW + 1)
    assert second == replace(first, attempt=2)
    assert second.nonce == row.nonce


async def test_nonces_differ_by_key_and_by_time(store: SqlStore) -> None:
    for key, at in (("a", NOW), ("b", NOW), ("c", NOW + 0.001)):
        await store.enqueue(replace(NOTICE, key=key), at=at)
    nonces = {row.nonce for row in await store.due_outbox(now=NOW + 1, limit=9)}
    assert len(nonces) == 3
    assert all(0 < len(nonce) <= 25 for nonce in nonces)


async def test_a_row_that_is_put_off_is_due_later(store: SqlStore) -> None:
    await store.enqueue(NOTICE, at=NOW)
    [row] = await store.due_outbox(now=NOW, limit=1)
    await store.outbox_later(row.id, due_at=NOW + 60)
    assert await store.due_outbox(now=NOW + 59, limit=1) == ()
    assert await store.next_outbox_due() == NOW + 60


async def test_a_done_row_is_due_no_more_and_cannot_be_tried(store: SqlStore) -> None:
    await store.enqueue(NOTICE, at=NOW)
    [row] = await store.due_outbox(now=NOW, limit=1)
    await store.outbox_done(row.id, message_id=31, at=NOW, outcome="sent")
    assert await store.due_outbox(now=NOW + 99, limit=1) == ()
    assert await store.next_outbox_due() is None
    with pytest.raises(Fenced):
        await store.outbox_try(row.id, at=NOW)
    with pytest.raises(Fenced):
        await store.outbox_later(row.id, due_at=NOW)
    with pytest.raises(Fenced):
        await store.outbox_done(row.id, message_id=32, at=NOW, outcome="sent")
    assert await store.enqueue(NOTICE, at=NOW) is False


async def test_a_takedown_of_a_part_goes_through_the_webhook_that_sent_it(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("One.", "Two.")
    await line.keep_intent(kind=OutboundKind.WEBHOOK, webhook_id=77)
    await line.tell(Sent(NOW, 20, "One."))
    await line.tell(SendRefused(NOW, "forbidden", 403, final=True), outbox=(replace(TAKEDOWN, webhook_id=None),))
    [_, row] = await scene.store.due_outbox(now=NOW, limit=9)
    assert row.draft == replace(TAKEDOWN, webhook_id=77)


# ── webhooks ────────────────────────────────────────────────────────────────────────────────────────


async def tried(store: SqlStore, draft: OutboxDraft, *, times: int) -> int:
    """The row of a new delivery that was tried so often."""
    await store.enqueue(draft, at=NOW)
    (row,) = [row for row in await store.due_outbox(now=NOW, limit=99) if row.draft.key == draft.key]
    for _ in range(times):
        await store.outbox_try(row.id, at=NOW)
    return row.id


async def test_a_try_that_did_not_leave_is_given_back_and_the_next_one_is_the_first(store: SqlStore) -> None:
    row_id = await tried(store, NOTICE, times=1)
    await store.outbox_later(row_id, due_at=NOW + 60, was_tried=False)
    [row] = await store.due_outbox(now=NOW + 60, limit=9)
    assert row.attempt == 0
    assert await store.watched_texts(CHANNEL, since=0) == ()
    first = await store.outbox_try(row_id, at=NOW + 60, text="Other words.")
    assert (first.attempt, first.first_try_at, first.draft.text) == (1, NOW + 60, "Other words.")
    again = await store.outbox_try(row_id, at=NOW + 70, text="Never said.")
    assert again == replace(first, attempt=2)


async def test_a_text_is_watched_while_it_is_tried_and_then_if_one_try_did_not_settle_it(store: SqlStore) -> None:
    notice = replace(NOTICE, buttons=(Button("Retry", "retry:a"),))
    row_id = await tried(store, notice, times=0)
    assert await store.watched_texts(CHANNEL, since=0) == ()
    await store.outbox_try(row_id, at=NOW)
    [on_its_way] = await store.watched_texts(CHANNEL, since=NOW + 99)
    assert (on_its_way.message_id, on_its_way.is_final) == (None, False)
    assert (on_its_way.outbound.kind, on_its_way.outbound.text) == (OutboundKind.TEXT, NOTICE.text)
    assert on_its_way.outbound.buttons == notice.buttons
    await store.outbox_try(row_id, at=NOW)
    await store.outbox_done(row_id, message_id=20, at=NOW + 5, outcome="sent")
    assert [(one.message_id, one.is_final) for one in await store.watched_texts(CHANNEL, since=NOW)] == [(20, True)]
    assert await store.watched_texts(CHANNEL, since=NOW + 5) == ()
    assert await store.watched_texts(CHANNEL + 1, since=0) == ()


async def test_no_copy_is_watched_for_of_what_one_try_settled_what_was_dropped_and_what_is_no_message(
    store: SqlStore,
) -> None:
    settled = await tried(store, replace(NOTICE, key="once"), times=1)
    await store.outbox_done(settled, message_id=20, at=NOW + 5, outcome="sent")
    dropped = await tried(store, replace(NOTICE, key="dropped"), times=2)
    await store.outbox_done(dropped, message_id=None, at=NOW + 5, outcome="dropped")
    await tried(store, TAKEDOWN, times=2)
    await tried(store, replace(NOTICE, key="reply", reply=ReplyAddress("secret", NOW + 900)), times=2)
    assert await store.watched_texts(CHANNEL, since=0) == ()
    assert await store.open_sessions(since=0, lookback=1) == ()


async def test_a_channel_is_read_again_from_before_a_text_that_may_turn_up_twice(scene: Scene) -> None:
    store = scene.store
    await scene.hear(10)
    row_id = await tried(store, NOTICE, times=2)
    await scene.hear(30)
    read_again = ToCatchUp(None, CHANNEL, 10, 10)
    assert read_again in await store.open_sessions(since=NOW - 1, lookback=1)
    assert read_again not in await store.open_sessions(since=NOW + 1, lookback=1)  # refused for long, as it seems
    await store.outbox_done(row_id, message_id=20, at=NOW + 5, outcome="sent")
    assert read_again in await store.open_sessions(since=NOW, lookback=1)
    assert read_again not in await store.open_sessions(since=NOW + 5, lookback=1)


async def test_what_a_text_was_found_in_is_no_copy_any_more(store: SqlStore) -> None:
    row_id = await tried(store, NOTICE, times=2)
    await store.outbox_done(row_id, message_id=20, at=NOW, outcome="sent")
    assert await store.enqueue_copy(TAKEDOWN, at=NOW) is False
    assert await store.enqueue_copy(replace(TAKEDOWN, message_id=21), at=NOW) is True


async def test_a_webhook_is_kept_for_a_character_in_a_channel(store: SqlStore) -> None:
    await store.keep_webhook(CHANNEL, "mira", 1, "secret")
    assert await store.webhook(CHANNEL, "mira") == (1, "secret")
    assert await store.webhook(CHANNEL, "tobin") is None
    assert await store.webhook(CHANNEL + 1, "mira") is None
    assert await store.webhook_token(1) == "secret"


async def test_a_forgotten_webhook_stays_known_as_ours(store: SqlStore) -> None:
    await store.keep_webhook(CHANNEL, "mira", 1, "secret")
    await store.forget_webhook(1)
    assert await store.webhook(CHANNEL, "mira") is None
    assert await store.webhook_token(1) is None
    await store.keep_webhook(CHANNEL, "mira", 2, "other")
    assert await store.webhook(CHANNEL, "mira") == (2, "other")
    assert await store.known_webhooks(CHANNEL) == {1, 2}


async def test_a_webhook_may_be_shared_and_kept_again(store: SqlStore) -> None:
    await store.keep_webhook(CHANNEL, "mira", 1, "old")
    await store.keep_webhook(CHANNEL, "mira", 1, "new")
    await store.keep_webhook(CHANNEL, "tobin", 1, "new")
    assert await store.webhook(CHANNEL, "mira") == (1, "new")
    assert await store.webhook(CHANNEL, "tobin") == (1, "new")


async def test_b18_what_a_webhook_shows_is_noted_for_each_character_and_unknown_before(store: SqlStore) -> None:
    await store.keep_webhook(CHANNEL, "mira", 1, "secret")
    await store.keep_webhook(CHANNEL, "tobin", 1, "secret", picture="shared")
    assert await store.webhook_picture(1, "mira") is None
    assert await store.webhook_picture(1, "tobin") == "shared"
    await store.note_picture(1, "mira", "v1:abc")
    assert await store.webhook_picture(1, "mira") == "v1:abc"
    assert await store.webhook_picture(1, "tobin") == "shared"
    assert await store.webhook_picture(2, "mira") is None


# ── the table of deliveries ─────────────────────────────────────────────────────────────────────────


async def test_outcomes_count_tries_on_the_wire_and_tell_of_notices(scene: Scene) -> None:
    await scene.hear(10)
    good = await (await scene.line()).start("One.", "Two.")
    await good.tell(Held(NOW, until=NOW + 1))
    await good.tell(WaitElapsed(NOW + 1))
    await good.tell(SendUnconfirmed(NOW + 2, "timeout"))
    await good.tell(NotInChannel(NOW + 9))
    await good.tell(Cancelled(NOW + 9, "trigger_deleted"))
    good.response.cancel_by = None
    await good.tell(Sent(NOW + 9, 20, "One."))
    await good.tell(Sent(NOW + 9, 21, "Two."))
    await scene.hear(30)
    bad = await (await scene.line()).start("Three.")
    notice = replace(NOTICE, response_id=bad.response.id)
    await bad.tell(SendRefused(NOW, "forbidden", 403, final=True), outbox=(notice,))

    async def outcomes() -> tuple[ResponseOutcome, ...]:
        return await scene.store.session_outcomes(scene.claim.session_id)

    expected = ResponseOutcome(bad.response.id, "Mira", State.FAILED, wire_attempts=1, retries=0, notice="waiting")
    delivered = ResponseOutcome(good.response.id, "Mira", State.DELIVERED, wire_attempts=3, retries=1, notice=None)
    assert set(await outcomes()) == {delivered, expected}
    [_, row] = await scene.store.due_outbox(now=NOW, limit=9)
    await scene.store.outbox_done(row.id, message_id=40, at=NOW, outcome="sent")
    assert set(await outcomes()) == {delivered, replace(expected, notice="sent")}


async def test_a_failure_is_untold_until_its_notice_is_out_and_a_delay_is_none(scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start("Hello.")

    def notice(key: str) -> OutboxDraft:
        return OutboxDraft(key, OutboxKind.NOTICE, CHANNEL, "Well.", response_id=line.response.id)

    await line.tell(Held(NOW + 1, NOW + 60, "discord_down", NOW), outbox=(notice("held"),))
    assert await scene.store.untold_since() is None
    await line.tell(WaitElapsed(NOW + 60))
    await line.tell(SendRefused(NOW + 61, "forbidden", 403, final=True), outbox=(notice("notice"),))
    assert await scene.store.untold_since() == NOW + 61
    for row in await scene.store.due_outbox(now=NOW + 99, limit=9):
        await scene.store.outbox_done(row.id, message_id=None, at=NOW + 99, outcome="sent")
    assert await scene.store.untold_since() is None
