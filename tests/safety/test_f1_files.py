"""F1: what people wrote and what opens it is the owner's alone, in every file that a command writes.

Everything runs under umask 022, as most machines have it; the files' own modes must hold without its help.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import pytest
from typer.testing import CliRunner

from actors.adapters.store import DatabaseLock, make_private_database, open_store, write_private
from actors.app.cli import app
from tests.app.conftest import bare
from tests.app.processes import run_bot, started
from tests.contracts.scene import open_scene

__all__ = ["bare"]
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(os.name == "nt", reason="Windows keeps no modes; a folder there has an access list"),
]

OTHERS: Final = 0o077
NOBODY: Final = 65534


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def readable_by_others(folder: Path) -> list[str]:
    """Every file below `folder` that somebody else may open."""
    return sorted(
        f"{path.relative_to(folder)} {mode_of(path):o}"
        for path in folder.rglob("*")
        if path.is_file() and mode_of(path) & OTHERS
    )


async def filled(folder: Path) -> str:
    """A database with a scene of some lines in it; returns the session's id."""
    async with open_store("sqlite:///ensemble.db", folder=folder) as store:
        scene = await open_scene(store)
        await scene.hear(10)
        return scene.claim.session_id


async def test_f1_the_database_and_what_sqlite_keeps_beside_it_are_the_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "of-the-bot"
    async with open_store("sqlite:///ensemble.db", folder=folder) as store:
        await open_scene(store)
        with closing(sqlite3.connect(folder / "ensemble.db")) as reader:
            reader.execute("SELECT count(*) FROM session").fetchone()
            assert {path.name for path in folder.iterdir()} >= {"ensemble.db", "ensemble.db-wal", "ensemble.db-shm"}
            assert readable_by_others(folder) == []
    assert mode_of(folder) == mode_of(folder.parent) == 0o700


async def test_f1_files_of_an_older_version_are_closed_when_they_are_opened_again(tmp_path: Path) -> None:
    await filled(tmp_path)
    left = [tmp_path / f"ensemble.db{ending}" for ending in ("", "-wal", "-shm", "-journal")]
    for path in left:
        path.touch()
        path.chmod(0o644)
    async with open_store("sqlite:///ensemble.db", folder=tmp_path):
        assert readable_by_others(tmp_path) == []


def test_f1_a_folder_that_was_there_and_the_umask_of_the_process_stay_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    anyio.run(filled, tmp_path)
    assert mode_of(tmp_path) == 0o755
    assert os.umask(0o022) == 0o022


def test_f1_nobody_else_can_open_a_lock_and_so_hold_it(tmp_path: Path) -> None:
    for name in ("ensemble.db.lock", "ensemble.db.holder.lock", "ensemble.db.request.lock"):
        (tmp_path / name).touch(0o644)
    with DatabaseLock(tmp_path / "ensemble.db") as lock:
        lock.acquire(at=1.0)
        with lock.asking() as is_asking:
            assert is_asking
            assert lock.holder.startswith(f"process {os.getpid()}")
            assert readable_by_others(tmp_path) == []


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        "transcript {session} --format jsonl -o out",
        "transcript {session} --format html -o out",
        "character export Mira out.json{force}",
        "backup out{force}",
    ],
)
async def test_f1_whatever_a_command_writes_is_the_owners_alone(command: str, is_there: bool, bare: Path) -> None:
    session = await filled(bare)
    (file,) = [bare / word for word in command.format(session=session, force="").split() if word.startswith("out")]
    if is_there:
        file.touch(0o644)
        file.chmod(0o644)
    words = command.format(session=session, force=" --force" if is_there else "").split()
    done = run_bot(bare, *words)
    assert done.returncode == 0, done.stderr
    assert file.stat().st_size > 0
    assert readable_by_others(bare) == []


