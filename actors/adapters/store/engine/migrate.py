"""Migrate a database, or explain in one line why it cannot be used.

The revisions in `migrations/versions` create the tables. The rows of `legal_move` are written from the machine's table
at every start, so that the two always agree: a row that the machine no longer has is no longer legal. If an old journal
refers to such a row, the row is kept and `retired_move` marks it.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, insert, inspect, select

from actors.adapters.store.engine.errors import NewerDatabase, NotADatabase, StoreError
from actors.adapters.store.engine.schema import legal_move, metadata, move, retired_move
from actors.adapters.store.engine.sqlite import memory_engine
from machines.response import TABLE

LegalMove: TypeAlias = tuple[str, str, str]
"""(from, fact, to)."""

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"


def create_all(engine: Engine) -> None:
    """Create the newest tables directly, without migrations, in a database in memory."""
    with engine.connect() as conn:
        into = conn.connection.driver_connection
        assert isinstance(into, sqlite3.Connection)
        _empty().backup(into)


@cache
def _empty() -> sqlite3.Connection:
    """An empty database to copy: copying costs 1/30 of creating the tables, and a simulation makes thousands."""
    engine = memory_engine()
    with engine.begin() as conn:
        metadata.create_all(conn)
        _write_legal_moves(conn)
        made = conn.connection.driver_connection
    assert isinstance(made, sqlite3.Connection)
    return made


def upgrade(engine: Engine, *, migrations: Path = MIGRATIONS) -> None:
    """Create the tables, or migrate older ones, in one transaction.

    Raises NewerDatabase, and NotADatabase for another program's tables; the database is then unchanged.
    """
    with engine.begin() as conn:
        if _is_older(conn, migrations):
            config = Config()
            # Alembic would read a percent sign in a path as the start of a variable.
            config.set_main_option("script_location", str(migrations).replace("%", "%%"))
            config.attributes["connection"] = conn
            command.upgrade(config, "head")
        _write_legal_moves(conn)


def require_current(engine: Engine) -> None:
    """Raises StoreError unless the tables are those of this version; writes nothing."""
    with engine.connect() as conn:
        if _is_older(conn, MIGRATIONS):
            raise StoreError("the database is from an older version: run `python bot.py migrate`")


def is_current(engine: Engine) -> bool:
    """Return whether the tables are those of this version and not older; writes nothing.

    Raises NewerDatabase or NotADatabase.
    """
    with engine.connect() as conn:
        return not _is_older(conn, MIGRATIONS)


def _is_older(conn: Connection, migrations: Path) -> bool:
    """Whether there is something to migrate. Raises NewerDatabase or NotADatabase."""
    script = ScriptDirectory(str(migrations))
    found = MigrationContext.configure(conn).get_current_revision()
    if found is None:
        if inspect(conn).get_table_names():
            raise NotADatabase("the database holds another program's tables: set another DATABASE_URL")
        return True
    try:
        script.get_revision(found)
    except CommandError as error:
        raise NewerDatabase(
            f"the database is from a newer version of Ensemble ({found}): update Ensemble, or use another DATABASE_URL"
        ) from error
    return found != script.get_current_head()


def _write_legal_moves(conn: Connection) -> None:
    known = _rows(conn, legal_move)
    legal = {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE}
    _insert(conn, legal_move, legal - known)
    if inspect(conn).has_table(retired_move.name):  # an upgrade may stop at an earlier revision
        _retire_moves(conn, known=known, legal=legal)


def _retire_moves(conn: Connection, *, known: set[LegalMove], legal: set[LegalMove]) -> None:
    retired = _rows(conn, retired_move)
    for row in sorted(retired & legal):
        conn.execute(delete(retired_move).where(_is(retired_move, row)))
    for row in sorted(known - legal - retired):
        _retire(conn, row)


def _retire(conn: Connection, row: LegalMove) -> None:
    """Delete a move from `legal_move`; if a journal refers to it, mark it in `retired_move` instead."""
    if conn.execute(select(move.c.seq).where(_is(move, row)).limit(1)).first() is None:
        conn.execute(delete(legal_move).where(_is(legal_move, row)))
    else:
        _insert(conn, retired_move, {row})


def _rows(conn: Connection, table: Table) -> set[LegalMove]:
    return {(source, fact, dest) for source, fact, dest in conn.execute(select(table))}


def _insert(conn: Connection, table: Table, rows: set[LegalMove]) -> None:
    if rows:
        names = ("source", "fact", "dest")
        conn.execute(insert(table), [dict(zip(names, row, strict=True)) for row in sorted(rows)])


def _is(table: Table, row: LegalMove) -> ColumnElement[bool]:
    source, fact, dest = row
    return and_(table.c.source == source, table.c.fact == fact, table.c.dest == dest)
