"""The stream: a snapshot, then every move once and in order, whatever happens to the viewer."""

from __future__ import annotations

from functools import partial
from typing import Any

import aiohttp
import anyio
import pytest

from actors.adapters.inspector import feed, inspector
from actors.adapters.store import SqlStore
from machines.facts import GenerationFailed, SendUnconfirmed, WaitElapsed
from tests.adapters.inspector.stage import Stage, serving
from tests.contracts.scene import NOW, Scene
from tests.patience import PATIENCE_S


async def until_nobody_looks(stage: Stage) -> None:
    with anyio.fail_after(PATIENCE_S):
        while stage.inspector.viewer_count:  # noqa: ASYNC110 - the end of a connection signals nothing to us
            await anyio.sleep(0.005)


async def test_a_viewer_gets_a_snapshot_and_then_each_move_in_order(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as stream:
        snapshot = await stream.event()
        await line.generate()
        await line.deliver()
        moves = [await stream.event() for _ in range(2)]
    assert snapshot.name == "snapshot"
    assert stream.text.startswith(f"retry: {feed.RETRY_MS}\n")
    assert [(view["id"], view["state"]) for view in snapshot.data["responses"]] == [(line.id, "Generating")]
    assert [(e.name, e.id - snapshot.id, e.data["seq"] - snapshot.id) for e in moves] == [
        ("move", 1, 1),
        ("move", 2, 2),
    ]
    assert moves[1].data["move"] == {
        "seq": 3,
        "fact": "Sent",
        "from": "Sending",
        "to": "Delivered",
        "at": NOW + 2,
        "attempt": 1,
        "part": 1,
        "reason": None,
        "said": None,
    }
    assert [e.data["response"]["state"] for e in moves] == ["Sending", "Delivered"]


async def test_a_viewer_that_comes_back_gets_what_it_missed_and_no_more(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as stream:
        seen = await stream.event()
    await line.generate()
    await line.deliver()
    async with stage.events(last_seen=seen.id) as stream:
        missed = [await stream.event() for _ in range(2)]
    assert [(e.name, e.data["move"]["fact"]) for e in missed] == [("move", "Generated"), ("move", "Sent")]
    async with stage.events(last_seen=missed[0].id) as stream:
        assert (await stream.event()).id == missed[1].id


@pytest.mark.parametrize("last_seen", [1, 10**18, -5])
async def test_a_number_that_the_ring_does_not_hold_gets_a_snapshot(stage: Stage, last_seen: int) -> None:
    await stage.line()
    async with stage.events(last_seen=last_seen) as stream:
        assert (await stream.event()).name == "snapshot"


async def test_what_the_ring_forgot_is_told_by_a_snapshot(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage.events() as stream:
        seen = await stream.event()
    for number in range(feed.RING_MAX + 1):
        stage.inspector._feed.tell("move", partial(dict, number=number))
    async with stage.events(last_seen=seen.id) as stream:
        assert (await stream.event()).name == "snapshot"
    async with stage.events(last_seen=seen.id + 1) as stream:
        assert (await stream.event()).data["number"] == 1


async def test_viewers_that_come_at_once_share_a_snapshot_and_get_what_came_since(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as first, stage.events() as second:
        assert (await first.event()).data == (snapshot := await second.event()).data
        await line.generate()
        async with stage.events() as third:
            assert (await third.event()).data == snapshot.data
            assert (await third.event()).data["move"]["fact"] == "Generated"
            await line.deliver()
            assert (await third.event()).data["move"]["fact"] == "Sent"


async def test_a_snapshot_that_many_events_came_after_is_taken_again(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as stream:
        old = await stream.event()
        await line.generate()
        for number in range(inspector.SHARED_MAX):
            stage.inspector._feed.tell("move", partial(dict, number=number))
        async with stage.events() as later:
            new = await later.event()
    assert (new.name, new.id - old.id) == ("snapshot", inspector.SHARED_MAX + 1)
    assert [view["state"] for view in new.data["responses"]] == ["Sending"]


async def test_numbers_of_a_later_process_are_higher(store: SqlStore, scene: Scene) -> None:
    numbers = []
    for now in (NOW, NOW + 1):
        async with serving(store, scene, now=lambda now=now: now) as stage, stage.events() as stream:
            numbers.append((await stream.event()).id)
    assert numbers[0] < numbers[1]


async def test_a_viewer_that_does_not_keep_up_is_cut_off_and_can_resume(stage: Stage) -> None:
    count = feed.VIEWER_LAG_MAX + 1
    async with stage.events() as stream:
        seen = await stream.event()
        for number in range(count):
            stage.inspector._feed.tell("move", partial(dict, number=number))
        assert stage.inspector.viewer_count == 0
        with pytest.raises(aiohttp.ClientError):
            await stream.to_its_end()
    async with stage.events(last_seen=seen.id) as stream:
        assert [(await stream.event()).data["number"] for _ in range(count)] == list(range(count))


async def test_a_quiet_stream_is_kept_open_by_pings(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, ping_s=0.01) as stage, stage.events() as stream:
        await stream.event()
        lines = {await stream.line() for _ in range(8)}
    assert lines == {": ping", ""}


async def test_a_viewer_that_left_is_forgotten(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene, ping_s=0.01) as stage:
        async with stage.events() as stream:
            await stream.event()
            assert stage.inspector.viewer_count == 1
        await until_nobody_looks(stage)


async def test_the_streams_end_with_the_inspector(store: SqlStore, scene: Scene) -> None:
    async with serving(store, scene) as stage:
        context = stage.events()
        stream = await context.__aenter__()
        await stream.event()
        stage.inspector._feed.cut_off_all()
        with pytest.raises(EOFError):
            await stream.line()
        await context.__aexit__(None, None, None)


async def test_a_response_that_began_before_this_process_is_read_from_the_journal(stage: Stage) -> None:
    line = await stage.line()
    await line.tell(GenerationFailed(NOW + 1, "overloaded"), published=False)
    async with serving(line.line.store, stage.scene) as later:
        later.inspector._views._views.clear()  # as if it had been put away
        line.inspector = later.inspector
        async with later.events() as stream:
            await stream.event()
            await line.tell(WaitElapsed(NOW + 3))
            told = await stream.event()
    assert [step["fact"] for step in told.data["response"]["path"]] == ["Started", "GenerationFailed", "WaitElapsed"]
    assert told.data["move"]["seq"] == 3


async def test_a_gap_in_the_moves_is_filled_from_the_journal(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as stream:
        await stream.event()
        await line.tell(GenerationFailed(NOW + 1, "overloaded"), published=False)
        await line.tell(WaitElapsed(NOW + 3))
        told: list[dict[str, Any]] = [(await stream.event()).data["move"] for _ in range(2)]
    assert [(move["seq"], move["fact"]) for move in told] == [(2, "GenerationFailed"), (3, "WaitElapsed")]


async def test_a_move_that_is_told_twice_is_shown_once(stage: Stage) -> None:
    line = await stage.line()
    async with stage.events() as stream:
        await stream.event()
        await line.generate()
        first = await stream.event()
        await line.tell(SendUnconfirmed(NOW + 2, "outage", 500), published=False)
        stage.inspector._views._catch_up(await recorded(stage, line.id))
        stage.inspector._views._catch_up(await recorded(stage, line.id))
        await line.tell(*[], published=True)
        second = await stream.event()
    assert (second.id, second.data["move"]["fact"]) == (first.id + 1, "SendUnconfirmed")
    assert stage.inspector._feed.seq == second.id


async def recorded(stage: Stage, response_id: str) -> Any:  # noqa: ANN401 - the journal's record
    return await stage.inspector._journal.recorded(response_id)


async def test_nothing_is_written_down_while_nobody_looks(store: SqlStore, scene: Scene) -> None:
    at = [NOW]
    async with serving(store, scene, now=lambda: at[0], ping_s=0.01) as stage:
        line = await stage.line()
        assert len(stage.inspector._feed._ring) == 0
        async with stage.events() as stream:
            seen = await stream.event()
            assert [view["id"] for view in seen.data["responses"]] == [line.id]
        await until_nobody_looks(stage)
        await line.generate()
        assert len(stage.inspector._feed._ring) == 1
        at[0] += feed.REMEMBERED_S + 1
        await line.deliver()
        assert len(stage.inspector._feed._ring) == 0
        async with stage.events(last_seen=seen.id) as stream:
            later = await stream.event()
    assert (later.name, later.id, later.data["responses"][0]["state"]) == ("snapshot", seen.id + 2, "Delivered")
