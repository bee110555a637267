"""What reliability costs: `python -m tests.bench_least_bot`, run by hand.

    this process: the playground's server, the people, a model       ◄── HTTP, gateway ──►
    the other:    python bot.py run, and by turns the least bot that answers

The least bot keeps nothing: a message goes to the model, and the answer to the channel. Both have one client for
Discord and one for the model, and speak as the bot itself (`VOICE=embed`). *Together*: everybody writes in the same
moment, and again when all were answered. *Sustained*: a model that answers at once, and in each channel the next
message as soon as the line stands.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import discord
import yarl
from groq import AsyncGroq, DefaultAsyncHttpxClient

from actors.playground import PlaygroundServer
from actors.playground.events import Event
from actors.playground.records import Message
from tests.bench_load import ANSWER_TIMEOUT_S, Usage, instant_model, until
from tests.e2e.bot_process import environment, running

OURS: Final = "Ensemble"
LEAST: Final = "least bot"
COMMANDS: Final = {OURS: ("bot.py", "run"), LEAST: ("-m", "tests.bench_least_bot", "--speak")}
TOGETHER: Final = (1, 8, 32, 128)

# ── the least bot ───────────────────────────────────────────────────────────────────────────────────


class LeastBot(discord.Client):
    """Answers every message of a person, and knows nothing of any of it afterwards."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, message_content=True)
        super().__init__(intents=intents, max_messages=None, guild_ready_timeout=0.05)
        url = yarl.URL(os.environ["GROQ_BASE_URL"]).origin()
        http_client = DefaultAsyncHttpxClient(trust_env=False)
        self.model = AsyncGroq(api_key="none", base_url=str(url), http_client=http_client, max_retries=0)

    async def on_ready(self) -> None:
        print("Ready: the least bot", flush=True)

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot:
            return
        answer = await self.model.chat.completions.create(
            model="instant",
            messages=[
                {"role": "system", "content": "You are Maren, who keeps the light."},
                {"role": "user", "content": message.content},
            ],
        )
        embed = discord.Embed(title="💬 Maren", description=answer.choices[0].message.content)
        await message.channel.send(embed=embed, allowed_mentions=discord.AllowedMentions.none())


async def speak() -> None:
    """Run the least bot until SIGTERM."""
    discord.http.Route.BASE = os.environ["DISCORD_API_URL"]
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["DISCORD_GATEWAY_URL"])
    async with LeastBot() as bot:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.ensure_future(bot.close()))
        await bot.start(os.environ["DISCORD_TOKEN"])


# ── the people ──────────────────────────────────────────────────────────────────────────────────────


@dataclass
class People:
    """One person in each channel, and how long each answer took, in seconds."""

    server: PlaygroundServer
    channels: list[int] = field(default_factory=list)
    asked: dict[int, tuple[float, asyncio.Future[float]]] = field(default_factory=dict)

    def saw(self, event: Event) -> None:
        """A line of a character answers what was asked in its channel."""
        message = event.subject
        if event.name == "MESSAGE_CREATE" and isinstance(message, Message) and message.embeds:
            began, answered = self.asked.pop(message.channel_id)
            answered.set_result(time.perf_counter() - began)

    async def ask(self, channel_id: int, text: str) -> float:
        """Write, and wait for the line."""
        answered: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self.asked[channel_id] = (time.perf_counter(), answered)
        self.server.say(channel_id, "Robin", text)
        return await asyncio.wait_for(answered, ANSWER_TIMEOUT_S)

    async def open_scenes(self) -> None:
        """What the least bot does not need; both get the first message, which is the slowest, here."""
        for channel_id in self.channels:
            self.server.say(channel_id, "Robin", "!start Maren")
        await until(lambda: all(self.server.messages(channel_id)[1:] for channel_id in self.channels))

    async def together(self, count: int, times: int) -> list[float]:
        took: list[float] = []
        for number in range(times):
            texts = [f"What do you see now, at the {number}th wave?"] * count
            took += await asyncio.gather(*map(self.ask, self.channels, texts))
        return took

    async def sustained(self, for_s: float) -> int:
        ends_at = time.perf_counter() + for_s

        async def go_on(channel_id: int) -> int:
            number = 0
            while time.perf_counter() < ends_at:
                await self.ask(channel_id, f"And what is it that you see at the {number}th wave?")
                number += 1
            return number

        return sum(await asyncio.gather(*map(go_on, self.channels)))


# ── the measurement ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class Figures:
    """Of one bot: seconds for each answer, by how many asked together; answers a second, CPU seconds for each."""

    took_s: dict[int, list[float]] = field(default_factory=lambda: {count: [] for count in TOGETHER})
    per_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


@asynccontextmanager
async def spoken_to(name: str, model_ms: float) -> AsyncIterator[tuple[People, int]]:
    """The people, with a scene open in each channel, and the bot's process id."""
    with tempfile.TemporaryDirectory() as folder:
        async with PlaygroundServer() as server, instant_model(model_ms / 1000) as model_url:
            people = People(server)
            people.channels = [server.add_channel(f"bench-{number}").id for number in range(max(TOGETHER))]
            settings = {"GROQ_BASE_URL": model_url, "LOG_LEVEL": "WARNING", "VOICE": "embed"}
            async with running(environment(server, Path(folder), **settings), command=COMMANDS[name]) as bot:
                if name == OURS:
                    await people.open_scenes()
                server.discord.subscribe(people.saw)
                await people.together(max(TOGETHER), 1)
                yield people, bot.process.pid
                await bot.end()


async def measure_once(name: str, figures: Figures, options: argparse.Namespace) -> None:
    async with spoken_to(name, options.model_ms) as (people, _):
        for count in TOGETHER:
            figures.took_s[count] += await people.together(count, max(3, options.answers // count))
    async with spoken_to(name, 0) as (people, pid):
        before = Usage.of(pid)
        answers = await people.sustained(options.sustained_s)
        after = Usage.of(pid)
        figures.per_s.append(answers / (after.at - before.at))
        figures.cpu_s.append((after.cpu_s - before.cpu_s) / answers)


def report(figures: dict[str, Figures]) -> None:
    ours, least = figures[OURS], figures[LEAST]
    print(f"\n{'':28} {LEAST:>12} {OURS:>12} {'ratio':>7}")
    for count in TOGETHER:
        a, b = (1000 * statistics.median(each.took_s[count]) for each in (least, ours))
        print(f"{f'{count} together, p50 ms':28} {a:12.1f} {b:12.1f} {b / a:7.3f}")
    rows = (("sustained, responses/s", "per_s", 1.0), ("CPU for each, ms", "cpu_s", 1000.0))
    for words, name, factor in rows:
        a, b = (factor * statistics.median(getattr(each, name)) for each in (least, ours))
        print(f"{words:28} {a:12.1f} {b:12.1f} {b / a:7.3f}")


async def measure(options: argparse.Namespace) -> None:
    figures = {LEAST: Figures(), OURS: Figures()}
    for number in range(options.rounds):
        for name in figures:
            print(f"round {number + 1}: {name}", flush=True)
            await measure_once(name, figures[name], options)
    report(figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speak", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--answers", type=int, default=128, help="of each number of people who write together")
    parser.add_argument("--model-ms", type=float, default=300, help="how long the model takes")
    parser.add_argument("--sustained-s", type=float, default=10)
    options = parser.parse_args()
    asyncio.run(speak() if options.speak else measure(options))


if __name__ == "__main__":
    main()
