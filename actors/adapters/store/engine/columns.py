"""Build the columns, checks and indexes that many tables share."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, text

# SQLite numbers rows automatically only if the type is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


def listed(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


def one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({listed(values)})", name=column)


def id_column(name: str = "id") -> Column[str]:
    return Column(name, String(13), primary_key=True)


def where_index(name: str, table: Table, *columns: str, where: str, unique: bool = False) -> Index:
    condition = text(where)
    chosen = [table.c[column] for column in columns]
    return Index(name, *chosen, unique=unique, sqlite_where=condition, postgresql_where=condition)
