"""Store the number of errors in the log, by minute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from actors.adapters.store.engine.report_tables import error_lines

MINUTE_S: Final = 60
KEPT_S: Final = 90 * 86_400
"""At most one row a minute: about 130,000 rows, which take 2 MB."""

_ADD: Final = (
    update(error_lines)
    .where(error_lines.c.minute == bindparam("of_minute"))
    .values(count=error_lines.c.count + bindparam("more"))
)
_FORGET: Final = delete(error_lines).where(error_lines.c.minute < bindparam("before"))
_SINCE: Final = select(func.sum(error_lines.c.count)).where(error_lines.c.minute >= bindparam("first"))
_FIRST: Final = select(func.min(error_lines.c.minute))


def add_errors(conn: Connection, counted: Mapping[int, int], *, at: float) -> None:
    """Add to the counts, by minute since 1970. Without errors, note that they are counted from `at` on."""
    conn.execute(_FORGET, {"before": int(at - KEPT_S) // MINUTE_S})
    for minute, count in (counted or {int(at) // MINUTE_S: 0}).items():
        if not conn.execute(_ADD, {"of_minute": minute, "more": count}).rowcount:
            conn.execute(insert(error_lines), {"minute": minute, "count": count})


def errors_since(conn: Connection, *, since: float) -> tuple[int, float | None]:
    """Return (errors from the minute of `since` on, when counting began; None if nothing was ever counted)."""
    count: int | None = conn.execute(_SINCE, {"first": int(since) // MINUTE_S}).scalar_one()
    first: int | None = conn.execute(_FIRST).scalar_one()
    return count or 0, None if first is None else float(first * MINUTE_S)
