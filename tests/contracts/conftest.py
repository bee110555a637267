"""The stores that the shared suite runs on: a second database is one more branch here."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.adapters.store import SqlStore, open_store, prepare
from tests.contracts.scene import Scene, open_scene


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    backend: str = request.param
    return backend


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once: a copy costs a hundredth of a migration."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    prepare(path).dispose()
    return path


@pytest.fixture(params=["sqlite file", "sqlite memory"])
async def store(
    request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path, empty_database: Path
) -> AsyncIterator[SqlStore]:
    url = "sqlite:///:memory:"
    if request.param == "sqlite file":
        url = f"sqlite:///{shutil.copy(empty_database, tmp_path / 'ensemble.db')}"
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def scene(store: SqlStore) -> Scene:
    return await open_scene(store)
