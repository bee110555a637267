"""Find invalid rows that another program wrote into the file with SQLite's foreign keys off.

    foreign keys ─┐
    rules ────────┴─► WrongRows, by table           integrity_check ─► damage of the file itself (for `doctor`: slow)

Read only; nothing is corrected, because only the operator knows the right content of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, text

from actors.adapters.store.engine.errors import WrongRowsFound
from actors.adapters.store.engine.known_values import require_known
from actors.adapters.store.engine.rules import RULES

DAMAGES_MAX: Final = 5
"""Lines of `integrity_check` that are shown: a single one already means that a backup is needed."""

MEND: Final = (
    "Nothing was changed. Put a backup in its place, or delete these rows "
    "(`python bot.py doctor` counts them, `sqlite3 FILE 'PRAGMA foreign_key_check'` lists most), and start again."
)
_FOREIGN_KEYS: Final = text(
    'SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY "table", parent ORDER BY "table", parent'
)


@dataclass(frozen=True, slots=True)
class WrongRows:
    """The number of rows of one table that have the same fault."""

    table: str
    count: int
    words: str

    def __str__(self) -> str:
        return f"{self.count} {'row' if self.count == 1 else 'rows'} of `{self.table}` ({self.words})"


def wrong_rows(conn: Connection) -> tuple[WrongRows, ...]:
    """Return the rows that break a foreign key or a rule; takes about 10 µs for each line ever played."""
    if conn.dialect.name != "sqlite":
        return ()
    found = [
        WrongRows(table, count, f"refers to a row of `{parent}` that is not there, or is in another state")
        for table, parent, count in conn.execute(_FOREIGN_KEYS)
    ]
    for rule in RULES:
        if rule.is_counted:
            wrong = text(f"SELECT count(*) FROM {rule.table} WHERE {rule.wrong_in(rule.table)}")
            count = conn.execute(wrong).scalar_one()
            found += [WrongRows(rule.table, count, rule.words)] if count else []
    return tuple(found)


def require_sound(conn: Connection) -> None:
    """Raises WrongRowsFound, which names each table and the fix, and UnknownValues."""
    require_known(conn)
    found = wrong_rows(conn)
    if found:
        raise WrongRowsFound(f"something else wrote into the database: {'; '.join(map(str, found))}. {MEND}")


def unsound(conn: Connection) -> tuple[str, ...]:
    """Describe the faults of rows, and of the file, its indexes and its checks; empty for a sound database.

    Raises UnknownValues.
    """
    require_known(conn)
    if conn.dialect.name != "sqlite":
        return ()
    lines = conn.exec_driver_sql(f"PRAGMA integrity_check({DAMAGES_MAX})").scalars().all()
    return (*map(str, wrong_rows(conn)), *(line for line in lines if line != "ok"))
