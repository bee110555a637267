"""What every store promises about notices that a line comes late (M8): they go with the line, in its transaction."""

from __future__ import annotations

import pytest

from actors.adapters.store import SqlStore
from actors.ports.store import Fenced
from actors.ports.work import SessionMove
from actors.roleplay import notices
from actors.roleplay.model import OutboxDraft, OutboxKind
from machines.facts import Cancelled, Held, SendRefused, Sent, WaitElapsed
from machines.response import State
from tests.contracts.scene import CHANNEL, NOW, Line, Scene, open_scene


def late(line: Line, since: float = NOW) -> OutboxDraft:
    key = f"{notices.LATE}{CHANNEL}:discord_down:{since:.0f}"
    return OutboxDraft(key, OutboxKind.NOTICE, CHANNEL, "It comes late.", response_id=line.response.id)


async def announced(scene: Scene, message_id: int = 10) -> tuple[Line, int]:
    """A line that waits, and the row of its notice."""
    await scene.hear(message_id)
    line = await (await scene.line()).start("One.")
    await line.tell(Held(NOW, NOW + 60, "discord_down", NOW), outbox=(late(line),))
    [row_id] = [row.id for row in await scene.store.due_outbox(now=NOW, limit=99) if row.draft == late(line)]
    return line, row_id


async def deliver(line: Line, message_id: int = 50) -> None:
    await line.tell(WaitElapsed(NOW + 60))
    await line.tell(Sent(NOW + 61, message_id, "One."))


async def open_keys(store: SqlStore) -> list[str]:
    due = await store.due_outbox(now=NOW + 999, limit=99)
    return [row.draft.key for row in due if row.draft.kind is not OutboxKind.ANSWER]


async def test_m8_a_late_notice_that_was_not_tried_is_closed_with_its_line(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await deliver(line)
    assert await open_keys(scene.store) == []
    with pytest.raises(Fenced):
        await scene.store.outbox_try(row_id, at=NOW + 61)
    assert await scene.store.watched_texts(CHANNEL, since=0) == ()


async def test_m8_a_late_notice_that_stands_is_taken_down_with_its_line_once(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await scene.store.outbox_try(row_id, at=NOW)
    await scene.store.outbox_done(row_id, message_id=40, at=NOW, outcome="sent")
    assert await open_keys(scene.store) == []
    await deliver(line)
    [row] = [r for r in await scene.store.due_outbox(now=NOW + 61, limit=9) if r.draft.kind is OutboxKind.TAKEDOWN]
    assert (row.draft.message_id, row.draft.response_id, row.withdrawn_at) == (40, line.response.id, None)
    await scene.store.outbox_done(row.id, message_id=None, at=NOW + 62, outcome="deleted")
    other, _ = await announced(scene, 60)
    await deliver(other, 70)
    assert await open_keys(scene.store) == []


async def test_m8_a_late_notice_in_doubt_is_marked_and_found_and_then_taken_down(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await scene.store.outbox_try(row_id, at=NOW)
    await deliver(line)
    [row] = [r for r in await scene.store.due_outbox(now=NOW + 61, limit=9) if r.id == row_id]
    assert (row.withdrawn_at, row.attempt) == (NOW + 61, 1)
    await scene.store.outbox_try(row_id, at=NOW + 61)
    await scene.store.outbox_done(row_id, message_id=40, at=NOW + 61, outcome="sent")
    assert await open_keys(scene.store) == ["takedown:40"]


async def test_m8_a_late_notice_that_was_not_found_is_a_copy_should_it_land_after_all(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await scene.store.outbox_try(row_id, at=NOW)
    await deliver(line)
    await scene.store.outbox_try(row_id, at=NOW + 66)
    await scene.store.outbox_done(row_id, message_id=None, at=NOW + 66, outcome="deleted")
    [watched] = await scene.store.watched_texts(CHANNEL, since=NOW)
    assert (watched.outbound.text, watched.message_id, watched.is_final) == ("It comes late.", None, True)


async def test_m8_one_notice_for_two_lines_of_a_channel_goes_with_the_last_of_them(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await scene.store.outbox_try(row_id, at=NOW)
    await scene.store.outbox_done(row_id, message_id=40, at=NOW, outcome="sent")
    await scene.store.move_session(scene.claim.session_id, SessionMove("Ended", 2, NOW + 1, "end"))
    second = await open_scene(scene.store, number=200)  # while the first one's line is still on its way
    await second.hear(30)
    other = await (await second.line()).start("Two.")
    await other.tell(Held(NOW, NOW + 60, "discord_down", NOW), outbox=(late(other),))  # it says nothing new
    await line.tell(Cancelled(NOW + 2, "end"))
    assert await open_keys(scene.store) == []
    await deliver(other)
    assert await open_keys(scene.store) == ["takedown:40"]


async def test_m8_the_key_of_a_withdrawn_notice_is_free_for_the_next_line_that_waits(scene: Scene) -> None:
    line, _ = await announced(scene)
    await deliver(line)
    other, row_id = await announced(scene, 60)
    assert [row.id for row in await scene.store.due_outbox(now=NOW, limit=9) if row.draft == late(other)] == [row_id]


async def test_m8_a_line_withdraws_nothing_in_another_channel(scene: Scene) -> None:
    line, row_id = await announced(scene)
    elsewhere = await open_scene(scene.store, number=200, channel_id=CHANNEL + 1)
    await elsewhere.hear(30)
    await (await (await elsewhere.line()).start("Two.")).tell(Sent(NOW + 9, 50, "Two."))
    assert row_id in [row.id for row in await scene.store.due_outbox(now=NOW + 99, limit=9)]
    assert line.response.state == State.RETRYING


async def test_m8_a_failure_is_reported_by_its_own_notice_and_not_by_that_of_the_delay(scene: Scene) -> None:
    line, row_id = await announced(scene)
    await scene.store.outbox_try(row_id, at=NOW)
    await scene.store.outbox_done(row_id, message_id=40, at=NOW, outcome="sent")
    await line.tell(WaitElapsed(NOW + 60))
    failure = OutboxDraft(f"notice:{line.response.id}", OutboxKind.NOTICE, CHANNEL, "No.", response_id=line.response.id)
    await line.tell(SendRefused(NOW + 61, "forbidden", 403, final=True), outbox=(failure,))
    [outcome] = await scene.store.session_outcomes(scene.claim.session_id)
    assert outcome.notice == "waiting"
    assert await scene.store.untold_since() == NOW + 61
