"""The lock: one process per database, named to whoever comes second, gone with its holder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.adapters.store import AlreadyRunning, DatabaseLock
from tests.app.processes import needs_rights, unprivileged

SINCE = 1_750_000_000.0
HOLD = """
import sys
from pathlib import Path
from actors.adapters.store import DatabaseLock
lock = DatabaseLock(Path(sys.argv[1]))
lock.acquire(at=1_750_000_000.0)
print("held", flush=True)
sys.stdin.read()
"""
ASK = """with lock.asking() as is_asking:
    print(is_asking, flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    database = tmp_path / "ensemble.db"
    with another_process(database) as holder, pytest.raises(AlreadyRunning) as caught:
        DatabaseLock(database).acquire(at=SINCE)
    assert f"process {holder.pid}, since 2025-06-15 15:06:40 UTC" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    database = tmp_path / "ensemble.db"
    with another_process(database) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with DatabaseLock(database) as lock:
            lock.acquire(at=SINCE)


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    first, second = DatabaseLock(tmp_path / "ensemble.db"), DatabaseLock(tmp_path / "ensemble.db")
    first.acquire(at=SINCE)
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        second.acquire(at=SINCE)
    first.release()
    second.acquire(at=SINCE)
    second.release()


def test_the_folder_is_made(tmp_path: Path) -> None:
    lock = DatabaseLock(tmp_path / "deep" / "ensemble.db")
    lock.acquire(at=SINCE)
    lock.release()
    assert (tmp_path / "deep").is_dir()


def test_two_databases_do_not_lock_each_other(tmp_path: Path) -> None:
    with another_process(tmp_path / "one.db"), DatabaseLock(tmp_path / "two.db") as lock:
        lock.acquire(at=SINCE)


def test_a_holder_that_has_not_said_who_it_is_is_not_guessed(tmp_path: Path) -> None:
    database = tmp_path / "ensemble.db"
    with another_process(database):
        (tmp_path / "ensemble.db.holder.lock").write_text("")
        with pytest.raises(AlreadyRunning, match="an unknown process"):
            DatabaseLock(database).acquire(at=SINCE)


def test_m9_a_request_lives_as_long_as_its_asker(tmp_path: Path) -> None:
    database = tmp_path / "ensemble.db"
    holder = DatabaseLock(database)
    holder.acquire(at=SINCE)
    looks = [holder.is_asked_for]
    with asking_process(database) as asker:
        looks.append(holder.is_asked_for)
        with DatabaseLock(database).asking() as is_asking:
            assert not is_asking
        os.kill(asker.pid, signal.SIGKILL)
        asker.wait()
        looks.append(holder.is_asked_for)
    assert looks == [False, True, False]
    holder.release()


@needs_rights
def test_m9_a_request_that_another_user_left_neither_ends_nor_harms_the_holder(tmp_path: Path) -> None:
    (tmp_path / "ensemble.db.request.lock").touch(mode=0o000)
    script = "print(lock.is_asked_for, lock.note_handing_over())"
    done = subprocess.run(
        unprivileged(sys.executable, "-c", f"{HOLD.partition('print')[0]}{script}", str(tmp_path / "ensemble.db")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("False True\n", 0), done.stderr


@contextmanager
def asking_process(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that asks for the lock until its input ends."""
    script = HOLD.replace('lock.acquire(at=1_750_000_000.0)\nprint("held", flush=True)\nsys.stdin.read()', ASK)
    command = [sys.executable, "-c", script, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        try:
            yield process
        finally:
            process.kill()
