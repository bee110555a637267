"""Where a database can be kept: what a bot would be refused is found before it starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from actors.app.cli import app
from actors.app.database_location import refusal_of
from tests.app.processes import BOT, environment, needs_rights, unprivileged
from tests.patience import PATIENCE_S

ASK = """
import sys
from pathlib import Path
from actors.app.database_location import refusal_of
print(refusal_of(Path(sys.argv[1])))
"""


def said_without_privileges(database: Path) -> str:
    """What somebody is told of this place to whom a file's rights mean something."""
    done = subprocess.run(
        unprivileged(sys.executable, "-c", ASK, str(database)),
        env=environment(PYTHONPATH=str(BOT.parent)),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A folder that may be read and not be written, with a database in it."""
    folder = tmp_path / "locked"
    folder.mkdir()
    (folder / "ensemble.db").write_bytes(b"")
    folder.chmod(0o555)
    return folder


@needs_rights
@pytest.mark.parametrize("database", ["ensemble.db", "new.db", "deep/er/new.db"])
def test_a_folder_that_may_not_be_written_is_named_with_the_right_and_the_settings(database: str, locked: Path) -> None:
    assert said_without_privileges(locked / database) == (
        f"{locked} cannot be written (Permission denied): give this user write permission there, "
        "or set another DATA_DIR or another DATABASE_URL"
    )


def test_a_place_that_can_be_had_is_left_as_it_was(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "deep" / "ensemble.db") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["file", "file/deeper"])
def test_a_file_in_the_place_of_a_folder_is_named(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    refusal = refusal_of(tmp_path / folder / "ensemble.db")
    assert refusal is not None
    assert refusal.words == f"{tmp_path / 'file'} is not a folder"


@pytest.mark.parametrize("command", ["doctor", "run", "migrate", "play"])
def test_doctor_passes_nothing_that_the_others_refuse(
    command: str, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    (bare / "file").write_text("in the way")
    monkeypatch.setenv("DATA_DIR", "file")
    if command == "run":
        monkeypatch.setenv("DISCORD_TOKEN", "never-used")
    done = CliRunner().invoke(app, [command])
    assert done.exit_code == 1
    assert "file is not a folder" in done.output
    assert "set another DATA_DIR" in done.output
