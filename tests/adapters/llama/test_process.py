"""The model's process: given its orders in private, started again at the same address, never left behind.

The processes are real; instead of llama.cpp, they answer with a line that says what they were given.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from actors.adapters.llama import LocalModel, ModelFile, ModelNotLoaded, local_model
from tests.patience import PATIENCE_S

FILE: Final = ModelFile(Path("/models/small.gguf"), "small")
NOTING: Final = """
import json, os, sys
orders = json.loads(sys.stdin.readline())
print(orders["port"] or 40123, flush=True)
with open(sys.argv[1], "a") as notes:
    print(json.dumps([os.getpid(), orders, list(sys.argv), dict(os.environ)]), file=notes)
sys.stdin.read()
"""


def serving(notes: Path, script: str = NOTING) -> tuple[str, ...]:
    return (sys.executable, "-c", script, str(notes))


def noted(notes: Path) -> list[Any]:
    return [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []


async def until_started(notes: Path, times: int) -> list[Any]:
    with anyio.fail_after(PATIENCE_S):
        while len(found := noted(notes)) < times:  # noqa: ASYNC110 - a process signals nothing
            await anyio.sleep(0.01)
    return found


async def test_the_key_is_in_no_command_line_and_in_no_environment(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with local_model(FILE, context_tokens=6700, say=print, command=serving(notes)) as model:
        assert model == LocalModel("http://127.0.0.1:40123/v1", model.key, "small")
        [[_, orders, arguments, environment]] = await until_started(notes, 1)
    assert orders == {
        "path": "/models/small.gguf",
        "name": "small",
        "host": "127.0.0.1",
        "port": 0,
        "key": model.key,
        "context_tokens": 6700,
    }
    assert len(model.key) >= 32
    assert model.key not in json.dumps([arguments, environment])


async def test_a_server_that_ends_comes_back_at_its_address_with_its_key(tmp_path: Path) -> None:
    notes, said = tmp_path / "notes", list[str]()
    async with local_model(
        FILE, context_tokens=1, say=said.append, command=serving(notes), backoff_base_s=0.01
    ) as model:
        for times in (1, 2, 3):
            os.kill((await until_started(notes, times))[-1][0], signal.SIGKILL)
        orders = [orders for _, orders, _, _ in await until_started(notes, 4)]
    assert [(each["port"], each["key"]) for each in orders[1:]] == [(40123, model.key)] * 3
    waits = ("0.01", "0.02", "0.04")
    assert said == [f"The model's server ended (exit code -9). It starts again in {wait} s." for wait in waits]


async def test_no_process_is_left_behind(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    async with local_model(FILE, context_tokens=1, say=print, command=serving(notes)):
        [[pid, *_]] = await until_started(notes, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("script", ["", "import sys; sys.stdin.readline(); print('x' * 100, flush=True)"])
async def test_a_model_that_cannot_be_loaded_is_an_error_that_says_what_to_check(tmp_path: Path, script: str) -> None:
    with pytest.raises(ModelNotLoaded, match=r"/models/small\.gguf could not be loaded: the lines above say why\."):
        async with local_model(FILE, context_tokens=1, say=print, command=serving(tmp_path / "notes", script)):
            pytest.fail("it was never loaded")


async def test_what_fails_later_is_reported_and_tried_again(tmp_path: Path) -> None:
    notes, said = tmp_path / "notes", list[str]()
    only_once = "import os, sys\nif os.path.exists(sys.argv[1]): sys.exit(1)\n" + NOTING
    async with local_model(
        FILE, context_tokens=1, say=said.append, command=serving(notes, only_once), backoff_base_s=0.001
    ):
        os.kill((await until_started(notes, 1))[0][0], signal.SIGKILL)
        with anyio.fail_after(PATIENCE_S):
            while len(said) < 3:  # noqa: ASYNC110 - a process signals nothing
                await anyio.sleep(0.01)
    assert said[1:3] == [
        "The model's server could not load its model. It starts again in 0.002 s.",
        "The model's server could not load its model. It starts again in 0.004 s.",
    ]
