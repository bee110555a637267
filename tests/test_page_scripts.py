"""The pages' scripts pass eslint and the TypeScript compiler (`.ci/scripts`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALLED = ROOT / ".ci" / "js" / "node_modules"


@pytest.mark.skipif(shutil.which("npm") is None, reason="no npm, which brings eslint and the TypeScript compiler")
@pytest.mark.skipif(not INSTALLED.is_dir(), reason="`bash .ci/scripts` installs eslint and the compiler, once")
def test_the_pages_scripts_have_no_mistake_that_eslint_or_the_compiler_finds() -> None:
    check = subprocess.run(
        ["npm", "run", "--silent", "check"],
        cwd=INSTALLED.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_the_versions_are_locked_and_the_lock_names_no_registry() -> None:
    lock = (INSTALLED.parent / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
