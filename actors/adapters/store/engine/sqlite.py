"""Create SQLite engines on which savepoints, batches and foreign keys work as documented.

Failure modes: a file that is not a database raises NotADatabase at the first connection; if another process writes to
the file, BEGIN waits up to BUSY_TIMEOUT_S and then fails.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from actors.adapters.store.engine.errors import NotADatabase

BUSY_TIMEOUT_S: Final = 10.0
"""Enough for commands that write while the bot runs: their transactions last milliseconds."""


def file_engine(path: Path, *, read_only: bool = False) -> Engine:
    """Return an engine for one file; each `connect` opens a new connection."""

    def open_file() -> sqlite3.Connection:
        # Only a URI can request read-only mode; as_uri() quotes special characters in the path.
        mode = "ro" if read_only else "rwc"
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
        )

    engine = create_engine("sqlite+pysqlite://", creator=open_file, poolclass=NullPool)
    return _prepared(engine, path=path, read_only=read_only)


def memory_engine() -> Engine:
    """Return an engine for one database in memory, which exists as long as the engine."""
    engine = create_engine(
        "sqlite+pysqlite:///:memory:", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    return _prepared(engine, path=None, read_only=False)


def _prepared(engine: Engine, *, path: Path | None, read_only: bool) -> Engine:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ANN401 - the library's own record
        # By default the driver begins transactions itself, too late, and savepoints then survive the outer rollback.
        # With that turned off, a savepoint is part of the batch.
        connection.isolation_level = None
        try:
            if path is not None and not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
            # FULL, because NORMAL survives a kill but may lose the last commits in a power failure.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            # Deleted words are overwritten, not only unlinked: a page that is free would still hold them.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.DatabaseError as error:
            connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_NOTADB:
                raise
            raise NotADatabase(
                f"{path} is not an SQLite database: move it away, or set another DATABASE_URL"
            ) from error

    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
