"""How many moves a second become durable: `python -m tests.bench_store [FOLDER]`, run by hand.

A move is a `record`: the journal's row and the response after it, on the disk when it returns
(`synchronous=FULL`). The bar for 50 actors at once is in the design: 7,000 a second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from copy import copy
from pathlib import Path
from typing import Final

import anyio

from actors.adapters.store import SqlStore, open_store
from machines.facts import SendRefused, WaitElapsed
from machines.response import Limits, Move, Response, advance
from tests.contracts.scene import NOW, Line, open_scene

MOVES: Final = 20_000
ENDLESS: Final = Limits(send_attempts=10**9, deadline_s=1e12, backoff_base_s=1e-300)


async def a_line(store: SqlStore, number: int) -> Line:
    scene = await open_scene(store, number=number, channel_id=number)
    await scene.hear(number * 1000)
    line = await scene.line(limits=ENDLESS)
    await line.start("A line that is refused for ever.")
    return line


def moves_of(line: Line, count: int) -> list[tuple[Response, Move]]:
    """What the machine says, made beforehand: only the store is measured."""
    moves: list[tuple[Response, Move]] = []
    for _ in range(count // 2):
        line.response.attempt = 1  # the wait doubles with each attempt, and floats end
        for fact in (SendRefused(NOW, "outage", 503), WaitElapsed(NOW)):
            step = advance(line.response, fact)
            moves.append((copy(line.response), step))
    return moves


async def record_all(line: Line, moves: list[tuple[Response, Move]]) -> None:
    for response, step in moves:
        await line.store.record(line.claim, response, step)


async def measure(folder: Path, actors: int) -> tuple[float, float]:
    """Moves per second, and seconds of CPU per move, with `actors` at once, on a database of their own."""
    async with open_store(f"sqlite:///{folder}/bench-{actors}.db") as store:
        lines = [await a_line(store, number) for number in range(100, 100 + actors)]
        count = MOVES if actors > 1 else MOVES // 10
        moves = [moves_of(line, count // actors) for line in lines]
        began, began_cpu = time.perf_counter(), time.process_time()
        async with anyio.create_task_group() as group:
            for line, its_moves in zip(lines, moves, strict=True):
                group.start_soon(record_all, line, its_moves)
        return count / (time.perf_counter() - began), (time.process_time() - began_cpu) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="whose disk is measured (otherwise that of temporary files)")
    with tempfile.TemporaryDirectory(dir=parser.parse_args().folder) as folder:
        for backend in ("asyncio", "trio"):
            for actors in (1, 50):
                rate, cpu_s = anyio.run(measure, Path(folder) / backend, actors, backend=backend)
                figures = f"{rate:8,.0f} moves/s, {1e6 / rate:6,.0f} µs each, {1e6 * cpu_s:4,.0f} µs of CPU"
                print(f"{backend}, {actors:2} at once: {figures}")


if __name__ == "__main__":
    main()
