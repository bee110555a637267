"""The real bot on a server that speaks Discord's protocol in a dialect of its own: over real sockets."""

from __future__ import annotations

import anyio

from actors.playground import READS, Dialect
from tests.reliability.stage import Stage, alive, setting

MEANWHILE = 125


def reads(stage: Stage) -> int:
    return len(
        [
            entry
            for entry in stage.server.ledger
            if f"{entry.method} {entry.path}".endswith("/messages") and entry.method == "GET"
        ]
    )


def test_figure() -> None:
    async def main(order: str) -> None:
        async with setting() as stage:
            stage.server.dialect = Dialect(order=order)
            async with alive(stage.server, stage.store, stage.trace, "webhook"):
                await stage.open_scene()
                stage.begin()
                stage.server.next_lines("drop_after", "drop_after")
                stage.server.next_requests(READS, *["http_503"] * 2)
                stage.say("What now?")
                from machines.facts import SendUnconfirmed

                await stage.until_fact(SendUnconfirmed)
            print("killed", stage.path)
            for n in range(MEANWHILE):
                stage.say(f"((aside {n}))")
            before = reads(stage)
            import time

            t = time.monotonic()
            async with alive(stage.server, stage.store, stage.trace, "webhook"):
                await anyio.sleep(3)
                print(order, "GETs", reads(stage) - before, time.monotonic() - t)
            print(stage.path, len(stage.lines), stage.notices)
            print([e.words for e in stage.trace.errors])

    for order in ("newest_first", "oldest_first"):
        anyio.run(main, order)
