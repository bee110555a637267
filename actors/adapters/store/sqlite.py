"""Engines for SQLite, set up so that savepoints, batches and foreign keys mean what they say.

Failure modes: a file that is no database raises NotADatabase at the first connection; another writer on the
same file makes BEGIN wait up to BUSY_TIMEOUT_S and then fail.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, StaticPool

from actors.adapters.store.errors import NotADatabase

BUSY_TIMEOUT_S: Final = 10.0
"""The command line writes beside a running bot; its transactions last milliseconds."""


def file_engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine for one file; each `connect` is a connection of its own."""

    def open_file() -> sqlite3.Connection:
        # The URI is the only way to say "read only"; as_uri() quotes what a path may contain.
        mode = "ro" if read_only else "rwc"
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_TIMEOUT_S, check_same_thread=False
        )

    engine = create_engine("sqlite+pysqlite://", creator=open_file, poolclass=NullPool)
    return _prepared(engine, path=path, read_only=read_only)


def memory_engine() -> Engine:
    """An engine for one database in memory, which lives as long as the engine."""
    engine = create_engine(
        "sqlite+pysqlite:///:memory:", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )
    return _prepared(engine, path=None, read_only=False)


def _prepared(engine: Engine, *, path: Path | None, read_only: bool) -> Engine:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, record: Any) -> None:  # noqa: ANN401 - the library's own record
        # By default the driver begins transactions by itself, late, and savepoints then survive the outer
        # rollback: only with its automatism off is a savepoint part of the batch.
        connection.isolation_level = None
        try:
            if path is not None and not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
            # FULL: NORMAL survives a kill, but may lose the last commits when the power goes.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
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
