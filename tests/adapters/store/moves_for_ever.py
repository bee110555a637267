"""Run by `test_kill.py` in a process of its own: records moves until it is killed, and says which are durable."""

from __future__ import annotations

import sys
from contextlib import suppress

import anyio

from actors.adapters.store import open_store
from actors.ports import Fenced
from machines.facts import Cancelled, SendRefused, WaitElapsed
from machines.response import Limits
from tests.contracts.scene import NOW, Line, open_scene

ACTORS = 8
ENDLESS = Limits(send_attempts=10**9, deadline_s=1e12, backoff_base_s=1e-300)


async def move_on(line: Line) -> None:
    while True:
        line.response.attempt = 1
        await line.tell(SendRefused(NOW, "outage", 503))
        print(line.response.id, line.response.version, flush=True)
        await line.tell(WaitElapsed(NOW))
        print(line.response.id, line.response.version, flush=True)
        twin = line.twin()
        twin.response.version -= 1  # a neighbour in the batch that is always undone
        with suppress(Fenced):
            await twin.tell(Cancelled(NOW, "end"))


async def main(url: str) -> None:
    async with open_store(url) as store, anyio.create_task_group() as group:
        for number in range(100, 100 + ACTORS):
            scene = await open_scene(store, number=number, channel_id=number)
            await scene.hear(number * 1000)
            group.start_soon(move_on, await (await scene.line(limits=ENDLESS)).start("For ever."))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], backend=sys.argv[2])
