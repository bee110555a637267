"""How each connection to a file is set up: what durability and the refusals rest on."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from actors.adapters.store.engine.sqlite import memory_engine

FULL = 2  # PRAGMA synchronous (SQLite's documentation)


@pytest.mark.parametrize(("pragma", "value"), [("synchronous", FULL), ("journal_mode", "wal"), ("foreign_keys", 1)])
def test_a_connection_is_durable_and_checks_keys(engine: Engine, pragma: str, value: object) -> None:
    with engine.connect() as conn:
        assert conn.execute(text(f"PRAGMA {pragma}")).scalar() == value


def test_a_released_savepoint_goes_with_its_transaction() -> None:
    engine = memory_engine()
    with engine.connect() as conn:
        conn.exec_driver_sql("CREATE TABLE numbers (number)")
        conn.commit()
        for statement in ("SAVEPOINT one", "INSERT INTO numbers VALUES (1)", "RELEASE one"):
            conn.exec_driver_sql(statement)
        conn.rollback()
        assert conn.exec_driver_sql("SELECT count(*) FROM numbers").scalar() == 0
    engine.dispose()
