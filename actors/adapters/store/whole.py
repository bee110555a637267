"""A copy of a database in use that lacks its `-wal`: to SQLite it is an empty database, and the bot would begin anew.

What a bot writes stands in `ensemble.db-wal` until SQLite moves it over, a thousand pages at a time. Whoever copies the
first file alone, early, has its first page and nothing in it.

Source: https://www.sqlite.org/fileformat2.html, 1.3 (the header) and 1.6 (pages).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from actors.adapters.store.errors import NotADatabase

HEAD_BYTES: Final = 108
"""The database's header, and that of its first page."""

MAGIC: Final = b"SQLite format 3\0"
WAL: Final = 2
"""The read and write version of a database that is kept with a `-wal`."""

LEAF: Final = 0x0D


def require_whole(path: Path) -> None:
    """Raises NotADatabase where the file at `path` holds nothing and its `-wal` is gone."""
    if _is_bare(path) and not path.with_name(f"{path.name}-wal").exists():
        raise NotADatabase(
            f"{path} holds nothing, and {path.name}-wal is not beside it: it looks like a copy of a running bot's "
            "database without that file. Take a copy that `python bot.py backup FILE` has made, or copy both files; "
            "if this is to be a new database, delete the file"
        )


def _is_bare(path: Path) -> bool:
    """Whether it is a database kept with a `-wal`, and without a single table; one of no bytes is just new."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return False  # not there, or not ours to read: whoever opens it says so
    is_kept_with_wal = head.startswith(MAGIC) and head[18] == head[19] == WAL
    return is_kept_with_wal and len(head) == HEAD_BYTES and head[100] == LEAF and head[103:105] == b"\0\0"
