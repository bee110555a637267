"""A database file and a scene on it, for what is SQLite's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from actors.adapters.store import prepare


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine for a migrated file."""
    made = prepare(tmp_path / "ensemble.db")
    yield made
    made.dispose()
