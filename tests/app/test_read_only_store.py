"""A database that may not be written is read, or the mend is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.app.cli import app
from tests.app.processes import BOT, environment, needs_rights, unprivileged
from tests.patience import PATIENCE_S

READERS = (["report"], ["transcript", "1"], ["replay", "1"], ["diagram", "--response", "1"])


def run_without_privileges(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command, by somebody to whom a file's rights mean something."""
    return subprocess.run(
        unprivileged(sys.executable, str(BOT), *arguments),
        cwd=folder,
        env=environment(PYTHONPATH=str(BOT.parent)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture
def folder(bare: Path) -> Path:
    """A database that may be read and not be written."""
    assert CliRunner().invoke(app, ["migrate"]).exit_code == 0
    (bare / "ensemble.db").chmod(0o444)
    return bare


@needs_rights
@pytest.mark.parametrize("command", READERS)
def test_where_sqlite_can_keep_nothing_beside_it_a_copy_is_the_mend(command: list[str], folder: Path) -> None:
    folder.chmod(0o555)
    done = run_without_privileges(folder, *command)
    folder.chmod(0o755)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"ensemble: ensemble.db cannot be read in its folder: {folder} cannot be written (Permission denied); copy it, "
        "and ensemble.db-wal if it exists, to a folder that you can write to, and set DATA_DIR to that folder\n"
    )


@needs_rights
def test_a_file_that_may_only_be_read_is_read_where_the_folder_may_be_written(folder: Path) -> None:
    folder.chmod(0o777)
    done = run_without_privileges(folder, "report")
    assert (done.returncode, done.stdout) == (0, "No response has ended in the last 24h: nothing to report.\n")


def test_what_is_wrong_with_the_database_itself_is_said_as_ever(folder: Path) -> None:
    (folder / "ensemble.db").chmod(0o644)
    (folder / "ensemble.db").write_text("Dear diary, " * 100)
    assert "is not an SQLite database" in CliRunner().invoke(app, ["report"]).stderr
