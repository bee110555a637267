"""The real bot as a process of its own, against a playground server in the test's process."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream
from typer.testing import CliRunner

from actors.app.cli import app
from actors.app.settings import WITHOUT_LIMITS
from actors.playground import PlaygroundServer, ShownMessage, Voice
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parent.parent.parent
POLL_S = 0.02


def environment(server: PlaygroundServer, folder: Path, **settings: str) -> dict[str, str]:
    """What the bot is told; nothing of the machine's own settings of it."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GROQ_"))}
    return own | {
        **WITHOUT_LIMITS,
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_URL": server.api_url,
        "DISCORD_GATEWAY_URL": server.gateway_url,
        "DATA_DIR": str(folder),
        "INSPECTOR_ADDRESS": "",
        "SETTLE_S": "0.5",
        "BACKOFF_BASE_S": "0.1",
        "UNDERSTUDY_TYPING_S": "0",
        "GATHER_S": "0",
        **settings,
    }


@dataclass
class Bot:
    """One process of the bot. `kill` is SIGKILL: nothing is tidied up."""

    process: Process

    async def ready(self) -> str:
        """Wait for the line `Ready: …` and return it."""
        assert self.process.stdout is not None
        with anyio.fail_after(PATIENCE_S):
            async for text in TextReceiveStream(self.process.stdout):
                if "Ready: " in text:
                    return text.strip()
        raise RuntimeError(f"the bot ended before it was ready: {self.process.returncode}")

    async def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        with anyio.fail_after(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def running(
    env: dict[str, str], *, wait: bool = True, command: Sequence[str] = ("bot.py", "run")
) -> AsyncIterator[Bot]:
    """Start `python bot.py run`, or another `command`; whatever is left of it at the end is killed."""
    process = await anyio.open_process([sys.executable, *command], cwd=ROOT, env=env, stderr=None)
    bot = Bot(process)
    try:
        if wait:
            await bot.ready()
        yield bot
    finally:
        if process.returncode is None:
            with anyio.CancelScope(shield=True):
                await bot.kill()
        await process.aclose()


async def until(holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait until `holds`. Raises TimeoutError."""
    with anyio.fail_after(timeout_s):
        while not holds():  # noqa: ASYNC110 - the process under test signals nothing
            await anyio.sleep(POLL_S)


def character_lines(server: PlaygroundServer, channel: str) -> list[ShownMessage]:
    """The characters' lines that the channel shows, oldest first."""
    return [m for m in server.messages(channel) if m.voice is Voice.WEBHOOK or (m.voice is Voice.BOT and m.embeds)]


async def transcript(env: dict[str, str], channel: str) -> list[dict[str, object]]:
    """What `bot.py transcript` prints of a channel; in a thread of ours, since a new process takes seconds to load."""
    command = ["transcript", channel, "--format", "jsonl"]
    done = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(app, command, env=env, catch_exceptions=False))
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]
