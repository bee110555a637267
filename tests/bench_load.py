"""Many channels in one process, and a flood in one of them: `python -m tests.bench_load`, run by hand.

    this process: the playground's server, the people, a model that answers at once     ◄── HTTP, gateway ──►
    the other:    python bot.py run, with its database in a file

People write at a steady rate, each channel in its turn. Quiet phases alternate with phases in which one more
channel is flooded, so that whatever else the machine does falls on both alike. The time is taken here, from a
person's message to the character's line in the channel; the first seconds of each phase do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

from actors.adapters.store import open_store
from actors.playground import PlaygroundServer, Voice
from actors.playground.events import Event
from actors.playground.records import Message
from tests.e2e.bot_process import Bot, environment, running

SETTLING_S: Final = 5.0
SAMPLE_S: Final = 30.0
OPENED_AT_ONCE: Final = 16
ANSWER_TIMEOUT_S: Final = 60.0
TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Load:
    """The people: what they asked, and what came of it."""

    server: PlaygroundServer
    channels: list[int] = field(default_factory=list)
    flooded: int = 0
    phase: str = "opening"
    asked: dict[int, tuple[float, str]] = field(default_factory=dict)
    took_s: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lines: Counter[int] = field(default_factory=Counter)
    texts: Counter[int] = field(default_factory=Counter)
    unasked: int = 0
    flood_sent: int = 0

    def saw(self, event: Event) -> None:
        """An event of the server: a character's line answers what was asked in its channel."""
        message = event.subject
        if event.name != "MESSAGE_CREATE" or not isinstance(message, Message):
            return
        if message.author_id == self.server.discord.bot.id:
            self.texts[message.channel_id] += 1
        if message.webhook_id is None:
            return
        self.lines[message.channel_id] += 1
        began, phase = self.asked.pop(message.channel_id, (0.0, ""))
        if phase:
            self.took_s[phase].append(time.perf_counter() - began)
        elif message.channel_id != self.flooded:
            self.unasked += 1

    def ask(self, channel_id: int, text: str) -> None:
        self.asked[channel_id] = (time.perf_counter(), self.phase)
        self.server.say(channel_id, "Robin", text)

    async def open_scenes(self, count: int) -> None:
        """A scene in each channel, and the first line, for which a webhook is made."""
        self.channels = [self.server.add_channel(f"load-{number}").id for number in range(count)]
        self.flooded = self.server.add_channel("flooded").id
        waiting = iter([*self.channels, self.flooded])
        await asyncio.gather(*(self._open(waiting) for _ in range(OPENED_AT_ONCE)))

    async def _open(self, channels: Iterator[int]) -> None:
        for channel_id in channels:
            self.server.say(channel_id, "Robin", "!start Maren")
            await until(lambda: self.texts[channel_id] > 0)  # noqa: B023 - waited for in this very round
            self.ask(channel_id, "Hello?")
            await until(lambda: self.lines[channel_id] > 0)  # noqa: B023

    async def talk(self, rate: float, ends_at: float) -> None:
        """Messages at a steady rate, each channel in its turn; one that still waits is passed over."""
        due = time.perf_counter()
        for number, channel_id in enumerate(itertools.cycle(self.channels)):
            if time.perf_counter() > ends_at:
                return
            if channel_id not in self.asked:
                self.ask(channel_id, f"What do you see now, and what was it that you said of the {number}th wave?")
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    async def flood(self, rate: float, phase_s: float, ends_at: float) -> None:
        """Quiet and flood by turns."""
        for name in itertools.cycle(("quiet", "flood")):
            began = due = time.perf_counter()
            while (now := time.perf_counter()) < min(began + phase_s, ends_at):
                self.phase = name if now - began > SETTLING_S else "settling"
                if name == "flood":
                    self.flood_sent += 1
                    self.server.say(self.flooded, "Sam", f"Message {self.flood_sent} of a flood of messages.")
                    due += 1 / rate
                else:
                    due += 0.1
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if now >= ends_at:
                return


async def until(holds: Callable[[], bool], timeout_s: float = ANSWER_TIMEOUT_S) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - the process under test signals nothing
            await asyncio.sleep(0.02)


