"""What it costs that many look: `python -m tests.bench_viewers`, run by hand.

    this process: the playground's server, the people, a model      ◄── HTTP, gateway ──►
    the second:   the real bot with its inspector, and a feeder of moves        ── /events ─►
    the third:    the viewers, who count what they get

Each round is a bot of its own: first nobody looks, then all do, and people write at a steady rate all the while.
The feeder's moves take the way of all moves, through log, metrics and inspector; they are in no journal.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from actors.adapters import log
from actors.adapters.clock import SystemClock
from actors.adapters.store import open_store
from actors.app.characters import add_shipped
from actors.app.commands.run import ending, say_ready
from actors.app.composition import Endpoint, compose, open_model, urls_of
from actors.app.console import read_settings
from actors.playground import PlaygroundServer
from actors.ports import Context, Moved, Trace
from machines.facts import Fact, Generated, SendRefused, Sent, Started, WaitElapsed
from machines.response import Limits, Response, advance
from tests.bench_load import Load, Usage, instant_model, percentile
from tests.e2e.bot_process import ROOT, Bot, environment, running

MODULE: Final = ("-m", "tests.bench_viewers")
SETTLING_S: Final = 3.0
CATCHING_UP_S: Final = 10.0
TICK_S: Final = 0.001
FED_AT_ONCE: Final = 50
SEQ: Final = re.compile(rb"id: (\d+)\nevent: (\w+)")

# ── the bot, with a feeder ──────────────────────────────────────────────────────────────────────────


async def run_bot(moves_a_second: int) -> None:
    """`bot.py run`, and moves that nobody made."""
    settings = read_settings()
    assert settings.discord_token is not None
    log.set_up(level=settings.log_level, json_lines=False, secrets=settings.secrets)
    endpoint = Endpoint(settings.discord_token.get_secret_value(), urls_of(settings))
    with ending() as asked_to_end:
        async with open_store(settings.database_url, folder=settings.data_dir) as store, open_model(settings) as model:
            await add_shipped(store, SystemClock())
            bot = compose(settings, endpoint, store, model, trace=log.LogTrace())
            feeder = asyncio.create_task(feed(bot.world.trace, moves_a_second))
            await bot.run(on_ready=say_ready, until=asked_to_end)
            feeder.cancel()


async def feed(trace: Trace, moves_a_second: int) -> None:
    """Publish each move when it is due."""
    lives = [moves() for _ in range(FED_AT_ONCE)]
    due = (next(life) for life in itertools.cycle(lives))
    began, told = time.perf_counter(), 0
    while True:
        wanted = int((time.perf_counter() - began) * moves_a_second)
        for moved in itertools.islice(due, wanted - told):
            trace.publish(moved)
        told = wanted
        await asyncio.sleep(TICK_S)


def moves() -> Iterator[Moved]:
    """Response after response, each of two parts of which the second is refused once."""
    clock = SystemClock()
    while True:
        context = Context(clock.new_id(), clock.new_id(), "Maren", Limits())
        response = Response(context.response_id, context.limits)
        for fact in facts(clock.now()):
            yield Moved(context, advance(response, fact), "", history_length=0)


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
    looks: bool = True
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
        while self.looks:
            headers = {"Last-Event-ID": str(self.last)} if self.last else {}
            try:
                async with client.get(f"{url}events", headers=headers) as response:
                    async for chunk in response.content.iter_any():
                        self.take(chunk)
            except aiohttp.ClientError:
                pass  # cut off for being slow: that is what `resumed` counts
            self.rest = b""
            self.resumed += 1


async def look(url: str, count: int) -> None:
    """`count` viewers, until standard input names the number up to which each must have come; then their counts."""
    viewers = [Viewer() for _ in range(count)]
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), connector=connector()) as client:
        tasks = [asyncio.create_task(viewer.look(client, url)) for viewer in viewers]
        while not all(viewer.snapshots for viewer in viewers):
            await asyncio.sleep(0.01)
        print("looking", flush=True)
        until = int(await asyncio.to_thread(sys.stdin.readline))
        began = time.perf_counter()
        while min(viewer.last for viewer in viewers) < until and time.perf_counter() - began < CATCHING_UP_S:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for viewer in viewers:
        viewer.lost += max(0, until - viewer.last)
        viewer.rest = b""
    print(json.dumps([{**asdict(viewer), "rest": ""} for viewer in viewers]))


def connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0)


# ── the measurement ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Phase:
    """What a phase took of the bot's CPU, and its responses."""

    cpu_share: float
    took_s: list[float]


