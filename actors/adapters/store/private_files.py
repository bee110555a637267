"""Create files and folders that only their owner can open.

They hold people's texts and the bot's tokens. A new file gets its mode when it is created, so the process's umask is
not changed; an existing file is closed to other users before it is written.

Windows has no such modes: there access is inherited from the folder, and nothing is done.

Failure modes: OSError, as from `open`. A file of another user keeps its mode: only its owner may change it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
OTHERS: Final = 0o077
"""Permission bits of the group and of others."""

STRANGERS: Final = 0o007
"""Permission bits of users who are neither the owner nor in the file's group."""

SQLITE_BESIDE: Final = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's files beside a database; SQLite creates them with the database's mode."""

HAS_MODES: Final = os.name == "posix"


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents; existing folders keep their mode."""
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def make_private_database(database: Path) -> None:
    """Create an empty file for SQLite in a private folder; if it exists, close it and the files beside it to others."""
    make_private_folder(database.parent)
    try:
        os.close(open_private(database, os.O_WRONLY | os.O_EXCL))
    except FileExistsError:
        # Change the mode without opening it: closing a descriptor would drop the locks of this process's other
        # connections (SQLite, "How To Corrupt An SQLite Database File", 2.2).
        for ending in ("", *SQLITE_BESIDE):
            close_to_others(database.with_name(database.name + ending))


def open_private(file: Path, flags: int) -> int:
    """Open `file`, create it if missing, and close it to other users. Returns the descriptor."""
    opened = os.open(file, flags | os.O_CREAT | getattr(os, "O_BINARY", 0), FILE_MODE)
    try:
        if _is_ours_and_open(os.fstat(opened)):
            os.fchmod(opened, FILE_MODE)
    except OSError:
        os.close(opened)
        raise
    return opened


def write_private(file: Path, content: Iterable[bytes], *, overwrites: bool = True) -> None:
    """Write `file`, closed to others before its first byte. Raises FileExistsError unless it `overwrites`."""
    flags = os.O_WRONLY | (os.O_TRUNC if overwrites else os.O_EXCL)
    with open(open_private(file, flags), "wb") as opened:
        opened.writelines(content)


def close_to_others(file: Path) -> None:
    """Remove other users' permissions from a regular file of ours, if it exists."""
    try:
        if _is_ours_and_open(file.stat()):
            file.chmod(FILE_MODE)
    except FileNotFoundError:
        pass  # SQLite deletes such files with its last connection


def is_open_to_others(file: Path) -> bool:
    """Return whether other users may open a file; if it is not ours, only users outside its group count."""
    if not HAS_MODES or not file.is_file():
        return False
    status = file.stat()
    return bool(status.st_mode & (OTHERS if status.st_uid == os.geteuid() else STRANGERS))


def is_filled_by_others(folder: Path) -> bool:
    """Return whether any user may write into a folder, and so replace files that are to be created there.

    The group's permission is ignored: where each user has a group of their own, every folder grants it.
    """
    return HAS_MODES and folder.is_dir() and bool(folder.stat().st_mode & stat.S_IWOTH)


def _is_ours_and_open(status: os.stat_result) -> bool:
    """Whether others have permissions that we can remove: not for a pipe, a terminal or another user's file."""
    is_ours = HAS_MODES and stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
    return is_ours and bool(status.st_mode & OTHERS)
