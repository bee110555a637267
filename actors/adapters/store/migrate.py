"""Bring a database up to date, and say in one line why one cannot be used.

The revisions in `migrations/versions` make the tables; the rows of `legal_move` come from the machine's own
table at every start, so that the two cannot drift apart: what the machine has no more is legal no more. Where an old
journal refers to such a row it stays, and `retired_move` says that it is history.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeAlias

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, delete, insert, inspect, select

from actors.adapters.store.errors import NewerDatabase, NotADatabase, StoreError
from actors.adapters.store.schema import legal_move, metadata, move, retired_move
from machines.response import TABLE

LegalMove: TypeAlias = tuple[str, str, str]
"""From, fact, to."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def create_all(engine: Engine) -> None:
    """Make the newest tables at once, without their history: for databases that do not outlive the process."""
    with engine.begin() as conn:
        metadata.create_all(conn)
        _write_legal_moves(conn)


def upgrade(engine: Engine, *, migrations: Path = MIGRATIONS) -> None:
    """Make the tables, or bring older ones up to date, in one transaction.

    Raises NewerDatabase, and NotADatabase for somebody else's tables; the database is then as it was.
    """
    with engine.begin() as conn:
        if _is_older(conn, migrations):
            config = Config()
            # A per cent sign in a path would be read as the start of a variable.
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
    """Whether the tables are those of this version, and not of an older one; writes nothing.

    Raises NewerDatabase or NotADatabase.
    """
    with engine.connect() as conn:
        return not _is_older(conn, MIGRATIONS)


def _is_older(conn: Connection, migrations: Path) -> bool:
    """Whether there is something to upgrade. Raises NewerDatabase or NotADatabase."""
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
    """Take a move out of the table; where a journal refers to it, it stays and is legal no more."""
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
