"""What it costs that many look: `python -m tests.bench_viewers`, run by hand.

    this process: the playground's server, the people, a model      ◄── HTTP, gateway ──►
    the second:   the real bot with its inspector, and a feeder of moves        ── /events ─►
    the third:    the viewers, who count what they get

By turns nobody looks and all do, and people write at a steady rate all the while.
The feeder's moves take the way of all moves, through log, metrics and inspector; they are in no journal.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from actors.adapters import log
from actors.adapters.clock import SystemClock
from actors.adapters.inspector import feed as inspector_feed
from actors.adapters.store import open_store
from actors.app.characters import add_shipped
from actors.app.commands.run import ending, say_ready
from actors.app.composition import Endpoint, compose, open_model, urls_of
from actors.app.console import read_settings
from actors.playground import PlaygroundServer
from actors.ports import Context, Moved, Trace
from machines.facts import Fact, Generated, SendRefused, Sent, Started, WaitElapsed
from machines.response import Limits, Response, advance
from tests.bench_load import Load, Usage, instant_model, percentile, until
from tests.e2e.bot_process import ROOT, Bot, environment, running

MODULE: Final = ("-m", "tests.bench_viewers")
SETTLING_S: Final = 3.0
CATCHING_UP_S: Final = 10.0
NICE: Final = 19
"""Viewers are elsewhere: here they are to take only what the bot, its people and its model leave of the machine."""

TICK_S: Final = 0.001
FED_AT_ONCE: Final = 50
AT_ONCE_MAX: Final = 20
"""Moves that are published in one turn of the loop, however long it was held up."""

SEQ: Final = re.compile(rb"(?:retry: \d+\n)?id: (\d+)\nevent: (\w+)")

# ── the bot, with a feeder ──────────────────────────────────────────────────────────────────────────


async def run_bot(moves_a_second: int) -> None:
    """`bot.py run`, and moves that nobody made. A phase in which nobody looks pays nothing for the one before."""
    pytest.MonkeyPatch().setattr(inspector_feed, "REMEMBERED_S", 0.0)
    settings = read_settings()
    assert settings.discord_token is not None
    log.set_up(level=settings.log_level, json_lines=False, secrets=settings.secrets)
    endpoint = Endpoint(settings.discord_token.get_secret_value(), urls_of(settings))
    with ending() as asked_to_end:
        async with open_store(settings.database_url, folder=settings.data_dir) as store, open_model(settings) as model:
            await add_shipped(store, SystemClock())
            bot = compose(settings, endpoint, store, model, trace=log.LogTrace())
            feeder = asyncio.create_task(feed(bot.services.trace, moves_a_second))
            await bot.run(on_ready=say_ready, until=asked_to_end)
            feeder.cancel()


async def feed(trace: Trace, moves_a_second: int) -> None:
    """Publish each move when it is due."""
    lives = [moves() for _ in range(FED_AT_ONCE)]
    due = (next(life) for life in itertools.cycle(lives))
    last = time.perf_counter()
    while True:
        await asyncio.sleep(TICK_S)
        count = min(int((time.perf_counter() - last) * moves_a_second), AT_ONCE_MAX)
        for moved in itertools.islice(due, count):
            trace.publish(moved)
        # What is overdue after a stall is left out: real moves come one by one.
        last = max(last + count / moves_a_second, time.perf_counter() - AT_ONCE_MAX / moves_a_second)


def moves() -> Iterator[Moved]:
    """Response after response, each of two parts of which the second is refused once."""
    clock = SystemClock()
    while True:
        context = Context(clock.new_id(), clock.new_id(), "Maren", Limits())
        response = Response(context.response_id, context.limits)
        for fact in facts(clock.now()):
            yield Moved(context, advance(response, fact), "")


def facts(at: float) -> tuple[Fact, ...]:
    return (
        Started(at),
        Generated(at + 1, ("one", "two")),
        Sent(at + 2, 1, "one"),
        SendRefused(at + 3, "rate_limit", 429),
        WaitElapsed(at + 5),
        Sent(at + 6, 2, "two"),
    )


# ── the viewers ─────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Viewer:
    """One open page. `lost` are numbers that never came, `again` those that came twice or too late."""

    first: int = 0
    last: int = 0
    events: int = 0
    lost: int = 0
    again: int = 0
    resumed: int = 0
    snapshots: int = 0
    rest: bytes = field(default=b"", repr=False)

    def take(self, chunk: bytes) -> None:
        """Count the whole frames of what came."""
        *frames, self.rest = (self.rest + chunk).split(b"\n\n")
        for frame in frames:
            found = SEQ.match(frame)
            if found:
                self._count(int(found[1]), is_snapshot=found[2] == b"snapshot")

    def _count(self, seq: int, *, is_snapshot: bool) -> None:
        if is_snapshot:
            self.snapshots += 1
            self.lost += seq - self.last if self.last else 0
            self.first, self.last = self.first or seq, seq
            return
        self.events += 1
        self.lost += max(0, seq - self.last - 1)
        self.again += seq <= self.last
        self.last = max(self.last, seq)

    async def look(self, client: aiohttp.ClientSession, url: str) -> None:
        """Read the stream, and come back whenever it ends, as a browser does."""
        while True:
            headers = {"Last-Event-ID": str(self.last)} if self.last else {}
            try:
                async with client.get(f"{url}events", headers=headers) as response:
                    async for chunk in response.content.iter_any():
                        self.take(chunk)
            except aiohttp.ClientError:
                pass  # cut off for being slow: that is what `resumed` counts
            self.rest = b""
            self.resumed += 1
            await asyncio.sleep(inspector_feed.RETRY_MS / 1000)


async def look(url: str, count: int) -> None:
    """`count` viewers, until standard input names the number up to which each must have come; then their counts."""
    os.nice(NICE)
    viewers = [Viewer() for _ in range(count)]
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(limit=0)
    ) as client:
        tasks = [asyncio.create_task(viewer.look(client, url)) for viewer in viewers]
        await until(lambda: all(viewer.snapshots for viewer in viewers), CATCHING_UP_S)
        print("looking", flush=True)
        wanted = int(await asyncio.to_thread(sys.stdin.readline))
        await until(lambda: min(viewer.last for viewer in viewers) >= wanted, CATCHING_UP_S)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    print(json.dumps([{**asdict(viewer), "rest": ""} for viewer in viewers]))


# ── the measurement ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Phase:
    """What a phase took of the bot's CPU, and of its responses."""

    cpu_share: float
    took_s: list[float]


