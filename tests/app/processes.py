"""`python bot.py …` as a process of its own, in a folder of its own, without this machine's settings."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.app.settings import Settings
from tests.patience import PATIENCE_S

BOT = Path(__file__).parent.parent.parent / "bot.py"


def environment(**settings: str) -> dict[str, str]:
    """The process's environment: of our settings, only these; turns begin at once, and no typing is waited for."""
    own = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    return own | {"GATHER_S": "0", "UNDERSTUDY_TYPING_S": "0"} | settings


def run_bot(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, str(BOT), *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


@contextmanager
def started(
    folder: Path, *arguments: str, until: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A command that goes on; given with its lines up to the one that begins with `until`. Killed at the end."""
    with (folder / "stderr").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(BOT), *arguments],
            cwd=folder,
            env=environment(**settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    assert process.stdout is not None
    try:
        lines: list[str] = []
        while not lines or not lines[-1].startswith(until):
            line = process.stdout.readline()
            assert line, f"it ended before {until!r}: {(folder / 'stderr').read_text()}"
            lines.append(line.rstrip("\n"))
        yield process, lines
    finally:
        process.kill()
        process.wait(PATIENCE_S)
        process.stdout.close()


def group_is_gone(group: int) -> bool:
    """Whether no process of the group is left, within patience."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


needs_rights = pytest.mark.skipif(
    not hasattr(os, "getuid") or (os.getuid() == 0 and shutil.which("setpriv") is None),
    reason="root may do everything here, and there is no setpriv to take that away",
)


def unprivileged(*command: str) -> list[str]:
    """`command` as it is, but root's without the privileges that pass over the rights of files."""
    drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    return [*(drop if os.getuid() == 0 else []), *command]
