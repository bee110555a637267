"""What a scene remembers of its lore: timers live and die with the line that set them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.adapters.store import SqlStore
from actors.ports import LoreMemory, LoreWrites
from actors.roleplay.lore.model import Timer
from machines.facts import BLOCKED, Generated, GenerationFailed, SendRefused, Sent, WaitElapsed
from machines.response import advance
from tests.contracts.scene import CHANNEL, NOW, Line, Scene, open_scene

LAMP = Timer("card:mira", "0", "f1", sticky=3, cooldown=2)
STORM = Timer("card:mira", "1", "f2")
NEWEST = 2**62


async def generated(line: Line, *timers: Timer, after_id: int, text: str = "Aye.") -> None:
    step = advance(line.response, Generated(NOW + 1, (text,)))
    writes = replace(line.writes(step), lore=LoreWrites(after_id, timers))
    await line.store.record(line.claim, line.response, step, writes)


async def spoken(scene: Scene, heard_id: int, *timers: Timer) -> Line:
    """A line of MIRA's that set these timers, delivered as message `heard_id` + 1."""
    await scene.hear(heard_id)
    line = await (await scene.line()).start()
    await generated(line, *timers, after_id=heard_id)
    await line.keep_intent()
    await line.tell(Sent(NOW + 2, heard_id + 1, "Aye."))
    return line


async def ages(scene: Scene, store: SqlStore, until: int = NEWEST) -> list[int]:
    memory = await store.lore_memory(scene.claim.session_id, until=until)
    return [each.age for each in memory.timers]


async def test_a_timer_counts_the_messages_from_its_line_on(store: SqlStore, scene: Scene) -> None:
    await spoken(scene, 10, LAMP, STORM)
    memory = await store.lore_memory(scene.claim.session_id, until=NEWEST)
    assert set(memory.timers) == {replace(LAMP, age=1), replace(STORM, age=1)}
    await scene.hear(20)
    assert await ages(scene, store) == [1, 2]
    await spoken(scene, 30)
    assert await ages(scene, store) == [1, 4]
    assert await ages(scene, store, until=20) == [1, 2]
    for message_id in range(40, 60):
        await scene.hear(message_id)
    assert await ages(scene, store) == [1, 5]  # further than it lasts it is not counted


async def test_a_timer_holds_only_once_its_line_is_delivered(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start()
    await generated(line, LAMP, after_id=10)
    assert await ages(scene, store) == []
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 2, "forbidden", 403, final=True))
    assert await ages(scene, store) == []


@pytest.mark.parametrize("text", [None, "Another text."])
async def test_a_timer_never_was_if_its_line_is_deleted_or_changed(
    store: SqlStore, scene: Scene, text: str | None
) -> None:
    await spoken(scene, 10, LAMP)
    await spoken(scene, 20, STORM)
    await store.amend(CHANNEL, 11, text=text, at=NOW + 9)
    memory = await store.lore_memory(scene.claim.session_id, until=NEWEST)
    assert memory.timers == (replace(STORM, age=1),)


async def test_a_deleted_message_does_not_age_a_timer(store: SqlStore, scene: Scene) -> None:
    await spoken(scene, 10, LAMP)
    await scene.hear(20)
    await store.amend(CHANNEL, 20, text=None, at=NOW + 9)
    assert await ages(scene, store) == [1]


async def test_the_newest_timer_of_an_entry_counts(store: SqlStore, scene: Scene) -> None:
    await spoken(scene, 10, LAMP)
    await spoken(scene, 20, LAMP)
    assert await ages(scene, store) == [1]


async def test_a_new_text_replaces_the_timers_of_the_blocked_one(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start()
    await generated(line, LAMP, STORM, after_id=10)
    await line.keep_intent()
    await line.tell(SendRefused(NOW + 2, BLOCKED, 400))
    await line.tell(WaitElapsed(NOW + 5))
    await generated(line, STORM, after_id=10, text="Well.")
    await line.keep_intent()
    await line.tell(Sent(NOW + 6, 11, "Well."))
    memory = await store.lore_memory(scene.claim.session_id, until=NEWEST)
    assert memory.timers == (replace(STORM, age=1),)


async def test_a_redelivered_line_has_the_timers_of_the_failed_one(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    failed = await (await scene.line()).start()
    await generated(failed, LAMP, after_id=10)
    await failed.keep_intent()
    await failed.tell(SendRefused(NOW + 2, "forbidden", 403, final=True))
    again = replace(
        failed, record=replace(failed.record, response=type(failed.response)(scene.next_id(), failed.response.limits))
    )
    await again.start("Aye.", replaces=failed.response.id)
    await again.keep_intent()
    await again.tell(Sent(NOW + 5, 12, "Aye."))
    assert await ages(scene, store) == [1]


async def test_slow_keys_are_remembered_once_for_the_scene(store: SqlStore, scene: Scene) -> None:
    await scene.hear(10)
    line = await (await scene.line()).start()
    for fact in (
        GenerationFailed(NOW + 1, "overloaded"),
        WaitElapsed(NOW + 3),
        GenerationFailed(NOW + 4, "overloaded"),
    ):
        step = advance(line.response, fact)
        writes = replace(line.writes(step), lore=LoreWrites(10, None, frozenset({"/(a+)+$/"})))
        await store.record(line.claim, line.response, step, writes)
    memory = await store.lore_memory(scene.claim.session_id, until=NEWEST)
    assert memory == LoreMemory(slow_keys=frozenset({"/(a+)+$/"}))
    other = await open_scene(store, number=200, channel_id=501)
    assert await store.lore_memory(other.claim.session_id, until=NEWEST) == LoreMemory()


async def test_the_lines_of_characters_are_counted_where_they_are_asked_for(store: SqlStore, scene: Scene) -> None:
    await spoken(scene, 10)
    await spoken(scene, 20)
    await store.amend(CHANNEL, 21, text=None, at=NOW + 9)
    await scene.hear(30)
    memory = await store.lore_memory(scene.claim.session_id, until=NEWEST, counts_replies=True)
    assert memory.replies == 1
