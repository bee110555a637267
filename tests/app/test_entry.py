"""The outermost of the program: its version, its help, and Ctrl-C before anything is loaded."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bot
from actors.app.cli import app
from tests.app.processes import BOT, environment
from tests.test_packaging import setup_cfg

INTERRUPTED_WHILE_LOADING = """
import os, signal, sys

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == "actors.app.cli":
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
sys.meta_path.insert(0, CtrlC())
import bot
bot.main()
"""


@pytest.fixture(autouse=True)
def _bare(bare: Path) -> None:
    """None of this machine's settings, in an empty folder."""


def test_ctrl_c_while_it_is_loaded_ends_it_with_130_and_without_a_traceback(bare: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_WHILE_LOADING],
        cwd=bare,
        env=environment(PYTHONPATH=str(BOT.parent)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.fixture
def unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("unfrozen")
def test_the_collector_passes_over_what_is_loaded_and_over_nothing_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["bot.py", "--version"])
    loaded = [[number] for number in range(1000)]
    with pytest.raises(SystemExit):
        bot.main("bot.py")
    later = [[number] for number in range(1000)]
    looked_at = {id(each) for each in gc.get_objects()}
    assert not looked_at & {id(each) for each in loaded}
    assert looked_at >= {id(each) for each in later}
    assert gc.isenabled()


def test_it_tells_its_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"ensemble {setup_cfg()['metadata']['version']}\n")


@pytest.mark.parametrize("command", [[], ["report"], ["character"], ["character", "export"]])
def test_help_has_a_short_form_everywhere(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "-h"])
    assert done.exit_code == 0
    assert done.stdout == CliRunner().invoke(app, [*command, "--help"]).stdout
