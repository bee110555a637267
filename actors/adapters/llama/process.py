"""Supervises the process that runs a model.

    loading ─► serving ─► ends by itself ─► waits 1, 2, 4 … s ─► loading (same port, same key)

llama.cpp is native code: a broken file or too little memory ends its process, and must not end ours. If our process
dies first, the child reads the end of its standard input and exits.
Failure modes: a model that cannot be loaded the first time raises ModelNotLoaded; later, that is reported, and tried
again.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import Process, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from actors.adapters.llama.file import ModelFile
from machines.backoff import backoff_s

LOOPBACK: Final = "127.0.0.1"
KEY_BYTES: Final = 24
PORT_BYTES_MAX: Final = 16
BACKOFF_BASE_S: Final = 1.0
BACKOFF_MAX_S: Final = 60.0
STEADY_S: Final = 60.0
"""A server that lasted so long had loaded well: its next end counts as the first."""

COMMAND: Final = (sys.executable, "-P", str(Path(__file__).with_name("server.py")))
"""`-P`: the modules of this folder are no top-level modules."""


class ModelNotLoaded(Exception):
    """The process ended before its model was loaded; the text says what to check."""


@dataclass(frozen=True, slots=True)
class LocalModel:
    """Where the model answers. Only who has the key may ask it."""

    url: str
    key: str
    name: str


def is_installed() -> bool:
    """Whether the extra `local` is."""
    return find_spec("xllamacpp") is not None


@asynccontextmanager
async def local_model(
    file: ModelFile,
    *,
    context_tokens: int,
    say: Callable[[str], None],
    command: Sequence[str] = COMMAND,
    backoff_base_s: float = BACKOFF_BASE_S,
) -> AsyncIterator[LocalModel]:
    """Load the model and keep it served while the block runs. Raises ModelNotLoaded.

    `context_tokens` is the window: prompt and answer. `say` is told when the server ends and is started again.
    """
    supervisor = _Supervisor(file, context_tokens, say, tuple(command), backoff_base_s)
    async with anyio.create_task_group() as tasks:
        loaded: int | ModelNotLoaded = await tasks.start(supervisor.run)
        if isinstance(loaded, int):
            yield LocalModel(f"http://{LOOPBACK}:{loaded}/v1", supervisor.key, file.name)
        tasks.cancel_scope.cancel()
    if isinstance(loaded, ModelNotLoaded):
        raise loaded  # out here, or the task group would wrap it


class _Supervisor:
    def __init__(
        self, file: ModelFile, context_tokens: int, say: Callable[[str], None], command: Sequence[str], base_s: float
    ) -> None:
        self.key = secrets.token_urlsafe(KEY_BYTES)
        self._file = file
        self._context_tokens = context_tokens
        self._say = say
        self._command = command
        self._base_s = base_s
        self._port = 0  # a free one; from the first start on that one, since others were given its address

    async def run(self, *, task_status: TaskStatus[int | ModelNotLoaded]) -> None:
        """Serve until cancelled. Starts with the port, or with the error of a model that was never loaded."""
        attempt = 0
        while True:
            began_at = anyio.current_time()
            try:
                reason = f"ended (exit code {await self._serve(task_status)})"
            except ModelNotLoaded as error:
                if self._port == 0:
                    task_status.started(error)
                    return
                reason = "could not load its model"
            attempt = 1 if anyio.current_time() - began_at >= STEADY_S else attempt + 1
            wait_s = backoff_s(attempt, base_s=self._base_s, max_s=BACKOFF_MAX_S)
            self._say(f"The model's server {reason}. It starts again in {wait_s:g} s.")
            await anyio.sleep(wait_s)

    async def _serve(self, task_status: TaskStatus[int | ModelNotLoaded]) -> int:
        """Run one process to its end and return its exit code. Raises ModelNotLoaded."""
        with anyio.CancelScope(shield=True):  # cancelled in between, it would leave the process behind
            opened = await anyio.open_process(self._command, stdin=subprocess.PIPE, stderr=None)
        async with opened as process:
            port = await self._loaded(process)
            if self._port == 0:
                self._port = port
                task_status.started(port)
            return await process.wait()

    async def _loaded(self, process: Process) -> int:
        """Give the process its orders, and wait for the port that it prints. Raises ModelNotLoaded."""
        assert process.stdin is not None
        assert process.stdout is not None
        orders = {
            "path": str(self._file.path),
            "name": self._file.name,
            "host": LOOPBACK,
            "port": self._port,
            "key": self.key,
            "context_tokens": self._context_tokens,
        }
        try:
            await process.stdin.send(json.dumps(orders).encode() + b"\n")
            return int(await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", PORT_BYTES_MAX))
        except (anyio.BrokenResourceError, anyio.IncompleteRead, anyio.DelimiterNotFound, ValueError) as error:
            raise ModelNotLoaded(
                f"{self._file.path} could not be loaded: the lines above say why. A model needs more memory than its"
                " file is large, and a new kind of model needs a new version of xllamacpp"
            ) from error