@asynccontextmanager
async def instant_model(takes_s: float) -> AsyncIterator[str]:
    """OpenAI's chat API on a free port; every line is a new one."""
    numbers = itertools.count(1)

    async def complete(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(takes_s)
        number = next(numbers)
        words = " ".join(f"{word}{number * factor % 997}" for factor, word in enumerate(WORDS, start=3))
        message = {"role": "assistant", "content": f"*looks up* {words}."}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return web.json_response(
            {"id": "c", "object": "chat.completion", "created": 1, "model": "instant", "choices": [choice]}
        )

    app = web.Application()
    for prefix in ("/v1", "/openai/v1"):  # as other servers have it, and as Groq's own client asks
        app.router.add_post(f"{prefix}/chat/completions", complete)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


WORDS: Final = ("wave", "light", "stone", "rope", "gull", "storm", "lamp", "tide", "oar", "door", "fog", "glass")


@dataclass(frozen=True)
class Usage:
    at: float
    rss_kb: int
    cpu_s: float

    @classmethod
    def of(cls, pid: int) -> Usage:
        status = Path(f"/proc/{pid}/status").read_text()
        rss_kb = int(status.split("VmRSS:")[1].split()[0])
        ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return cls(time.perf_counter(), rss_kb, (int(ticks[11]) + int(ticks[12])) / TICKS_A_SECOND)


async def sample(pid: int, usages: list[Usage]) -> None:
    began = time.perf_counter()
    while True:
        usages.append(Usage.of(pid))
        print(f"  {usages[-1].at - began:5.0f} s  RSS {usages[-1].rss_kb / 1024:7.1f} MB", flush=True)
        await asyncio.sleep(SAMPLE_S)


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def report(load: Load, usages: list[Usage]) -> None:
    print(f"\n{'phase':8} {'asked':>7} {'p50 ms':>8} {'p90 ms':>8} {'p99 ms':>8} {'max ms':>8}")
    for phase in ("quiet", "flood"):
        took = load.took_s[phase]
        shares = [1000 * percentile(took, share) for share in (0.5, 0.9, 0.99, 1.0)]
        print(f"{phase:8} {len(took):7} " + " ".join(f"{each:8.1f}" for each in shares))
    quiet, flood = load.took_s["quiet"], load.took_s["flood"]
    for share in (0.5, 0.9, 0.99):
        print(f"p{100 * share:.0f} flood / quiet: {percentile(flood, share) / percentile(quiet, share):.2f}")
    responses = sum(load.lines.values())
    first, last = usages[0], usages[-1]
    cpu_s = last.cpu_s - first.cpu_s
    print(f"lines {responses}, in the flooded channel {load.lines[load.flooded]}, flood {load.flood_sent} messages")
    print(f"CPU of the bot: {cpu_s:.0f} s in {last.at - first.at:.0f} s")
    second_half = usages[len(usages) // 2 :]
    slope = statistics.linear_regression([u.at for u in second_half], [u.rss_kb for u in second_half]).slope
    print(f"RSS {first.rss_kb / 1024:.1f} → {last.rss_kb / 1024:.1f} MB; second half {slope * 60:+.0f} KB a minute")
    print(f"unanswered {len(load.asked)}, answered twice {load.unasked}")


async def check_history(folder: Path, load: Load) -> None:
    """Every message of the flood once and in order in the history, and every line of its channel."""
    async with open_store("sqlite:///ensemble.db", folder=folder, read_only=True) as store:
        session = (await store.find_sessions(str(load.flooded)))[-1]
        entries = await store.history(session.id)
    flood = [entry.text for entry in entries if entry.name == "Sam"]
    expected = [f"Message {number} of a flood of messages." for number in range(1, load.flood_sent + 1)]
    shown = [
        m.id for m in load.server.messages(load.flooded) if m.content != "!start Maren" and m.voice is not Voice.BOT
    ]
    known = [message_id for entry in entries for message_id in entry.message_ids]
    print(f"flooded channel: every message once and in order: {flood == expected}; as shown: {known == shown}")


async def measure(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with PlaygroundServer() as server, instant_model(options.model_ms / 1000) as model_url:
            load = Load(server)
            server.discord.subscribe(load.saw)
            env = environment(server, Path(folder), GROQ_BASE_URL=model_url, LOG_LEVEL="WARNING")
            async with running(env) as bot:
                await play(load, bot, options)
                code = await bot.end()
            await check_history(Path(folder), load)
            print(f"the bot ended with {code}")


async def play(load: Load, bot: Bot, options: argparse.Namespace) -> None:
    began = time.perf_counter()
    await load.open_scenes(options.channels)
    print(f"{options.channels} scenes opened in {time.perf_counter() - began:.0f} s", flush=True)
    usages: list[Usage] = []
    ends_at = time.perf_counter() + 60 * options.minutes
    sampler = asyncio.create_task(sample(bot.process.pid, usages))
    await asyncio.gather(load.talk(options.rate, ends_at), load.flood(options.flood_rate, options.phase_s, ends_at))
    sampler.cancel()
    usages.append(Usage.of(bot.process.pid))
    await asyncio.sleep(SETTLING_S)
    report(load, usages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--rate", type=float, default=10, help="messages a second over all channels")
    parser.add_argument("--flood-rate", type=float, default=50, help="messages a second in the flooded channel")
    parser.add_argument("--phase-s", type=float, default=30)
    parser.add_argument("--model-ms", type=float, default=0, help="how long the model takes")
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
