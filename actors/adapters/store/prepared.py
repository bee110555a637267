"""Statements of the hot path: compiled once, then run on the driver itself.

`Connection.execute` costs 30 to 60 µs of Python a statement, several times what SQLite takes for it, and a move
has three. The SQL is still the dialect's own; only types that need no conversion may be bound or read (text, numbers,
booleans), and errors are the driver's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CompoundSelect, Connection, Delete, Insert, Select, Update

Statement = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete


class Prepared:
    """One statement; `names` are the columns that an insert sets."""

    __slots__ = ("_compiled", "_names", "_statement")

    def __init__(self, statement: Statement, names: tuple[str, ...] | None = None) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, list[str] | None, dict[str, Any]]] = {}

    def run(self, conn: Connection, params: dict[str, Any]) -> Any:  # noqa: ANN401 - the driver's own cursor
        """Run it in the transaction of `conn`; returns the driver's cursor."""
        sql, order, constants = self._compiled.get(conn.dialect.name) or self._compile(conn)
        values = constants | params if constants else params
        cursor = conn.connection.cursor()
        cursor.execute(sql, values if order is None else [values[name] for name in order])
        return cursor

    def scalar(self, conn: Connection, params: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the column holds
        """The first column of the first row; None where there is none."""
        row = self.run(conn, params).fetchone()
        return None if row is None else row[0]

    def _compile(self, conn: Connection) -> tuple[str, list[str] | None, dict[str, Any]]:
        compiled = self._statement.compile(dialect=conn.dialect, column_keys=self._names)
        # What the dialect binds by itself, such as the OFFSET of a LIMIT.
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        entry = (str(compiled), compiled.positiontup, constants)
        self._compiled[conn.dialect.name] = entry
        return entry
