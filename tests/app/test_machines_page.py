"""docs/machines.md does what it says: its modules load, its tests pass, its commands draw."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app.processes import BOT, environment, run_bot
from tests.patience import PATIENCE_S

PAGE = BOT.parent / "docs" / "machines.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = BLOCK.findall(PAGE.read_text(encoding="utf-8"))


@pytest.fixture
def followed(tmp_path: Path) -> Path:
    """A folder with the page's files in it."""
    for kind, block in BLOCKS:
        if kind == "python":
            (tmp_path / block.split("\n", 1)[0].removeprefix("# ")).write_text(block, encoding="utf-8")
    return tmp_path


def test_the_page_s_tests_pass(followed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_door.py"],
        cwd=followed,
        env=environment(PYTHONPATH=str(BOT.parent)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout


def test_the_page_s_commands_draw_what_it_shows(followed: Path) -> None:
    printed = []
    commands = [line for kind, block in BLOCKS if kind == "console" for line in block.splitlines()]
    for command in commands:
        done = run_bot(followed, *command.removeprefix("python bot.py ").split())
        assert (done.returncode, done.stderr) == (0, "")
        printed.append(done.stdout)
    assert printed[0] == dict(BLOCKS)["text"]
    assert (followed / "door.svg").is_file()
    assert "[is clear] / count cars" in printed[3]


def test_every_block_of_the_page_is_run_or_compared() -> None:
    assert [kind for kind, _ in BLOCKS] == ["python", "python", "console", "text", "python", "console"]
