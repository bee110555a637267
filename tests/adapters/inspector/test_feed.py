"""The feed alone: what each viewer is handed, whoever else looks and however slowly."""

from __future__ import annotations

import re

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.adapters.inspector import feed as feed_module
from actors.adapters.inspector.feed import RING_MAX, VIEWER_LAG_MAX, Feed, Viewer
from tests.patience import PATIENCE_S


def tell(feed: Feed, count: int) -> None:
    for _ in range(count):
        feed.tell("move", dict)


def numbers(frames: bytes) -> list[int]:
    return [int(found) for found in re.findall(rb"^id: (\d+)$", frames, re.MULTILINE)]


async def received(feed: Feed, viewer: Viewer) -> list[int]:
    """What is there for it now; nothing is waited for."""
    with anyio.fail_after(PATIENCE_S):
        return numbers(await feed.receive(viewer))


def a_feed() -> Feed:
    return Feed(lambda: 0.0)


async def test_what_was_told_meanwhile_is_handed_over_at_once() -> None:
    feed = a_feed()
    viewer = feed.join(None, pytest.fail)
    tell(feed, 3)
    assert await received(feed, viewer) == [1, 2, 3]


async def test_one_that_waits_is_woken_by_the_next_event() -> None:
    feed, got = a_feed(), list[list[int]]()
    viewers = [feed.join(None, pytest.fail) for _ in range(3)]

    async def wait(viewer: Viewer) -> None:
        for _ in range(2):
            got.append(await received(feed, viewer))

    async with anyio.create_task_group() as group:
        for viewer in viewers:
            group.start_soon(wait, viewer)
        await anyio.wait_all_tasks_blocked()
        tell(feed, 1)
        await anyio.wait_all_tasks_blocked()
        tell(feed, 2)
    assert got == [[1]] * 3 + [[2, 3]] * 3


async def test_a_slow_viewer_is_cut_off_at_its_bound_and_costs_the_others_nothing() -> None:
    feed, cut_off = a_feed(), list[str]()
    slow = feed.join(None, lambda: cut_off.append("slow"))
    fast = feed.join(None, lambda: cut_off.append("fast"))
    tell(feed, VIEWER_LAG_MAX)
    assert await received(feed, fast) == [*range(1, VIEWER_LAG_MAX + 1)]
    assert cut_off == []
    tell(feed, 1)
    assert (cut_off, feed.viewer_count) == (["slow"], 1)
    assert await received(feed, fast) == [VIEWER_LAG_MAX + 1]
    assert slow.seen == 0


async def test_a_viewer_that_was_cut_off_comes_back_without_a_loss() -> None:
    feed = a_feed()
    tell(feed, 1)
    slow = feed.join(None, lambda: None)
    tell(feed, 2)
    last_seen = (await received(feed, slow))[-1]
    tell(feed, VIEWER_LAG_MAX + 1)
    assert feed.viewer_count == 0
    again = feed.join(last_seen, pytest.fail)
    assert again.backlog is not None
    tell(feed, 1)
    told = numbers(again.backlog) + await received(feed, again)
    assert told == [*range(last_seen + 1, feed.seq + 1)]


async def test_the_ring_is_bounded_and_what_it_forgot_is_no_backlog() -> None:
    feed = a_feed()
    feed.join(None, lambda: None)
    tell(feed, RING_MAX + 10)
    assert len(feed._ring) == RING_MAX
    assert feed.join(9, pytest.fail).backlog is None
    known = feed.join(10, pytest.fail).backlog
    assert known is not None
    assert numbers(known) == [*range(11, RING_MAX + 11)]


async def test_the_last_events_are_seen_when_all_streams_end() -> None:
    feed = a_feed()
    viewer = feed.join(None, pytest.fail)
    tell(feed, 2)
    feed.cut_off_all()
    assert await received(feed, viewer) == [1, 2]
    with pytest.raises(anyio.EndOfStream):
        await received(feed, viewer)


async def test_a_stream_ends_rather_than_leave_events_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser keeps the number of what it got last: what lies before it would never be asked for."""
    monkeypatch.setattr(feed_module, "REMEMBERED_S", -1.0)
    feed = a_feed()
    viewer = feed.join(None, pytest.fail)
    tell(feed, 2)
    feed.leave(viewer)
    tell(feed, 1)
    with pytest.raises(anyio.EndOfStream):
        await received(feed, viewer)


Observed = st.integers(1, VIEWER_LAG_MAX + 200)
Acts = st.lists(st.tuples(st.sampled_from(("tell", "read", "reload")), st.integers(0, 2), Observed), max_size=30)


@given(acts=Acts)
async def test_nobody_misses_an_event_or_gets_one_twice(acts: list[tuple[str, int, int]]) -> None:
    """Three viewers that read when they like, are cut off, and come back by the last number that they got."""
    feed = a_feed()
    viewers = [feed.join(None, lambda: None) for _ in range(3)]
    last = [feed.seq] * 3
    for act, who, count in acts:
        if act == "tell":
            tell(feed, count)
            continue
        got: list[int] = []
        if act == "reload" or viewers[who] not in feed._viewers:
            feed.leave(viewers[who])
            viewers[who] = feed.join(last[who], lambda: None)
            got = numbers(viewers[who].backlog or b"")
            is_forgotten = feed.seq - last[who] > RING_MAX
            assert (viewers[who].backlog is None) is is_forgotten
            last[who] = feed.seq if is_forgotten else last[who]
        elif viewers[who].seen < feed.seq:
            got = await received(feed, viewers[who])
        assert got == [*range(last[who] + 1, last[who] + 1 + len(got))]
        last[who] += len(got)
        assert last[who] == feed.seq
