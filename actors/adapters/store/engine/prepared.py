"""Compile the statements of the hot path once, and run them directly on the driver.

`Connection.execute` costs 30 to 100 µs of Python per statement, several times SQLite's own time, and a response has
about 60 statements. SQL, column names and value conversions still come from the dialect; errors are the driver's.
Expanding parameters (`IN`) are not supported.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import JSON, CompoundSelect, Connection, Delete, Dialect, Insert, Select, Table, Update

Statement: TypeAlias = Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]] | Insert | Update | Delete
Convert: TypeAlias = Callable[[Any], Any]

_row_class: Callable[[str, list[str]], Any] = namedtuple  # an alias, because mypy accepts only literal columns


def names_of(table: Table, *, besides: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the columns that an insert sets: all except `besides`, which the database sets."""
    return tuple(column.name for column in table.columns if column.name not in besides)


class _Form(NamedTuple):
    """A statement compiled for one dialect."""

    sql: str
    order: list[str] | None  # order of the parameters, if the driver takes them by position
    constants: dict[str, Any]  # parameters that the dialect adds, such as the OFFSET of a LIMIT
    writes: tuple[tuple[str, Convert], ...]  # parameters to convert
    make: Callable[[Iterable[Any]], Any]  # makes a row with named columns
    reads: tuple[tuple[int, Convert], ...]  # columns to convert


class Prepared:
    """One statement; `names` are the columns that an insert sets."""

    __slots__ = ("_forms", "_names", "_statement")

    def __init__(self, statement: Statement, names: tuple[str, ...] | None = None) -> None:
        self._statement = statement
        self._names = names
        self._forms: dict[str, _Form] = {}

    def run(self, conn: Connection, params: dict[str, Any]) -> Any:  # noqa: ANN401 - the driver's own cursor
        """Run it in the transaction of `conn`; returns the driver's cursor with unconverted rows."""
        form = self._form(conn)
        cursor = conn.connection.cursor()
        cursor.execute(form.sql, _bound(form, params))
        return cursor

    def run_each(self, conn: Connection, params: Iterable[dict[str, Any]]) -> None:
        """Run it once for each of `params`."""
        form = self._form(conn)
        conn.connection.cursor().executemany(form.sql, [_bound(form, each) for each in params])

    def scalar(self, conn: Connection, params: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever the column holds
        """Return the first column of the first row, unconverted; None if there is no row."""
        row = self.run(conn, params).fetchone()
        return None if row is None else row[0]

    def row(self, conn: Connection, params: dict[str, Any]) -> Any | None:  # noqa: ANN401 - its columns
        """Return the first row with named columns; None if there is no row."""
        values = self.run(conn, params).fetchone()
        return None if values is None else _read(self._form(conn), values)

    def rows(self, conn: Connection, params: dict[str, Any]) -> list[Any]:
        """Return all rows with named columns."""
        form = self._form(conn)
        found = self.run(conn, params).fetchall()
        return [_read(form, values) for values in found] if form.reads else [form.make(values) for values in found]

    def _form(self, conn: Connection) -> _Form:
        return self._forms.get(conn.dialect.name) or self._compile(conn.dialect)

    def _compile(self, dialect: Dialect) -> _Form:
        compiled = self._statement.compile(dialect=dialect, column_keys=self._names)
        bound = ((name, _write(bind.type, dialect)) for name, bind in compiled.binds.items())
        columns = self._statement.exported_columns
        results = ((each.type.dialect_impl(dialect), each) for each in columns)
        converts = [impl.result_processor(dialect, None) for impl, _ in results]
        row = _row_class("Row", [str(name) for name in columns.keys()])  # noqa: SIM118 - a collection, not a dict
        form = self._forms[dialect.name] = _Form(
            sql=str(compiled),
            order=compiled.positiontup,
            constants={name: value for name, value in compiled.params.items() if value is not None},
            writes=tuple((name, convert) for name, convert in bound if convert is not None),
            make=row._make,
            reads=tuple((place, convert) for place, convert in enumerate(converts) if convert is not None),
        )
        return form


def _write(kind: Any, dialect: Dialect) -> Convert | None:  # noqa: ANN401 - any type of the library's
    """The conversion of a parameter: the drivers take every type except JSON as it is."""
    if not isinstance(kind, JSON):
        return None
    convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _bound(form: _Form, params: dict[str, Any]) -> Any:  # noqa: ANN401 - by position or by name
    values = form.constants | params if form.constants or form.writes else params
    for name, convert in form.writes:
        values[name] = convert(values[name])
    return values if form.order is None else [values[name] for name in form.order]


def _read(form: _Form, values: Any) -> Any:  # noqa: ANN401 - the driver's own row
    if not form.reads:
        return form.make(values)
    converted = list(values)
    for place, convert in form.reads:
        converted[place] = convert(converted[place])
    return form.make(converted)
