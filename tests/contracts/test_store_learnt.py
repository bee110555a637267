"""What every store promises the Discord adapter: what it has learnt, and through which webhook a text went."""

from __future__ import annotations

from dataclasses import replace

from actors.adapters.store import SqlStore
from actors.ports import RefusedName
from actors.roleplay.model import OutboxDraft, OutboxKind
from tests.contracts.scene import CHANNEL, NOW

NOTICE = OutboxDraft(key="n", kind=OutboxKind.NOTICE, channel_id=CHANNEL, text="It failed.")
TAKEDOWN = OutboxDraft(key="t", kind=OutboxKind.TAKEDOWN, channel_id=CHANNEL, message_id=20, webhook_id=4)


async def test_b25_a_place_is_kept_with_its_parent_and_its_server(store: SqlStore) -> None:
    assert await store.place(1) is None
    await store.keep_place(1, 2, 3)
    await store.keep_place(7, None, None)
    await store.keep_place(1, 4, 3)
    assert (await store.place(1), await store.place(7)) == ((4, 3), (None, None))


async def test_b14_a_refused_name_is_kept_once_for_each_use_with_its_newest_refusal(store: SqlStore) -> None:
    old = RefusedName("Heretic", is_of_webhook=True, word=None, at=NOW)
    new = replace(old, word="here", at=NOW + 5)
    other = replace(old, is_of_webhook=False)
    for refused in (old, other, new):
        await store.keep_refused_name(refused)
    assert set(await store.refused_names(since=NOW)) == {new, other}
    assert await store.refused_names(since=NOW + 1) == (new,)


async def test_b26_any_webhook_is_the_preferred_one_if_that_is_kept_and_none_that_is_forgotten(store: SqlStore) -> None:
    assert await store.any_webhook(CHANNEL, "") is None
    await store.keep_webhook(CHANNEL, "mira", 1, "a")
    await store.keep_webhook(CHANNEL + 1, "", 5, "b")
    assert await store.any_webhook(CHANNEL, "") == 1
    await store.keep_webhook(CHANNEL, "", 2, "c")
    assert await store.any_webhook(CHANNEL, "") == 2
    await store.forget_webhook(2)
    assert await store.any_webhook(CHANNEL, "") == 1


async def test_b26_a_try_says_through_which_webhook_a_text_goes_and_a_takedown_keeps_its_own(store: SqlStore) -> None:
    for draft in (NOTICE, TAKEDOWN):
        await store.enqueue(draft, at=NOW)
    notice, takedown = await store.due_outbox(now=NOW, limit=2)
    tried = [await store.outbox_try(notice.id, at=NOW, webhook_id=webhook_id) for webhook_id in (None, 9)]
    assert [row.outbound.webhook_id for row in tried] == [None, 9]
    assert (await store.due_outbox(now=NOW, limit=1))[0].draft.webhook_id == 9
    assert (await store.outbox_try(takedown.id, at=NOW)).draft.webhook_id == 4
    assert (await store.outbox_try(notice.id, at=NOW)).draft.webhook_id is None


async def test_b26_the_takedown_of_a_notice_goes_through_the_webhook_that_said_it(store: SqlStore) -> None:
    await store.enqueue(NOTICE, at=NOW)
    [row] = await store.due_outbox(now=NOW, limit=1)
    await store.outbox_try(row.id, at=NOW, webhook_id=9)
    await store.outbox_done(row.id, message_id=50, at=NOW, outcome="sent")
    await store.enqueue(replace(TAKEDOWN, message_id=50, webhook_id=None), at=NOW)
    [takedown] = await store.due_outbox(now=NOW, limit=1)
    assert takedown.draft.webhook_id == 9


async def test_b16_what_was_put_off_is_due_at_once_when_its_channel_is_hurried(store: SqlStore) -> None:
    for channel_id, due_at in ((1, NOW + 30), (1, NOW + 300), (2, NOW + 300)):
        await store.enqueue(replace(NOTICE, key=f"{channel_id}/{due_at}", channel_id=channel_id), at=due_at)
    await store.outbox_hurry(1, at=NOW)
    assert [row.draft.channel_id for row in await store.due_outbox(now=NOW, limit=9)] == [1, 1]
    await store.outbox_hurry(None, at=NOW, put_off_s=60.0)
    assert [row.draft.channel_id for row in await store.due_outbox(now=NOW, limit=9)] == [1, 1, 2]


async def test_b16_what_waits_a_moment_is_not_hurried_with_everything(store: SqlStore) -> None:
    await store.enqueue(NOTICE, at=NOW + 30)
    await store.outbox_hurry(None, at=NOW, put_off_s=60.0)
    assert await store.due_outbox(now=NOW, limit=9) == ()
