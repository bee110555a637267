"""Killed at any moment, the database holds what was acknowledged, and nothing by halves."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from actors.adapters.store import open_store

ACKNOWLEDGED_MIN = 300


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture
def killed(tmp_path: Path, anyio_backend: str) -> tuple[Path, dict[str, int]]:
    """A database whose writer was killed amid its moves, and the last version acknowledged of each response."""
    database = tmp_path / "ensemble.db"
    command = [sys.executable, "-m", "tests.adapters.store.moves_for_ever", f"sqlite:///{database}", anyio_backend]
    acknowledged: dict[str, int] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            if count == ACKNOWLEDGED_MIN:
                process.send_signal(signal.SIGKILL)
            if line.endswith("\n"):
                response_id, version = line.split()
                acknowledged[response_id] = int(version)
    assert process.returncode == -signal.SIGKILL
    return database, acknowledged


async def test_what_was_acknowledged_is_there_and_whole(killed: tuple[Path, dict[str, int]]) -> None:
    database, acknowledged = killed
    assert sum(acknowledged.values()) >= ACKNOWLEDGED_MIN
    async with open_store(f"sqlite:///{database}") as store:
        sessions = [each.session_id for each in await store.open_sessions(since=0, lookback=80)]
        assert len(sessions) == 8
        for response_id, version in acknowledged.items():
            assert len(await store.moves(response_id)) >= version
    with closing(sqlite3.connect(database)) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        halves = "SELECT id FROM response WHERE version <> (SELECT max(seq) FROM move WHERE response_id = id)"
        assert conn.execute(halves).fetchall() == []
