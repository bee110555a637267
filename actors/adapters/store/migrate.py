"""Bring a database up to date, and say in one line why one cannot be used.

The revisions in `migrations/versions` make the tables; the rows of `legal_move` come from the machine's own
table at every start, so that the two cannot drift apart. Rows of older machines stay: old journals need them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, insert, inspect, select

from actors.adapters.store.errors import NewerDatabase, NotADatabase, StoreError
from actors.adapters.store.schema import legal_move, metadata
from machines.response import TABLE

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
    known = {tuple(row) for row in conn.execute(select(legal_move.c.source, legal_move.c.fact, legal_move.c.dest))}
    legal = {(str(row.source), row.fact.__name__, str(row.dest)) for row in TABLE}
    missing = [{"source": source, "fact": fact, "dest": dest} for source, fact, dest in sorted(legal - known)]
    if missing:
        conn.execute(insert(legal_move), missing)
