"""How pytest is set up: one test runs in this process, and a test that waits for ever fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S

ROOT = Path(__file__).parent.parent
WAITS_FOR_EVER = """
import anyio

async def test_that_waits() -> None:
    await anyio.Event().wait()
"""


def run_pytest(*args: str) -> str:
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "setup.cfg"), "-p", "no:cacheprovider", *args]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S).stdout


def test_one_named_test_starts_no_workers() -> None:
    shown = run_pytest(f"{__file__}::test_a_wait_fails_before_the_test_does")
    assert "1 passed" in shown
    assert "workers" not in shown


def test_a_file_is_shared_among_workers() -> None:
    assert "workers [" in run_pytest("tests/machines/test_types.py", "-k", "no_such_test")


def test_a_wait_fails_before_the_test_does(pytestconfig: pytest.Config) -> None:
    assert PATIENCE_S < float(pytestconfig.getini("timeout")) <= 60


def test_a_test_that_waits_for_ever_fails_by_name(tmp_path: Path) -> None:
    waits = tmp_path / "test_waits.py"
    waits.write_text(WAITS_FOR_EVER)
    shown = run_pytest("-n", "1", "-o", "timeout=1", f"{waits}::test_that_waits[trio]")
    assert "1 failed" in shown
    assert "crashed while running '::test_that_waits[trio]'" in shown
