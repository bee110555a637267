"""`back_up` on real files: while another connection writes, on full disks, over files that are there, of damage."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread

import anyio
import pytest

from actors.adapters.store import StoreError, back_up, open_store
from tests.contracts.scene import Scene, open_scene

LINES = 300


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "ensemble.db"


@contextmanager
def when_copying(do: Callable[[], None]) -> Iterator[None]:
    """Within the block, `do` runs whenever the copy is opened: the database has been opened by then."""
    is_on = [True]

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if is_on and event == "sqlite3.connect" and ".partial" in str(arguments[0]):
            do()

    sys.addaudithook(hear)  # which cannot be taken away again
    try:
        yield
    finally:
        is_on.clear()


async def filled(database: Path) -> None:
    async with open_store(f"sqlite:///{database}") as store:
        scene = await open_scene(store)
        await scene.hear(10)


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def files_beside(file: Path) -> list[str]:
    return sorted(each.name for each in file.parent.iterdir() if each.name.startswith((file.name, f".{file.name}")))


async def test_o1_a_backup_taken_while_the_bot_writes_is_one_moment_of_it_in_one_file(
    database: Path, tmp_path: Path
) -> None:
    file = tmp_path / "backup.db"
    async with open_store(f"sqlite:///{database}") as writer:
        scene = await open_scene(writer)
        for number in range(LINES):
            await scene.hear(100 + number)
        begun, done = Event(), Event()
        made: list[object] = []

        def copy() -> None:
            begun.set()
            made.append(back_up(database, file))
            done.set()

        Thread(target=copy).start()
        begun.wait()
        heard = LINES
        while not done.is_set():
            await scene.hear(100 + heard)
            heard += 1
    assert made, "the thread has raised otherwise"
    assert files_beside(file) == ["backup.db"]
    async with open_store(f"sqlite:///{file}") as restored:
        messages = [entry.message_ids[0] for entry in await restored.history(scene.claim.session_id)]
        assert len(messages) in range(LINES, heard + 1)
        assert messages == list(range(100, 100 + len(messages))), "no gap: it is one moment's"
        claim, *_ = await restored.claim(scene.claim.session_id)
        again = Scene(restored, claim)
        await again.hear(100_000)
        assert (await restored.history(scene.claim.session_id))[-1].message_ids == (100_000,)


async def test_o1_what_is_written_once_it_has_begun_is_not_in_it_and_it_needs_no_wal(
    database: Path, tmp_path: Path
) -> None:
    await filled(database)

    def write() -> None:
        with closing(sqlite3.connect(database)) as other:
            other.execute("CREATE TABLE IF NOT EXISTS later (x)")

    with when_copying(write):
        back_up(database, tmp_path / "backup.db")
    with closing(sqlite3.connect(tmp_path / "backup.db")) as copy:
        assert copy.execute("SELECT name FROM sqlite_master WHERE name IN ('later', 'history')").fetchall() == [
            ("history",)
        ]
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


async def test_o1_only_its_owner_may_read_a_backup_from_its_first_byte_on(database: Path, tmp_path: Path) -> None:
    await filled(database)
    seen: list[int] = []

    def look() -> None:
        seen.extend(stat.S_IMODE(each.stat().st_mode) for each in tmp_path.glob(".backup.db.*.partial"))

    umask = os.umask(0)
    try:
        with when_copying(look):
            back_up(database, tmp_path / "backup.db")
    finally:
        os.umask(umask)
    assert seen
    assert set(seen) == {0o600}
    assert stat.S_IMODE((tmp_path / "backup.db").stat().st_mode) == 0o600


async def test_o1_what_is_there_already_stays_unless_it_is_to_be_overwritten(database: Path, tmp_path: Path) -> None:
    await filled(database)
    file = tmp_path / "backup.db"
    file.write_text("precious")
    with pytest.raises(StoreError, match=r"is there already.* --force"):
        back_up(database, file)
    assert file.read_text() == "precious"
    assert back_up(database, file, overwrites=True).lines == 1
    link = tmp_path / "newest.db"
    link.symlink_to(file)
    back_up(database, link, overwrites=True)
    assert link.is_symlink(), "what it points to is replaced"
    assert files_beside(file) == ["backup.db"]


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal", ".lock", ".holder.lock", ".request.lock"])
async def test_o1_the_database_in_use_and_what_belongs_to_it_are_never_overwritten(database: Path, ending: str) -> None:
    await filled(database)
    before = content_of(database)
    with pytest.raises(StoreError, match="belongs to the database in use"):
        back_up(database, database.with_name(database.name + ending), overwrites=True)
    assert content_of(database) == before


async def test_o1_a_place_where_no_backup_can_be_is_one_clear_line(database: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no database at .*ensemble\.db: look at DATABASE_URL"):
        back_up(database, tmp_path / "backup.db")
    await filled(database)
    with pytest.raises(StoreError, match="nowhere is not a folder: create it first"):
        back_up(database, tmp_path / "nowhere" / "backup.db")
    with pytest.raises(StoreError, match="is a folder: name a file in it"):
        back_up(database, tmp_path)
    with pytest.raises(StoreError, match="is not an ordinary file"):
        back_up(database, Path(os.devnull), overwrites=True)


@pytest.mark.parametrize("content", [b"no database " * 500, b""])
def test_o1_what_is_no_database_of_ours_is_not_backed_up(database: Path, tmp_path: Path, content: bytes) -> None:
    database.write_bytes(content)
    with pytest.raises(StoreError, match="DATABASE_URL"):
        back_up(database, tmp_path / "backup.db")
    assert files_beside(tmp_path / "backup.db") == []


async def test_o1_a_damaged_database_leaves_no_backup_that_looks_good(database: Path, tmp_path: Path) -> None:
    await filled(database)
    with closing(sqlite3.connect(database)) as raw:
        (page,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'history'").fetchone()
        (size,) = raw.execute("PRAGMA page_size").fetchone()
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with pytest.raises(StoreError, match=r"is damaged .*: none was written; use an older one"):
        back_up(database, tmp_path / "backup.db")
    assert files_beside(tmp_path / "backup.db") == []


async def test_o1_a_locked_database_is_refused_after_a_while(database: Path, tmp_path: Path) -> None:
    await filled(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program has locked it"):
            back_up(database, tmp_path / "backup.db", locked_s_max=0.05)


FULL = """
mount -t tmpfs -o size=64k none full && exec "$0" -c '
from pathlib import Path
from actors.adapters.store import StoreError, back_up
try:
    back_up(Path("ensemble.db"), Path("full/backup.db"))
except StoreError as error:
    print(error)
print([each.name for each in Path("full").iterdir()])
'
"""


@pytest.mark.skipif(
    shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0,
    reason="only Linux, and only where it is allowed, can have a small disk of a test's own",
)
def test_o1_on_a_full_disk_it_says_so_and_leaves_nothing(database: Path, tmp_path: Path) -> None:
    anyio.run(filled, database)
    (tmp_path / "full").mkdir()
    root = Path(__file__).parent.parent.parent.parent
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL, sys.executable],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    said, left = done.stdout.splitlines()
    assert "full cannot be written (database or disk is full): free disk space" in said
    assert left == "[]"
