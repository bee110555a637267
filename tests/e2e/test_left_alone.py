"""A bot ends when whoever started it is gone, with real processes and the real pipe between them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.streams.text import TextReceiveStream

from actors.playground import PlaygroundServer
from tests.e2e.bot_process import ROOT, environment, running, until
from tests.patience import PATIENCE_S

CHANNEL = "tavern"


async def test_a_killed_playground_leaves_no_bot_behind(tmp_path: Path) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "GROQ_"))}
    process = await anyio.open_process(
        [sys.executable, str(ROOT / "bot.py"), "play", "--port", "0", "--no-open"],
        cwd=tmp_path,
        env=own | {"DATA_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stderr=None,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        with anyio.fail_after(PATIENCE_S):
            told = ""
            output = TextReceiveStream(process.stdout)
            while "Ready: " not in told:
                told += await output.receive()
            process.kill()
            async for text in output:  # to its end: the bot writes into it as well
                told += text
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.aclose()
    assert "Traceback" not in told


async def answers(server: PlaygroundServer) -> None:
    """Returns when the bot has answered: so it is alive."""
    before = len(server.messages(CHANNEL))
    server.say(CHANNEL, "Robin", "!help")
    await until(lambda: len(server.messages(CHANNEL)) == before + 2)


async def test_a_bot_that_was_told_to_ends_with_its_standard_input_as_by_sigterm(tmp_path: Path) -> None:
    async with PlaygroundServer() as server:
        command = ("bot.py", "run", "--end-with-stdin")
        async with running(environment(server, tmp_path), command=command) as bot:
            assert bot.process.stdin is not None
            await bot.process.stdin.send(b"nobody is meant to write here\n")
            await answers(server)
            await bot.process.stdin.aclose()
            with anyio.fail_after(PATIENCE_S):
                assert await bot.process.wait() == 0


async def test_another_bot_goes_on_without_its_standard_input(tmp_path: Path) -> None:
    async with PlaygroundServer() as server, running(environment(server, tmp_path)) as bot:
        assert bot.process.stdin is not None
        await bot.process.stdin.aclose()
        await answers(server)
        assert await bot.end() == 0
