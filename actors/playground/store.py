"""Stores the world in a file: one SQLite table, one row per record, its body in JSON.

    record(kind text, id integer, body text, primary key (kind, id))

Failure modes: the folder cannot be written, another playground has the file open, or a newer version wrote it:
each raises OSError with one clear line.
"""

import json
import sqlite3
from pathlib import Path

from .records import Record, from_json, kind_of, to_json

FILE_NAME = "world.db"
TABLE = "CREATE TABLE IF NOT EXISTS record (kind TEXT, id INTEGER, body TEXT NOT NULL, PRIMARY KEY (kind, id))"
FORMAT = 1
"""Kept in SQLite's `user_version`."""


class WorldFile:
    """Writes each record at once, so that a killed playground loses nothing."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / FILE_NAME
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._connection.close()
            raise OSError(f"{self._path} cannot be used ({error}): is another playground running on it?") from error
        except OSError:
            self._connection.close()
            raise

    def load(self) -> list[Record]:
        """All stored records."""
        rows = self._connection.execute("SELECT kind, body FROM record")
        return [from_json(kind, json.loads(body)) for kind, body in rows]

    def keep(self, record: Record) -> None:
        """Writes a new or changed record."""
        row = (kind_of(record), record.id, json.dumps(to_json(record), ensure_ascii=False))
        self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", row)

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def _prepare(self) -> None:
        run = self._connection.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        (version,) = run("PRAGMA user_version").fetchone()
        if version > FORMAT:
            raise OSError(f"{self._path} was written by a newer version (format {version}, this one knows {FORMAT})")
        run("BEGIN IMMEDIATE")
        run(TABLE)
        run(f"PRAGMA user_version = {FORMAT}")
        run("COMMIT")
