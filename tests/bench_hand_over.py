"""How long nobody listens when one process takes over from another: seen from outside, in the database's inbox.

Somebody talks in three scenes, a message every 10 ms (40 where lines take long), from the moment in which the new
process asks until it is ready. The longest time in which no message enters the inbox is the gap, plus up to that.

Run by hand: python -m tests.bench_hand_over
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.to_thread

from actors.app.settings import WITHOUT_LIMITS
from actors.playground import FaultPlan, PlaygroundServer, Voice
from tests.app.processes import BOT, environment

SLOW_S = 3.0
EVERY_S = 0.01
EVERY_SLOW_S = 0.04  # so that what waits for an answer fits into a scene
CHANNELS = ("tavern", "station", "library")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=6, metavar="N", help="hand-overs with quick, and with slow lines")
    runs: int = parser.parse_args().runs
    for slow_s in (0.0, SLOW_S):
        measured = [anyio.run(run, slow_s) for _ in range(runs)]
        gaps = sorted(gap_ms for gap_ms, _ in measured)
        print(f"with lines on the wire that take {slow_s:.0f} s:" if slow_s else "with quick lines:")
        print(f"  nobody wrote the inbox for {gaps[0]:.0f} / {gaps[runs // 2]:.0f} / {gaps[-1]:.0f} ms", end="")
        print(f" (min / median / max of {runs})")
        print(f"  messages said in it, all heard and answered: {[said for _, said in measured]}")


async def run(slow_s: float) -> tuple[float, int]:
    """One hand-over: the gap in milliseconds, and how many messages were said in it. Raises where one was lost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with PlaygroundServer() as server:
            with started(server, folder, "old") as old:
                await until(lambda: "Ready: " in output(folder, "old"))
                for channel in CHANNELS:
                    server.say(channel, "Robin", "!start Maren")
                await until(lambda: all(any(m.voice is Voice.BOT for m in server.messages(c)) for c in CHANNELS))
                return await hand_over(server, folder, old, slow_s=slow_s)


async def hand_over(
    server: PlaygroundServer, folder: Path, old: subprocess.Popen[bytes], *, slow_s: float
) -> tuple[float, int]:
    said: list[float] = []
    seen: list[float] = []
    is_over = anyio.Event()
    with started(server, folder, "new", "--take-over"):
        await until(lambda: "is asked to hand over" in output(folder, "new"))
        server.faults = FaultPlan((("slow", 1.0),), slow_s=slow_s) if slow_s else FaultPlan()
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.to_thread.run_sync, watch, folder, seen, is_over.is_set)
            while "Ready: " not in output(folder, "new"):
                if old.poll() is not None:
                    server.faults = FaultPlan()
                server.say(CHANNELS[len(said) % len(CHANNELS)], "Robin", f"Message {len(said)}.")
                said.append(time.monotonic())
                await anyio.sleep(EVERY_SLOW_S if slow_s else EVERY_S)
            await until(lambda: read(folder, "SELECT count(*) FROM inbox") == len(said))
            is_over.set()
        assert old.wait(10) == 0
        begin, end = max(pairwise(seen), key=lambda pair: pair[1] - pair[0])
        await until(lambda: read(folder, "SELECT count(*) FROM inbox WHERE turn_id IS NULL") == 0)
        await until(lambda: read(folder, "SELECT count(*) FROM response WHERE state <> 'Delivered'") == 0)
    return (end - begin) * 1000, sum(begin < at < end for at in said)


def watch(folder: Path, seen: list[float], is_over: Callable[[], bool]) -> None:
    """Note when the inbox grows."""
    count = 0
    with closing(sqlite3.connect(f"file:{folder / 'ensemble.db'}?mode=ro", uri=True)) as database:
        while not is_over():
            (now,) = database.execute("SELECT count(*) FROM inbox").fetchone()
            if now > count:
                count = now
                seen.append(time.monotonic())
            time.sleep(0.001)


def read(folder: Path, query: str) -> int:
    with closing(sqlite3.connect(f"file:{folder / 'ensemble.db'}?mode=ro", uri=True)) as database:
        return int(database.execute(query).fetchone()[0])


@contextmanager
def started(server: PlaygroundServer, folder: Path, name: str, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = {
        **WITHOUT_LIMITS,
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "DATA_DIR": str(folder),
        "INSPECTOR_ADDRESS": "",
        "BREAKER_FAILURES": "0",
        "GATHER_S": "0",
    }
    command = [sys.executable, str(BOT), "run", *options]
    with (folder / name).open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment(**settings), stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def output(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8")


async def until(holds: Callable[[], object]) -> None:
    with anyio.fail_after(120):
        while not holds():  # noqa: ASYNC110 - processes signal nothing
            await anyio.sleep(0.005)


if __name__ == "__main__":
    main()
