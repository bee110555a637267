"""Nothing in the product is unused: `vulture` reads it with the names in .ci/vulture.toml that others call."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / ".ci" / "vulture.toml"  # it reads no setup.cfg


def vulture(*options: str) -> str:
    command = [sys.executable, "-m", "vulture", "--config", str(CONFIG), *options]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode in (0, 3), run.stderr  # 3: it found something; else it did not run
    return run.stdout


def test_nothing_in_the_product_is_unused() -> None:
    assert vulture() == ""


def test_each_name_that_is_allowed_to_look_unused_still_does() -> None:
    settings = tomllib.loads(CONFIG.read_text(encoding="utf-8"))["tool"]["vulture"]
    found = vulture("--ignore-names", "none")
    looking_unused = {line.split("'")[1] for line in found.splitlines()}
    assert [
        allowed
        for allowed in settings["ignore_names"]
        if not any(fnmatchcase(name, allowed) for name in looking_unused)
    ] == []