def test_f1_a_file_is_closed_before_its_first_byte_is_written(tmp_path: Path) -> None:
    """Seen at the moment of the write: a mode that is set afterwards is too late for whoever has it open."""
    file = tmp_path / "out"
    file.touch(0o644)
    file.chmod(0o644)
    seen: list[int] = []

    def content() -> Iterator[bytes]:
        seen.append(mode_of(file))
        yield b"words"

    write_private(file, content())
    assert (seen, file.read_bytes()) == ([0o600], b"words")


def test_f1_what_is_no_ordinary_file_keeps_its_mode(tmp_path: Path) -> None:
    before = mode_of(Path(os.devnull))
    write_private(Path(os.devnull), [b"words"])
    assert mode_of(Path(os.devnull)) == before


def test_f1_the_playgrounds_world_and_the_token_of_its_inspector_are_the_owners_alone(bare: Path) -> None:
    with started(bare, "play", "--no-open", "--port", "0", until="Its inspector:", STATUS_URL=""):
        folder = bare / "playground"
        assert {path.name for path in folder.iterdir()} >= {"world.db", "ensemble.db", "inspector.json"}
        assert readable_by_others(folder) == []
        assert mode_of(folder) == 0o700
        assert json.loads((folder / "inspector.json").read_text())["token"]


def test_f1_the_doctor_names_what_others_can_read_and_the_command_that_closes_it(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    anyio.run(filled, bare)
    playground = bare / "playground"
    playground.mkdir(0o700)
    open_files = [bare / ".env", bare / "ensemble.db", bare / "ensemble.db.lock", playground / "world.db"]
    for path in open_files:
        path.touch()
        path.chmod(0o644)
    done = CliRunner().invoke(app, ["doctor"], catch_exceptions=False)
    lines = done.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("✗ files:")]
    assert "other users of this machine" in lines[at]
    assert done.exit_code == 1
    subprocess.run(lines[at + 1].strip().removeprefix("run `").removesuffix("`"), shell=True, check=True, cwd=bare)
    assert [mode_of(path) for path in open_files] == [0o600] * 4
    assert "✓ files: only this user can read them" in CliRunner().invoke(app, ["doctor"]).stdout


@pytest.mark.parametrize(("mode", "is_named"), [(0o777, True), (0o1777, True), (0o775, False), (0o755, False)])
def test_f1_the_doctor_names_a_folder_into_which_anybody_may_put_files(
    mode: int, is_named: bool, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    bare.chmod(mode)
    lines = CliRunner().invoke(app, ["doctor"], catch_exceptions=False).stdout.splitlines()
    assert any(line.startswith("✗ folders: other users") for line in lines) is is_named
    assert any("chmod o-w -- ." in line for line in lines) is is_named


def test_f1_the_doctor_says_nothing_of_files_where_there_are_none(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS_URL", "")
    assert "files:" not in CliRunner().invoke(app, ["doctor"]).stdout


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can become another user")
def test_f1_another_user_reads_nothing() -> None:
    """The review's own way in, as the user `nobody`; a file that is open to all shows that it is one."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        anyio.run(filled, folder)
        (folder / "open").write_text("")

        def read(name: str) -> int:
            return subprocess.run(["cat", folder / name], user=NOBODY, capture_output=True, check=False).returncode

        assert [read(name) for name in ("open", "ensemble.db")] == [0, 1]


def test_f1_a_database_that_is_opened_twice_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """A descriptor of the file that this process closes would take all of its locks away."""
    anyio.run(filled, tmp_path)
    writes = "import sqlite3; sqlite3.connect('ensemble.db', timeout=0).execute('BEGIN EXCLUSIVE')"
    with closing(sqlite3.connect(tmp_path / "ensemble.db", isolation_level=None)) as first:
        first.execute("PRAGMA journal_mode = DELETE")  # in which every lock is one of the file's own
        first.execute("BEGIN EXCLUSIVE")
        make_private_database(tmp_path / "ensemble.db")
        done = subprocess.run([sys.executable, "-c", writes], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "database is locked" in done.stderr