@dataclass(frozen=True)
class Round:
    alone: Phase
    watched: Phase
    viewers: list[Viewer]
    watched_s: float


async def one_round(options: argparse.Namespace) -> Round:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        async with PlaygroundServer() as server, instant_model(options.model_ms / 1000) as model_url:
            load = Load(server)
            server.world.subscribe(load.saw)
            settings = {"GROQ_BASE_URL": model_url, "LOG_LEVEL": "CRITICAL", "INSPECTOR_ADDRESS": address}
            env = environment(server, Path(folder), **settings)
            async with running(env, command=(*MODULE, "--bot", str(options.moves))) as bot:
                return await play(load, bot, f"http://{address}/", options)


async def play(load: Load, bot: Bot, url: str, options: argparse.Namespace) -> Round:
    await load.open_scenes(options.channels)
    talking = asyncio.create_task(load.talk(options.rate, float("inf")))
    alone = await phase(load, bot, "alone", options.seconds)
    load.phase = "settling"
    async with looking(url, options.viewers) as viewers:
        began = time.perf_counter()
        watched = await phase(load, bot, "watched", options.seconds)
        counted = await viewers.counted(await newest(url))
        watched_s = time.perf_counter() - began
    talking.cancel()
    return Round(alone, watched, counted, watched_s)


async def phase(load: Load, bot: Bot, name: str, seconds: float) -> Phase:
    load.phase = "settling"
    await asyncio.sleep(SETTLING_S)
    load.phase = name
    before = Usage.of(bot.process.pid)
    await asyncio.sleep(seconds)
    after = Usage.of(bot.process.pid)
    load.phase = "settling"
    return Phase((after.cpu_s - before.cpu_s) / (after.at - before.at), load.took_s[name])


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
    events = [viewer.events for viewer in found.viewers]
    total = Counter[str]()
    for viewer in found.viewers:
        total.update(lost=viewer.lost, again=viewer.again, resumed=viewer.resumed, snapshots=viewer.snapshots)
    print(f"round {number}")
    print(
        f"  events a viewer {min(events)} to {max(events)}, {min(events) / found.watched_s:.0f} a second; {dict(total)}"
    )
    alone, watched = found.alone, found.watched
    print(f"  CPU of the bot: alone {alone.cpu_share:.1%}, watched {watched.cpu_share:.1%} of a core")
    for share in (0.5, 0.9):
        before, after = percentile(alone.took_s, share), percentile(watched.took_s, share)
        counts = f"({len(alone.took_s)}, {len(watched.took_s)} responses)"
        print(
            f"  p{100 * share:.0f}: {1000 * before:.1f} → {1000 * after:.1f} ms, {after / before:.3f} {counts}",
            flush=True,
        )


def summary(rounds: list[Round]) -> None:
    cpu = statistics.median(found.watched.cpu_share - found.alone.cpu_share for found in rounds)
    lost = sum(viewer.lost + viewer.again for found in rounds for viewer in found.viewers)
    print(f"median of {len(rounds)}: the viewers cost {cpu:.1%} of a core; events lost or doubled: {lost}")
    for share in (0.5, 0.9):
        ratios = [percentile(each.watched.took_s, share) / percentile(each.alone.took_s, share) for each in rounds]
        print(f"p{100 * share:.0f} of the responses, watched / alone: {statistics.median(ratios):.3f}")


async def measure(options: argparse.Namespace) -> None:
    rounds: list[Round] = []
    for number in range(1, options.rounds + 1):
        rounds.append(await one_round(options))
        report(number, rounds[-1])
    summary(rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--moves", type=int, default=1000, help="moves a second of the feeder")
    parser.add_argument("--seconds", type=float, default=30, help="of each phase")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10, help="people's messages a second")
    parser.add_argument("--channels", type=int, default=20)
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