@dataclass(frozen=True)
class Round:
    alone: Phase
    watched: Phase
    viewers: list[Viewer]
    watched_s: float


async def play(load: Load, bot: Bot, url: str, options: argparse.Namespace) -> list[Round]:
    await load.open_scenes(options.channels)
    talking = asyncio.create_task(load.talk(options.rate, float("inf")))
    rounds: list[Round] = []
    for number in range(1, options.rounds + 1):
        rounds.append(await one_round(load, bot, url, options))
        report(number, rounds[-1])
    talking.cancel()
    return rounds


async def one_round(load: Load, bot: Bot, url: str, options: argparse.Namespace) -> Round:
    alone = await phase(load, bot, options.seconds)
    async with looking(url, options.viewers) as viewers:
        began = time.perf_counter()
        watched = await phase(load, bot, options.seconds)
        counted = await viewers.counted(await newest(url))
        return Round(alone, watched, counted, time.perf_counter() - began)


async def phase(load: Load, bot: Bot, seconds: float) -> Phase:
    await asyncio.sleep(SETTLING_S)
    load.phase, load.took_s["measured"] = "measured", []
    before = Usage.of(bot.process.pid)
    await asyncio.sleep(seconds)
    after = Usage.of(bot.process.pid)
    load.phase = "settling"
    return Phase((after.cpu_s - before.cpu_s) / (after.at - before.at), load.took_s["measured"])


