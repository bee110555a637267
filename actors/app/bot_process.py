"""Runs the real bot as a child process of the playground, which may kill and restart it at any time.

    start ─► running ─► killed, or exits ─► stopped ─► start …

The child inherits our output. On exit it gets SIGTERM, then SIGKILL if it takes too long. If our own process dies
first, the child exits as well: its standard input is a pipe that we never write to, and it stops at end of file.
Failure modes: if the interpreter cannot be started, `start` raises OSError; a bot that exits by itself becomes
`stopped`, and its last lines on the terminal say why.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.abc import Process, TaskGroup

from actors.playground import BotState

COMMAND: Final = (sys.executable, sys.argv[0], "run", "--end-with-stdin")
"""The command that started this process. Not `-m bot`: the working folder may hold another bot.py."""

END_S: Final = 15.0
"""Time from SIGTERM to SIGKILL; the bot gives its sends in flight ten seconds."""


class BotProcess:
    """The playground's `BotControl`; runs at most one process at a time."""

    def __init__(self, tasks: TaskGroup, environment: Mapping[str, str], command: Sequence[str] = COMMAND) -> None:
        self._tasks = tasks
        self._command = tuple(command)
        self._environment = {**os.environ, **environment}
        self._process: Process | None = None
        self._changing = anyio.Lock()
        self._watchers: list[Callable[[], None]] = []

    @property
    def state(self) -> BotState:
        """RUNNING from the moment the process exists."""
        is_alive = self._process is not None and self._process.returncode is None
        return BotState.RUNNING if is_alive else BotState.STOPPED

    @property
    def pid(self) -> int | None:
        """The process id; None if the bot is not running."""
        return self._process.pid if self._process is not None and self.state is BotState.RUNNING else None

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` after every change of `state`."""
        self._watchers.append(watcher)

    async def start(self) -> None:
        """Start the bot unless it is running. Raises OSError."""
        async with self._changing:
            if self.state is BotState.RUNNING:
                return
            self._process = await anyio.open_process(
                self._command, stdin=subprocess.PIPE, stdout=None, stderr=None, env=self._environment
            )
            self._tasks.start_soon(self._see_end, self._process)
        self._tell()

    async def kill(self) -> None:
        """Send SIGKILL and wait until the process is gone; the bot gets no chance to clean up."""
        async with self._changing:
            if self._process is not None and self.state is BotState.RUNNING:
                self._process.kill()
                await self._process.wait()

    async def end(self) -> None:
        """Send SIGTERM and wait; after `END_S`, send SIGKILL."""
        async with self._changing:
            if self._process is None or self.state is not BotState.RUNNING:
                return
            self._process.terminate()
            with anyio.move_on_after(END_S):
                await self._process.wait()
                return
            self._process.kill()
            await self._process.wait()

    async def _see_end(self, process: Process) -> None:
        await process.wait()
        await process.aclose()  # our end of the pipe
        self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()


@asynccontextmanager
async def bot_process(environment: Mapping[str, str], command: Sequence[str] = COMMAND) -> AsyncIterator[BotProcess]:
    """Yield a bot that is not started yet; leaving the block always ends its process."""
    async with anyio.create_task_group() as tasks:
        bot = BotProcess(tasks, environment, command)
        try:
            yield bot
        finally:
            with anyio.CancelScope(shield=True):
                await bot.end()
