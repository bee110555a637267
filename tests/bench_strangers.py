"""What strangers at the inspector cost the players: `python -m tests.bench_strangers`, run by hand.

    this process: the playground's server, the people, a model      ◄── HTTP, gateway ──►
    the second:   the real bot with its inspector, no token set     ◄── strangers ──
    the third:    1,100 connections that send half a head, and pages that ask for the longest list in a loop

By turns the strangers are away and there, in one process of the bot; people write at a steady rate all the while.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp

from actors.playground import PlaygroundServer
from tests.bench_load import Load, instant_model, percentile
from tests.bench_viewers import free_port
from tests.e2e.bot_process import ROOT, environment
from tests.patience import PATIENCE_S

MODULE: Final = ("-m", "tests.bench_strangers")
LIST: Final = "api/responses?limit=500"
FOREIGN: Final = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}
NICE: Final = 19
"""Strangers are elsewhere: here they take what the bot, its people and its model leave of the machine."""

AGAIN_S: Final = 5.0
"""How soon a closed connection is opened again."""

SETTLING_S: Final = 3.0
FILES: Final = "1024"
"""The usual soft limit of a process."""

# ── the strangers ───────────────────────────────────────────────────────────────────────────────────


async def hold(port: int, seen: Counter[str]) -> None:
    """Open a connection, send half a head, and begin again when it is closed."""
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            seen["open"] += 1
            writer.write(b"GET / HT")
            await reader.read()
            writer.close()
            seen["open"] -= 1
        seen["closed"] += 1
        await asyncio.sleep(AGAIN_S)


async def ask(url: str, headers: dict[str, str], seen: Counter[str]) -> None:
    """Ask for the list as often as it is answered."""
    async with aiohttp.ClientSession(headers=headers) as client:
        while True:
            try:
                async with client.get(url) as answer:
                    seen["bytes"] += len(await answer.read())
                    seen[f"answered {answer.status}"] += 1
            except (aiohttp.ClientError, OSError):
                seen["refused"] += 1
                await asyncio.sleep(AGAIN_S)


async def trouble(port: int, connections: int, pages: int) -> None:
    """Do all of it until standard input ends; then print what was seen."""
    os.nice(NICE)
    seen: Counter[str] = Counter()
    url = f"http://127.0.0.1:{port}/{LIST}"
    tasks = [asyncio.create_task(ask(url, headers, seen)) for headers in ({}, FOREIGN) for _ in range(pages)]
    tasks += [asyncio.create_task(hold(port, seen)) for _ in range(connections)]
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    print(json.dumps(seen))


@asynccontextmanager
async def troubled(port: int, options: argparse.Namespace) -> AsyncIterator[Counter[str]]:
    """The strangers' process; what they saw is known at the end."""
    command = (
        *MODULE,
        "--trouble",
        str(port),
        "--connections",
        str(options.connections),
        "--pages",
        str(options.pages),
    )
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdin=pipe, stdout=pipe)
    seen: Counter[str] = Counter()
    yield seen
    output, _ = await process.communicate()
    seen.update(json.loads(output))


# ── the measurement ─────────────────────────────────────────────────────────────────────────────────


@asynccontextmanager
async def bot(env: dict[str, str], log: Path) -> AsyncIterator[int]:
    """The real bot with the usual limit of files, its log in a file; yields its process id."""
    shell = f"ulimit -S -n {FILES}; exec {sys.executable} bot.py run"
    with log.open("wb") as lines:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", shell, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=lines
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while b"Ready: " not in await process.stdout.readline():
                pass
        yield process.pid
        process.terminate()
        await process.wait()


async def phase(load: Load, name: str, pid: int, seconds: float) -> int:
    """Let people talk; return the largest number of files that the bot had open."""
    await asyncio.sleep(SETTLING_S)
    load.phase, files = name, 0
    ends_at = time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        files = max(files, len(await asyncio.to_thread(os.listdir, f"/proc/{pid}/fd")))
        await asyncio.sleep(0.5)
    load.phase = "settling"
    return files


async def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port, log = free_port(), Path(folder, "log")
        async with PlaygroundServer() as server, instant_model(options.model_ms / 1000) as model_url:
            load = Load(server)
            server.discord.subscribe(load.saw)
            settings = {"GROQ_BASE_URL": model_url, "INSPECTOR_ADDRESS": f"127.0.0.1:{port}"}
            async with bot(environment(server, Path(folder), **settings), log) as pid:
                await load.open_scenes(options.channels)
                talking = asyncio.create_task(load.talk(options.rate, float("inf")))
                for number in range(1, options.rounds + 1):
                    await one_round(number, load, pid, port, log, options)
                talking.cancel()
    summary(load)


async def one_round(number: int, load: Load, pid: int, port: int, log: Path, options: argparse.Namespace) -> None:
    quiet = await phase(load, "quiet", pid, options.seconds)
    before = len(await asyncio.to_thread(log.read_bytes))
    async with troubled(port, options) as seen:
        files = await phase(load, "strangers", pid, options.seconds)
        logged = (await asyncio.to_thread(log.read_bytes))[before:]
    inspector = sum(b"inspector" in line.lower() or b"aiohttp" in line for line in logged.splitlines())
    print(f"round {number}: files of the bot {quiet} → {files}, {len(logged):,} bytes of log, ", end="")
    print(f"{inspector} lines about the inspector; the strangers saw {dict(sorted(seen.items()))}", flush=True)


def summary(load: Load) -> None:
    quiet, strangers = load.took_s["quiet"], load.took_s["strangers"]
    for share in (0.5, 0.9, 0.99):
        before, after = percentile(quiet, share), percentile(strangers, share)
        print(f"p{100 * share:.0f} of {len(quiet)} + {len(strangers)} lines: ", end="")
        print(f"{1000 * before:.1f} → {1000 * after:.1f} ms, × {after / before:.2f}")
    print(f"{len(load.asked)} messages still wait")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=1100)
    parser.add_argument("--pages", type=int, default=6, help="loops of each kind of page")
    parser.add_argument("--seconds", type=float, default=12, help="of each phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=12, help="people's messages a second")
    parser.add_argument("--channels", type=int, default=40)
    parser.add_argument("--model-ms", type=float, default=300, help="how long the model takes")
    parser.add_argument("--trouble", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trouble is not None:
        asyncio.run(trouble(options.trouble, options.connections, options.pages))
    else:
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