async def newest(url: str) -> int:
    """The number of the newest event."""
    async with aiohttp.ClientSession() as client, client.get(f"{url}events") as response:
        async for line in response.content:
            if line.startswith(b"id: "):
                return int(line.removeprefix(b"id: "))
    raise RuntimeError("the stream ended before its snapshot")


@dataclass(frozen=True)
class Viewers:
    process: asyncio.subprocess.Process

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode()

    async def counted(self, until: int) -> list[Viewer]:
        """What each of them got, once it has come to the number `until`."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{until}\n".encode())
        return [Viewer(**{**each, "rest": b""}) for each in json.loads(await self.line())]


@asynccontextmanager
async def looking(url: str, count: int) -> AsyncIterator[Viewers]:
    """The viewers' process, from the moment on that all of them look."""
    command = (*MODULE, "--look", url, "--viewers", str(count))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        viewers = Viewers(process)
        assert (await viewers.line()).strip() == "looking"
        yield viewers
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def report(number: int, found: Round) -> None:
    alone, watched = found.alone, found.watched
    events = min(viewer.events for viewer in found.viewers)
    print(f"round {number}: {events} events or more each, {events / found.watched_s:.0f} a second", end=", ")
    print(", ".join(f"{count} {name}" for name, count in totals([found]).items()))
    print(f"  CPU of the bot: alone {alone.cpu_share:.1%}, watched {watched.cpu_share:.1%} of a core")
    for share in (0.5, 0.9):
        before, after = percentile(alone.took_s, share), percentile(watched.took_s, share)
        print(f"  p{100 * share:.0f} of the responses: {1000 * before:.1f} → {1000 * after:.1f} ms", flush=True)


def totals(rounds: list[Round]) -> dict[str, int]:
    viewers = [viewer for each in rounds for viewer in each.viewers]
    names = ("lost", "again", "resumed", "snapshots")
    return {name: sum(getattr(viewer, name) for viewer in viewers) for name in names}


def summary(rounds: list[Round]) -> None:
    cpu = statistics.median(each.watched.cpu_share - each.alone.cpu_share for each in rounds)
    print(f"median of {len(rounds)} rounds: the viewers cost {cpu:.1%} of a core")
    print(", ".join(f"{count} {name}" for name, count in totals(rounds).items()))
    alone = [took for each in rounds for took in each.alone.took_s]
    watched = [took for each in rounds for took in each.watched.took_s]
    for share in (0.5, 0.9, 0.99, 1.0):
        before, after = percentile(alone, share), percentile(watched, share)
        print(f"p{100 * share:.0f} of {len(alone)} + {len(watched)} responses: ", end="")
        print(f"{1000 * before:.1f} → {1000 * after:.1f} ms, × {after / before:.3f}")


async def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        address = f"127.0.0.1:{free_port()}"
        async with PlaygroundServer() as server, instant_model(options.model_ms / 1000) as model_url:
            load = Load(server)
            server.discord.subscribe(load.saw)
            settings = {"GROQ_BASE_URL": model_url, "LOG_LEVEL": "CRITICAL", "INSPECTOR_ADDRESS": address}
            env = environment(server, Path(folder), **settings)
            async with running(env, command=(*MODULE, "--bot", str(options.moves))) as bot:
                rounds = await play(load, bot, f"http://{address}/", options)
                await bot.end()
    summary(rounds)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--moves", type=int, default=1000, help="moves a second of the feeder")
    parser.add_argument("--seconds", type=float, default=10, help="of each phase")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rate", type=float, default=10, help="people's messages a second")
    parser.add_argument("--channels", type=int, default=40)
    parser.add_argument("--model-ms", type=float, default=300, help="how long the model takes")
    parser.add_argument("--bot", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--look", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bot is not None:
        asyncio.run(run_bot(options.bot))
    elif options.look is not None:
        asyncio.run(look(options.look, options.viewers))
    else:
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
