"""The connections' machines at work: what the gateway tells, what is read again, and what is told."""

from __future__ import annotations

import pytest

from actors.ports import (
    ConnectionMoved,
    Noted,
    ShardConnecting,
    ShardDown,
    ShardEnded,
    ShardEvent,
    ShardReady,
    ShardResumed,
)
from actors.shards import Shards
from tests.fakes.play import Recorder, playing

READY = ShardReady(0, "Ensemble", 1)


def states(trace: Recorder, shard_id: int = 0) -> list[str]:
    return [e.dest for e in trace.events if isinstance(e, ConnectionMoved) and e.shard_id == shard_id]


@pytest.mark.parametrize(
    ("events", "path"),
    [
        ((ShardConnecting(0), READY), ["Connecting", "Ready"]),
        ((READY,), ["Connecting", "Ready"]),
        ((READY, ShardDown(0), ShardResumed(0)), ["Connecting", "Ready", "Resuming", "Ready"]),
        ((READY, ShardDown(0), READY), ["Connecting", "Ready", "Resuming", "Ready"]),
        ((ShardConnecting(0), ShardEnded(0), ShardConnecting(0)), ["Connecting", "Down", "Connecting"]),
        ((READY, ShardDown(0), ShardEnded(0), ShardConnecting(0), READY),
         ["Connecting", "Ready", "Resuming", "Down", "Connecting", "Ready"]),
    ],
)  # fmt: skip
async def test_a_shard_goes_the_way_of_its_events(events: tuple[ShardEvent, ...], path: list[str]) -> None:
    async with playing(wait_ready=False) as play:
        play.trace.events.clear()
        shards = Shards(play.services)
        for event in events:
            shards.heard(event)
        assert states(play.trace) == path


async def test_channels_are_read_again_after_a_ready_and_not_after_a_resume() -> None:
    async with playing(wait_ready=False) as play:
        shards = Shards(play.services)
        asked = [shards.heard(event) for event in (ShardConnecting(0), READY, ShardDown(0), ShardResumed(0), READY)]
        assert asked == [False, True, False, False, True]


async def test_each_shard_has_a_machine_of_its_own_and_losses_are_told() -> None:
    async with playing(wait_ready=False) as play:
        play.trace.events.clear()
        shards = Shards(play.services)
        for event in (READY, ShardReady(1, "Ensemble", 1), ShardDown(1)):
            shards.heard(event)
        assert states(play.trace, 0) == ["Connecting", "Ready"]
        assert states(play.trace, 1) == ["Connecting", "Ready", "Resuming"]
        words = [event.words for event in play.trace.events if isinstance(event, Noted)]
        assert words == ["The connection to Discord is down."]
